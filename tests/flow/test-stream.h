// SPDX-License-Identifier: BSD-2-Clause
/* A server that has everything at once, and what a client says to it. */
#pragma once

#include "daemon/control/command.h"
#include "tests/flow/world.h"

#define S TS_NS_PER_S
#define SESSIONS 1200

/* A server that has everything at once, and nothing at random. */
struct stream {
	struct policy policy;
	struct admit_total total;
	struct admit_class class;
	struct admit_client client;
	struct control_keyed secrets;
	struct control control;
	struct mono now;
	int64_t deadline_ns;
	uint8_t in[MSG_N_LEN(SESSIONS) + 4096];
	size_t in_len;
	uint8_t *got;
	size_t n_got, size;
	struct session sessions[SESSIONS];
	int n_sessions;
	bool closed;
};

extern const struct crypt_keys keys; /* of all connections */

void feed(struct stream *s, struct control_in *in);
void feed_kind(struct stream *s, enum control_kind kind);

/** Octets of the client come. */
void receive(struct stream *s, const uint8_t *octets, size_t n);

/** A connection, whose answers go to @got. */
void begin(struct stream *s, uint8_t *got, size_t size);

/** It is gone, and nothing is counted any more. */
void end(struct stream *s);

/* What a client says, one message behind the other. */
struct said {
	uint8_t octets[2 * MSG_N_LEN(SESSIONS) + 2048];
	size_t n;
	bool keyed;
	struct crypt_stream seal;
};

void say_setup(struct said *t, uint32_t mode);
void say_request(struct said *t, uint32_t slots);

/** Start-N-Sessions or Stop-N-Sessions of the sessions first .. first + n - 1, counted from 1. */
void say_list(struct said *t, uint8_t command, uint32_t first, uint32_t n);

/** A whole conversation. */
void compose(struct said *t, uint32_t mode);
