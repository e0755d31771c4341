// SPDX-License-Identifier: BSD-2-Clause
/*
 * Conversations as tables. A row is one thing that happens to a control connection and all that
 * must come of it: the octets, and in words the state, the orders and the reports. The server
 * around it is played as simply as possible: all sessions are opened and started at once unless
 * a row says otherwise. In the keyed modes rows are the same: what a row says is sealed, and what
 * comes back is opened before it is compared, its HMAC field zero.
 *
 * Octets are written in hex; blanks are ignored, "00*12" is 12 octets of zero, and $name is a
 * vector of control.hex or handshake.hex.
 *
 * Words: STATE, then as it applies +derive +open +start +close +abort; todos "start#0 stop#1 end#2 free#3" with
 * the number of the session; facts "established=MODES" "refused-connection=REASON/MODE"
 * "refused-request=REASON/VALUE" "refused-start=REASON" "refused-stop=REASON", with /COUNT in
 * individual control, "accepted#0" "started=2" "stopped=COUNT/ACCEPT" "wrong=GIVEN/RIGHT" "packets=N" "barred=REASON" "closed=WHY".
 */
#pragma once

#include "daemon/control/control.h"

#include <check.h>

#define TALK_SESSIONS 40

enum talk_event {
	TALK_END = 0, /* of the table */
	TALK_OPENED,
	TALK_SAY, /* octets, as many as make whole messages; n: first this many alone */
	TALK_RAW, /* the same, octets as they are in every mode */
	TALK_KEY, /* the key is derived, and right */
	TALK_KEY_REFUSED, /* n: enum reason */
	TALK_PART, /* some octets came, less than are wanted */
	TALK_READY, /* the next session has port n */
	TALK_REFUSED, /* n: negative errno */
	TALK_DENIED, /* n: enum reason */
	TALK_STARTED, /* n: bits of the sessions that failed; they say ENOMEM */
	TALK_ENDED, /* session n */
	TALK_WAIT, /* n ns pass; DEADLINE is fed if it is due */
	TALK_BLOCKED,
	TALK_FLUSHED,
	TALK_DEADLINE, /* DEADLINE is fed, due or not */
	TALK_POLICY,
	TALK_BARRED, /* the same, n: enum reason, or REASON_OK for none any more */
	TALK_RESUMED, /* taken over from another process, n: as above */
	TALK_GONE,
	TALK_SHUTDOWN,
};

struct talk_row {
	enum talk_event event;
	int64_t n;
	const char *in;
	const char *out; /* NULL: nothing */
	const char *words;
};

struct talk {
	char name[48]; /* of the conversation, for messages */
	struct policy policy;
	struct admit_total total;
	bool own_total; /* the server's limits are not those of the policy */
	struct admit_class class;
	struct admit_client client;
	struct control_keyed secrets;
	struct control control;
	struct mono now;
	struct mono deadline;
	struct wall wall; /* of SIDs */
	struct session sessions[TALK_SESSIONS];
	int n_sessions;
	bool keyed; /* client and server have the keys of inputs.hex */
	struct crypt_keys keys;
	struct crypt_stream seal, open; /* the client's */
	uint8_t server_iv[16];
	uint8_t last[MSG_N_LEN(1200)]; /* of the last OCTETS, for STARTED */
	/* what came of the row */
	uint8_t got[MSG_N_LEN(1200) + 256];
	size_t n_got;
	char words[1024];
};

/** Ordinary limits; addresses are those of the vectors: client 198.51.100.7, us 192.0.2.10. */
void talk_init(struct talk *t);

/** The same with 2001:db8::7 and 2001:db8::10. */
void talk_init_v6(struct talk *t);

/**
 * Keys, IVs, Challenge, Salt and Count of the vectors, and these modes and features offered; then
 * up to Server-Start with @mode in Set-Up-Response.
 */
void talk_establish(struct talk *t, uint32_t mode);

/** Only the first part of it. */
void talk_offer(struct talk *t, uint32_t modes);

/** Play and compare; stops the test at the first difference. */
void talk_run(struct talk *t, const struct talk_row *rows);

/** Whatever state it is in: end it, and check that nothing is counted any more. */
void talk_end(struct talk *t);

/** Octets of the text; returns how many. */
size_t talk_hex(const char *text, uint8_t *out, size_t size);

/** Feed octets and collect what comes of it, without comparing. */
void talk_say(struct talk *t, const uint8_t *octets, size_t n);

/** Play a row without comparing. */
void talk_row(struct talk *t, const struct talk_row *row);
