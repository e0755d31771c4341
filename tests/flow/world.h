// SPDX-License-Identifier: BSD-2-Clause
/*
 * The real control core in a played world: a clock that jumps from event to event, connections
 * with input buffers and stuck outputs, a reflector that opens, fails, starts and ends sessions,
 * and clients of every manner. After each event all invariants are checked; what is wrong
 * ends the test with a message.
 */
#pragma once

#include "daemon/control/control.h"
#include "tests/unit/protocol/seed.h"

#include <check.h>

/* check's own notes each assertion in a file, that it held: too slow for millions. */
#define MUST(...) \
	do { \
		if (!(__VA_ARGS__)) \
			ck_abort_msg("does not hold: %s", #__VA_ARGS__); \
	} while (0)

#define WORLD_CONNS 6
#define WORLD_HOSTS 3
#define WORLD_CLASSES 3
#define WORLD_SESSIONS 40
#define WORLD_IN (MSG_N_LEN(MSG_N_MAX) + 4096)
#define WORLD_EXPECTED 64
#define WORLD_KNOWN 400

enum manner {
	MANNER_WELL, /* a message, its answer, the next */
	MANNER_SLOW, /* octet by octet */
	MANNER_FRAGMENT,
	MANNER_PIPELINE, /* many messages at once */
	MANNER_GARBAGE, /* anything */
	MANNER_COUNT
};

/* What a client waits for. */
enum reply {
	REPLY_GREETING,
	REPLY_SERVER_START,
	REPLY_SESSION, /* to a request that may be granted */
	REPLY_REFUSAL, /* to one that may not */
	REPLY_UNEXPECTED, /* to what is no command */
	REPLY_START_ACK,
	REPLY_START_N, /* one acknowledgement or several */
	REPLY_STOP_N,
};

struct expected {
	enum reply reply;
	/* START_N, STOP_N: how many SIDs, what they add up to, and whether one is there twice */
	uint32_t n;
	uint64_t sum;
	bool repeats;
};

/* What a client knows of a session, by the answers. */
struct known {
	uint8_t sid[MSG_SID_LEN];
	enum { KNOWN_ACCEPTED, KNOWN_STARTED, KNOWN_STOPPED } state;
	bool forgotten; /* it ran into REFWAIT, and the server keeps its SID no longer */
};

struct client {
	enum manner manner;
	int64_t act_ns; /* when it does something next */
	int commands; /* that it will still send */
	bool greeted, set_up, idle, gone, refused_mode, wrong_stop;
	bool quiet; /* garbage was sent: a pause is due */
	bool wrong_list; /* a list of SIDs that cannot be */
	bool barred; /* by a reload: it gets no sessions */
	bool damaged; /* a bit of a sealed message was flipped: this is the end */
	uint32_t offered, mode; /* of Greeting and Set-Up-Response */
	bool keyed; /* what is said now is sealed */
	struct crypt_keys keys;
	uint8_t iv[CRYPT_BLOCK];
	struct crypt_stream seal, open;
	struct known sessions[WORLD_KNOWN]; /* individual control */
	unsigned n_sessions;
	uint8_t out[MSG_N_LEN(MSG_N_MAX) + 2048];
	size_t out_len, out_at;
	struct expected expected[WORLD_EXPECTED];
	unsigned n_expected;
	uint32_t accepted, in_progress; /* sessions, as the answers say */
};

struct conn {
	bool used, closing, aborted, stuck, for_good, deriving, opening, starting, eof;
	int host;
	struct control_keyed secrets;
	struct control control;
	int64_t deadline_ns;
	int64_t answer_ns; /* to DERIVE, OPEN or START */
	uint8_t last[MSG_N_LEN(MSG_N_MAX)]; /* the OCTETS that ordered START */
	uint8_t in[WORLD_IN];
	size_t in_len, unsent;
	struct client client;
};

struct played_session {
	struct session session; /* first */
	bool used;
	bool ended; /* but kept by its connection */
	int host;
	struct admit_class *class;
	struct conn *conn; /* NULL: gone */
	int64_t end_ns;
};

struct world {
	struct seed seed;
	struct policy policy;
	struct admit_total total;
	struct admit_client hosts[WORLD_HOSTS];
	struct admit_class classes[WORLD_CLASSES];
	int64_t now_ns;
	unsigned n_events, n_conversations, n_accepted, n_started, n_stopped;
	unsigned closed[CONTROL_WHY_SHUTDOWN + 1];
	unsigned facts[CONTROL_FACT_CLOSED + 1];
	struct conn conns[WORLD_CONNS];
	struct played_session sessions[WORLD_SESSIONS];
};

/** Number in [0, n). */
uint64_t world_random(struct world *w, uint64_t n);

/** True in one of n cases. */
bool world_one_in(struct world *w, uint64_t n);

void world_init(struct world *w, struct seed seed);

/** Let the next thing happen; a connection comes now and then while more is set. */
void world_step(struct world *w, bool more);

/** Until nothing is left but the counters, which must be zero. */
void world_end(struct world *w);

/** The client sends octets. */
void world_receive(struct world *w, struct conn *c, const uint8_t *octets, size_t n);

/** The client closes. */
void world_hang_up(struct world *w, struct conn *c);

/** What happens to a connection of the server, and all that comes of it. */
void world_feed(struct world *w, struct conn *c, struct control_in *in);

/* --- the reflector, in played.c --- */

struct played_session *played_of(struct session *s);

/** Do what a connection orders. */
void played_carry_out(struct world *w, struct conn *c);

/** Answers to OPEN, DERIVE and START. */
void played_open(struct world *w, struct conn *c);
void played_derive(struct world *w, struct conn *c);
void played_start(struct world *w, struct conn *c);

/** The time of a session is over. */
void played_end(struct world *w, struct played_session *p);

/* --- the clients, in client.c; what they hear, in hears.c --- */

void client_init(struct world *w, struct client *k);

/** Its time has come. */
void client_act(struct world *w, struct conn *c);

/** What it knows of the session with this SID; NULL = nothing. */
struct known *client_known(struct client *k, const uint8_t *sid);

/** An answer; it must be the one that is due. */
void client_reply(struct world *w, struct conn *c, const uint8_t *octets, size_t n);

/** What the octets of a SID add up to. */
uint64_t client_sum(const uint8_t *sid);

/** It has modes with individual control. */
bool client_individual(const struct client *k);

/* --- what must always hold, in check.c --- */

void check_world(const struct world *w);

/** What is reported can be, @before it was said. */
void check_reports(struct world *w, const struct conn *c, const struct control_out *out,
		   enum control_state before);
