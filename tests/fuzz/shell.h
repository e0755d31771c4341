// SPDX-License-Identifier: BSD-2-Clause
/*
 * One control connection in the hands of a fuzzer: the real core, a server around it that
 * carries out its orders the way the input says, a clock that the input moves, and a client
 * that seals what the input chose, so that keyed modes are no wall. After each event all rules
 * of rules.c are checked.
 */
#pragma once

#include "daemon/control/control.h"
#include "tests/fuzz/fuzz.h"

#define SHELL_SESSIONS 12
#define SHELL_IN 40000 /* two of the longest messages */
#define SHELL_OTHERS 2 /* connections and sessions that others hold already */

struct shell_session {
	struct session session; /* first */
	bool used; /* not freed */
	bool open; /* the reflector has it */
	bool ending; /* END or STOP was ordered */
};

/* The client's end. */
struct peer {
	struct crypt_stream to_server, from_server;
	bool set_up; /* a Set-Up-Response was sent */
	bool sealing; /* a keyed Set-Up-Response was sent */
	bool opening; /* a keyed Server-Start came */
	bool garbled; /* it sent octets that no client would: what comes back may be less */
	size_t wire_len; /* octets that were sent, and have not yet arrived */
	uint8_t sids[SHELL_SESSIONS][MSG_SID_LEN]; /* it was told, the newest in turn */
	unsigned n_sids;
};

struct shell {
	struct input input;
	struct policy policy;
	struct admit_total total;
	struct admit_client client;
	struct admit_class class;
	struct control_keyed secrets;
	struct control control;
	struct mono now;
	int64_t deadline_ns;
	size_t in_len; /* octets that arrived, and were not yet fed */
	uint8_t *message; /* of the last CONTROL_OCTETS, with exactly its octets */
	size_t message_len;
	bool deriving, opening, starting; /* an order waits for its answer */
	bool closing, gone;
	unsigned fed;
	uint64_t received, sent; /* octets */
	struct peer peer;
	struct shell_session sessions[SHELL_SESSIONS];
	/* Last, for they need not be zero at the beginning. */
	uint8_t wire[SHELL_IN];
	uint8_t in[SHELL_IN];
};

extern const struct crypt_keys peer_keys;

/** Feed an event; its orders are carried out or waited for, its octets go to the client. */
void shell_feed(struct shell *s, struct control_in *in);
void shell_feed_kind(struct shell *s, enum control_kind kind);

/** The first @n octets that the client sent arrive; 0 = all. */
void shell_deliver(struct shell *s, size_t n);

/* --- the client, in peer.c --- */

void peer_say_setup(struct shell *s);
void peer_say_request(struct shell *s);
void peer_say_command(struct shell *s);
void peer_say_list(struct shell *s);
void peer_say_octets(struct shell *s);

/** What the server sent, in whole messages; they are read as this client would. */
void peer_hear(struct shell *s, enum control_state before, uint8_t *octets, size_t n);

/* --- what must always hold, in rules.c --- */

void rules_check(const struct shell *s);
void rules_check_out(const struct shell *s, const struct control_in *in,
		     const struct control_out *out, enum control_state before);
