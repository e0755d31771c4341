// SPDX-License-Identifier: BSD-2-Clause
/*
 * Admission: who may have one more connection, one more session. Counters in total and per
 * client live in the server; this decides and counts. Everything that a peer can make us
 * hold is counted here. R-120..R-124, RFC 4656 6.5.
 */
#pragma once

#include "daemon/control/policy.h"
#include "protocol/accept.h"
#include "protocol/msg.h"
#include "protocol/ts.h"

#include <stdbool.h>

/* One per process. The flags are set by the server from what it measures. */
struct admit_total {
	uint32_t connections;
	uint32_t sessions;
	uint32_t max_connections, max_sessions; /* of the whole server */
	bool limits_temporary; /* full tables answer 5 instead of 4 (limits.accept_code) */
	bool draining;
	bool memory_low;
	bool descriptors_low;
	bool cpu_load;
	bool net_buffers;
};

/* One per class of clients. */
struct admit_class {
	uint32_t connections;
	uint32_t sessions;
};

/*
 * Failed authentications of a client: a bucket for each of its KeyIDs, so that one host with a bad
 * key does not lock out others behind the same address; and one for all KeyIDs that have none, so
 * that a client that tries one after the other is not remembered without an end.
 */
#define ADMIT_KEY_IDS 8
struct admit_failures {
	uint64_t key_id[ADMIT_KEY_IDS]; /* a hash; of no meaning when the bucket is full again */
	struct mono of[ADMIT_KEY_IDS], of_others;
};

/* One per client: an IPv4 address, an IPv6 prefix. */
struct admit_client {
	uint32_t connections;
	uint32_t sessions;
	/* The bucket, full when this is not later than now: each request moves it on by 1/rate,
	 * and it may run ahead of now by burst/rate at most. */
	struct mono spent;
	struct mono dialed; /* the same for connections */
	struct mono abandoned; /* and for keys that nobody waited for */
	struct admit_failures failed;
};

/** A client that nothing is known of: the bucket is full. */
void admit_client_init(struct admit_client *c, struct mono now);

/** Take a token for a connection; false if there was none: answer 5. R-022 */
bool admit_dial(struct admit_client *c, const struct policy *p, struct mono now);

/**
 * May this connection shake hands? REASON_OK counts it: pair with admit_connection_end.
 * @k  the class, NULL = none so far (a KeyID may bring one): then p's own limits are not asked
 * Answered in Server-Start.                                          R-009
 */
enum reason admit_connection(struct admit_total *t, struct admit_class *k, struct admit_client *c,
			     const struct policy *p);
void admit_connection_end(struct admit_total *t, struct admit_class *k, struct admit_client *c);

/** One that was counted by the process before: it is not asked again, whatever the limits are. */
void admit_connection_resume(struct admit_total *t, struct admit_class *k, struct admit_client *c);
void admit_session_resume(struct admit_total *t, struct admit_class *k, struct admit_client *c);

/**
 * A counted connection changes its class, if the new one, with @p, has room for it. @to NULL:
 * there is none.
 */
enum reason admit_connection_move(struct admit_class *from, struct admit_class *to,
				  const struct admit_client *c, const struct policy *p);

/**
 * Take a token for a request; every request costs one, also one that is refused later.
 * Return whether there was one: pass it to admit_session.            R-121
 */
bool admit_request(struct admit_client *c, const struct policy *p, struct mono now);

/**
 * May this client have one more session, with @on_connection already on its connection?
 * Limits first (4), then load and rate (5): R-099.
 * REASON_OK counts it: pair with admit_session_end.
 * @k  the class; NULL = none, which has no sessions
 */
enum reason admit_session(struct admit_total *t, struct admit_class *k, struct admit_client *c,
			  const struct policy *p, uint32_t on_connection, bool within_rate);
void admit_session_end(struct admit_total *t, struct admit_class *k, struct admit_client *c);

/** Where something is counted, beside the total. */
struct admit_place {
	struct admit_class *class; /* NULL ok where there are no sessions */
	struct admit_client *client;
};

/** What runs is counted elsewhere from now on, whatever the limits are there. */
void admit_move(const struct admit_place *from, const struct admit_place *to, uint32_t connections,
		uint32_t sessions);

/**
 * May this client try to authenticate with this KeyID? Not after too many failures with it, or too
 * many derivations that it did not wait for: answer 5.
 */
enum reason admit_authentication(const struct admit_client *c, const struct policy *p,
				 const uint8_t key_id[static MSG_KEY_ID_LEN], struct mono now);

/** Its Token was not right. */
void admit_failed(struct admit_client *c, const struct policy *p,
		  const uint8_t key_id[static MSG_KEY_ID_LEN], struct mono now);

/** It went while its key was derived. */
void admit_abandoned(struct admit_client *c, const struct policy *p, struct mono now);

/** True if nothing is held and the bucket is full again: the entry may be forgotten. */
bool admit_client_idle(const struct admit_client *c, struct mono now);

/** The code that a refusal carries here: the reason's own, but for limits_temporary. S-1 */
enum accept_code admit_code(const struct admit_total *t, enum reason r);

/** The refusal that a failed system call means: negative errno to reason. R-122 */
enum reason admit_errno(int error);

/** The same for a session that was admitted and does not start: 5, or 2. R-144 */
enum reason admit_start_errno(int error);
