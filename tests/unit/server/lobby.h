// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where clients come in: connections over loopback, as clients make them, in front of a
 * reflector, a key derivation and a log that do nothing but remember (they take the place of the real
 * ones when the test is linked). No root, no waiting.
 */
#pragma once

#include "daemon/server/conn.h"
#include "daemon/server/conns.h"
#include "daemon/server/evict.h"
#include "daemon/server/session_orders.h"
#include "daemon/server/standing.h"

#include <check.h>

/* --- the reflector --------------------------------------------------------------------- */

struct udp_session {
	struct udp_session *next, *prev;
	void *owner;
	struct session_spec spec;
	uint16_t port;
	bool started, ending; /* udp_end() was called */
	int64_t stop_ns; /* udp_stop(); 0 = was not */
	int fd; /* -1 = on a shared port */
	struct police_total *total;
	struct class_sums *sums;
	struct forward forward;
	struct counters_values n;
};

struct reflector {
	struct udp_session *first;
	unsigned n;
	uint16_t next_port;
	int open_error, start_error; /* of the next */
	bool shared; /* udp_open() knows the one port 50000, and pairs on it */
};

extern struct reflector fake_reflector;

/** Its thread has seen that it is over. */
void fake_end(struct conns *cs, struct udp_session *u, enum udp_end why);

/** All that udp_end() was called for. Return how many. */
unsigned fake_settle(struct conns *cs);

/* --- key derivation --------------------------------------------------------------------- */

struct kdf_job {
	void *owner;
	const struct key *key;
};

extern struct fake_kdf {
	int error; /* of the next kdf_submit() */
	unsigned submitted, cancelled;
	struct kdf_job last; /* owner NULL: it was cancelled */
} fake_kdf;

/* --- the log ---------------------------------------------------------------------------- */

/** How many of these events there were since lobby_init(), and the detail of the last. */
unsigned fake_said(enum log_event e);
const char *fake_detail(enum log_event e);

/** All that these remember. */
void fake_forget(void);

/* --- the lobby ----------------------------------------------------------------------------- */

struct lobby {
	struct conns conns;
	int door;
	struct address at;
};

/** @text  of the settings file; NULL = the defaults. */
void lobby_init(struct lobby *s, const char *text);
void lobby_wipe(struct lobby *s);

/** Other settings come to hold, as by a reload. */
void lobby_use(struct lobby *s, const char *text);

struct settings *lobby_settings(const char *text);

/** A client knocks: its end of the connection. */
int lobby_dial(struct lobby *s);

/** From 127.0.0.@host. */
int lobby_dial_from(struct lobby *s, uint8_t host);

/** All that has come is done. */
void lobby_turn(struct lobby *s);

/** What the client reads, the loop running meanwhile; fails if it does not come. */
void lobby_read(struct lobby *s, int fd, uint8_t *to, size_t n);

/** Read to the end: the server has closed. */
void lobby_read_end(struct lobby *s, int fd);

void lobby_write(struct lobby *s, int fd, const uint8_t *from, size_t n);

/** Greeting to Server-Start, unauthenticated. Return the Accept code. */
uint8_t lobby_shake_hands(struct lobby *s, int fd);

/** Request-TW-Session from Sender Port @port. */
struct msg_accept_session lobby_request(struct lobby *s, int fd, uint16_t port);

/** Start-Sessions. Return the Accept code. */
uint8_t lobby_start(struct lobby *s, int fd);
void lobby_stop(struct lobby *s, int fd, uint32_t sessions);
