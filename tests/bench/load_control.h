// SPDX-License-Identifier: BSD-2-Clause
/*
 * A Control-Client for the load generator: blocking, many requests at once on one connection,
 * all security modes. Any trouble ends the program. RFC 5357 3.
 */
#pragma once

#include "protocol/crypt.h"
#include "protocol/msg.h"
#include "tests/bench/load.h"

#define CONTROL_WINDOW 64 /* requests written in one go; two such are on the way at most */

struct load_control {
	int fd;
	uint32_t mode;
	struct crypt_keys keys;
	struct crypt_stream out, in;
};

/* A session that was asked for. */
struct load_session {
	uint16_t sender_port; /* in */
	uint16_t port; /* out: 0 = refused */
	uint8_t accept;
	uint8_t sid[MSG_SID_LEN];
};

/** Connect from @source (NULL = any) and write the Set-Up-Response into @setup, unsent. */
void load_control_open(struct load_control *c, const struct load_options *o, const char *source,
		       uint8_t setup[static MSG_SETUP_LEN]);

/** Read Server-Start after the Set-Up-Response was sent. Return its Accept. */
uint8_t load_control_started(struct load_control *c);

/** Both of the above, and Accept 0, or the end of the program. */
void load_control_connect(struct load_control *c, const struct load_options *o,
			  const char *source);

/** Request @n sessions, pipelined. @mark is called with the number accepted or refused so far. */
void load_control_request(struct load_control *c, const struct load_options *o,
			  struct load_session *sessions, size_t n,
			  void (*mark)(void *context, size_t done), void *context);

void load_control_start(struct load_control *c);

/** Stop-Sessions, and close. */
void load_control_stop(struct load_control *c, size_t sessions);

void load_write(int fd, const void *from, size_t n);
