// SPDX-License-Identifier: BSD-2-Clause
/*
 * A client that goes on whatever becomes of its connection: each step is true if the server did
 * what it would with all that it needs. A server that says nothing for long is stuck: that ends
 * the test.
 */
#pragma once

#include "protocol/crypt.h"
#include "protocol/msg.h"

#include <netinet/in.h>

#define FAULTPEER_SESSIONS 2
#define FAULTPEER_WAIT_S 20

struct faultpeer {
	int fd; /* -1: it is gone */
	uint32_t mode;
	struct crypt_keys keys;
	struct crypt_stream seal, open;
	int udp; /* the sender's socket */
	uint16_t port; /* of it */
	unsigned n; /* sessions that were accepted */
	struct msg_accept_session session[FAULTPEER_SESSIONS];
};

/** Called when the server says nothing for FAULTPEER_WAIT_S. Does not return. */
extern void (*faultpeer_stuck)(void);

/** Handshake with @mode, and with this passphrase if that wants one. faultpeer_close after any result. */
bool faultpeer_open(struct faultpeer *p, const struct sockaddr_in *server, uint32_t mode,
		    const char *key_id, const char *passphrase);
void faultpeer_close(struct faultpeer *p);

/** One more session, with this Timeout and Receiver Port; not more than FAULTPEER_SESSIONS. */
bool faultpeer_request(struct faultpeer *p, double timeout_s, uint16_t to_port);

/** Start-Sessions, or Start-N-Sessions where the mode has it; Stop without N has no answer. */
bool faultpeer_start(struct faultpeer *p);
bool faultpeer_stop(struct faultpeer *p);

/** Stop-N-Sessions of sessions that there are not: the beginning of it, and the rest. */
bool faultpeer_stop_many(struct faultpeer *p, uint32_t n);
bool faultpeer_stop_many_rest(struct faultpeer *p, uint32_t n);

/** A test packet in the clear is answered within @wait_ms; also by a Light port. */
bool faultpeer_exchange(int udp, uint16_t to_port, int wait_ms);

/** A UDP socket on loopback; *port is filled in. */
int faultpeer_udp(uint16_t *port);
