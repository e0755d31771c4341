// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/admit.h"

#include <assert.h>
#include <errno.h>

void admit_client_init(struct admit_client *c, struct mono now)
{
	*c = (struct admit_client){
		.spent = now, .dialed = now, .abandoned = now, .failed.of_others = now
	};
	for (int i = 0; i < ADMIT_KEY_IDS; i++) {
		c->failed.of[i] = now;
	}
}

static enum reason check_load(const struct admit_total *t)
{
	if (t->draining) {
		return REASON_DRAINING;
	}
	if (t->memory_low) {
		return REASON_MEMORY_LOW;
	}
	if (t->descriptors_low) {
		return REASON_DESCRIPTORS_LOW;
	}
	if (t->cpu_load) {
		return REASON_CPU_LOAD;
	}
	if (t->net_buffers) {
		return REASON_NET_BUFFERS;
	}
	return REASON_OK;
}

/* What a class has room for. A limit of 0 is a quota, not a full table. */
static enum reason check_class(uint32_t held, uint32_t most, enum reason full)
{
	if (!most) {
		return REASON_CLASS_QUOTA;
	}
	return held >= most ? full : REASON_OK;
}

void admit_connection_resume(struct admit_total *t, struct admit_class *k, struct admit_client *c)
{
	t->connections++;
	c->connections++;
	if (k) {
		k->connections++;
	}
}

void admit_session_resume(struct admit_total *t, struct admit_class *k, struct admit_client *c)
{
	t->sessions++;
	k->sessions++;
	c->sessions++;
}

enum reason admit_connection(struct admit_total *t, struct admit_class *k, struct admit_client *c,
			     const struct policy *p)
{
	enum reason r = REASON_OK;

	if (t->connections >= t->max_connections) {
		return REASON_MAX_CONNECTIONS;
	}
	if (k) {
		r = check_class(k->connections, p->max_connections,
				REASON_MAX_CONNECTIONS_PER_CLASS);
	}
	if (r == REASON_OK && c->connections >= p->max_connections_per_client) {
		r = REASON_MAX_CONNECTIONS_PER_CLIENT;
	}
	if (r == REASON_OK) {
		r = check_load(t);
	}
	if (r != REASON_OK) {
		return r;
	}
	admit_connection_resume(t, k, c);
	return REASON_OK;
}

void admit_connection_end(struct admit_total *t, struct admit_class *k, struct admit_client *c)
{
	assert(t->connections && c->connections && (!k || k->connections));
	t->connections--;
	c->connections--;
	if (k) {
		k->connections--;
	}
}

enum reason admit_connection_move(struct admit_class *from, struct admit_class *to,
				  const struct admit_client *c, const struct policy *p)
{
	enum reason r;

	if (!to) {
		return REASON_NO_CLASS;
	}
	if (from == to) {
		return REASON_OK;
	}
	r = check_class(to->connections, p->max_connections, REASON_MAX_CONNECTIONS_PER_CLASS);
	if (r == REASON_OK && c->connections > p->max_connections_per_client) {
		r = REASON_MAX_CONNECTIONS_PER_CLIENT; /* it is counted already */
	}
	if (r != REASON_OK) {
		return r;
	}
	if (from) {
		from->connections--;
	}
	to->connections++;
	return REASON_OK;
}

/* How far a bucket is ahead of now, ns. */
static int64_t ahead_of(struct mono bucket, struct mono now)
{
	return bucket.ns > now.ns ? bucket.ns - now.ns : 0;
}

/* One token of a bucket that holds @burst and fills at @rate per second. */
static bool take(struct mono *bucket, uint32_t rate, uint32_t burst, struct mono now)
{
	int64_t cost, ahead = ahead_of(*bucket, now);

	if (!rate) {
		return true;
	}
	cost = TS_NS_PER_S / rate;
	if (ahead > cost * burst) { /* filled under other settings */
		ahead = cost * burst;
	}
	if (ahead + cost > cost * burst) {
		return false;
	}
	bucket->ns = now.ns + ahead + cost;
	return true;
}

bool admit_request(struct admit_client *c, const struct policy *p, struct mono now)
{
	return take(&c->spent, p->request_rate, p->request_burst, now);
}

bool admit_dial(struct admit_client *c, const struct policy *p, struct mono now)
{
	return take(&c->dialed, p->connection_rate, p->connection_burst, now);
}

/* --- authentication ------------------------------------------------------------------- */

#define MINUTE_NS (60 * TS_NS_PER_S)

/* Who makes two KeyIDs have the same could as well use that of the other. */
static uint64_t hash(const uint8_t key_id[static MSG_KEY_ID_LEN])
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (int i = 0; i < MSG_KEY_ID_LEN; i++) {
		h = (h ^ key_id[i]) * UINT64_C(0x100000001b3);
	}
	return h;
}

/* The bucket of a KeyID that has one, else one that may be had, else that of the others. */
static const struct mono *failures_of(const struct admit_failures *f, uint64_t key_id,
				      struct mono now)
{
	const struct mono *room = &f->of_others;

	for (int i = 0; i < ADMIT_KEY_IDS; i++) {
		if (f->of[i].ns <= now.ns) {
			room = &f->of[i];
		} else if (f->key_id[i] == key_id) {
			return &f->of[i];
		}
	}
	return room;
}

/* A minute's worth of them may be used at once. */
static void spend(struct mono *bucket, uint32_t per_minute, struct mono now)
{
	if (per_minute) {
		bucket->ns = now.ns + ahead_of(*bucket, now) + MINUTE_NS / per_minute;
	}
}

static bool is_spent(struct mono bucket, uint32_t per_minute, struct mono now)
{
	return per_minute && ahead_of(bucket, now) + MINUTE_NS / per_minute > MINUTE_NS;
}

enum reason admit_authentication(const struct admit_client *c, const struct policy *p,
				 const uint8_t key_id[static MSG_KEY_ID_LEN], struct mono now)
{
	if (is_spent(*failures_of(&c->failed, hash(key_id), now), p->failure_rate, now)) {
		return REASON_AUTH_RATE;
	}
	return is_spent(c->abandoned, p->abandon_rate, now) ? REASON_ABANDON_RATE : REASON_OK;
}

void admit_failed(struct admit_client *c, const struct policy *p,
		  const uint8_t key_id[static MSG_KEY_ID_LEN], struct mono now)
{
	struct admit_failures *f = &c->failed;
	uint64_t code = hash(key_id);
	const struct mono *bucket = failures_of(f, code, now);

	if (bucket == &f->of_others) {
		spend(&f->of_others, p->failure_rate, now);
	} else {
		f->key_id[bucket - f->of] = code;
		spend(&f->of[bucket - f->of], p->failure_rate, now);
	}
}

void admit_abandoned(struct admit_client *c, const struct policy *p, struct mono now)
{
	spend(&c->abandoned, p->abandon_rate, now);
}

enum reason admit_session(struct admit_total *t, struct admit_class *k, struct admit_client *c,
			  const struct policy *p, uint32_t on_connection, bool within_rate)
{
	enum reason r;

	if (!k) {
		return REASON_NO_CLASS;
	}
	if (t->sessions >= t->max_sessions) {
		return REASON_MAX_SESSIONS;
	}
	r = check_class(k->sessions, p->max_sessions, REASON_MAX_SESSIONS_PER_CLASS);
	if (r != REASON_OK) {
		return r;
	}
	if (c->sessions >= p->max_sessions_per_client) {
		return REASON_MAX_SESSIONS_PER_CLIENT;
	}
	if (on_connection >= p->max_sessions_per_connection) {
		return REASON_MAX_SESSIONS_PER_CONNECTION;
	}
	r = check_load(t);
	if (r != REASON_OK) {
		return r;
	}
	if (!within_rate) {
		return REASON_RATE_LIMIT;
	}
	admit_session_resume(t, k, c);
	return REASON_OK;
}

void admit_session_end(struct admit_total *t, struct admit_class *k, struct admit_client *c)
{
	assert(t->sessions && k->sessions && c->sessions);
	t->sessions--;
	k->sessions--;
	c->sessions--;
}

void admit_move(const struct admit_place *from, const struct admit_place *to, uint32_t connections,
		uint32_t sessions)
{
	assert(from->client->connections >= connections && from->client->sessions >= sessions);
	from->client->connections -= connections;
	from->client->sessions -= sessions;
	to->client->connections += connections;
	to->client->sessions += sessions;
	if (from->class) {
		assert(from->class->connections >= connections &&
		       from->class->sessions >= sessions);
		from->class->connections -= connections;
		from->class->sessions -= sessions;
	}
	if (to->class) {
		to->class->connections += connections;
		to->class->sessions += sessions;
	}
}

enum accept_code admit_code(const struct admit_total *t, enum reason r)
{
	bool table = r == REASON_MAX_CONNECTIONS || r == REASON_MAX_CONNECTIONS_PER_CLASS ||
		     r == REASON_MAX_CONNECTIONS_PER_CLIENT || r == REASON_MAX_SESSIONS ||
		     r == REASON_MAX_SESSIONS_PER_CLASS || r == REASON_MAX_SESSIONS_PER_CLIENT ||
		     r == REASON_MAX_SESSIONS_PER_CONNECTION || r == REASON_NO_PORT;

	return table && t->limits_temporary ? ACCEPT_TEMPORARY : reason_info(r)->code;
}

bool admit_client_idle(const struct admit_client *c, struct mono now)
{
	bool idle = !c->connections && !c->sessions && c->spent.ns <= now.ns &&
		    c->dialed.ns <= now.ns && c->abandoned.ns <= now.ns &&
		    c->failed.of_others.ns <= now.ns;

	for (int i = 0; i < ADMIT_KEY_IDS; i++) {
		idle = idle && c->failed.of[i].ns <= now.ns;
	}
	return idle;
}

enum reason admit_errno(int error)
{
	switch (-error) {
	case ENOMEM:
		return REASON_MEMORY_LOW;
	case ENOBUFS:
	case EAGAIN:
		return REASON_NET_BUFFERS;
	case EMFILE:
	case ENFILE:
		return REASON_DESCRIPTORS_LOW;
	case EADDRINUSE:
	case EACCES: /* of bind: a port below 1024 */
	case EPERM:
		return REASON_NO_PORT;
	case EEXIST:
		return REASON_TUPLE_IN_USE;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EINVAL: /* of connect: a route that says so */
		return REASON_NO_ROUTE;
	case EDESTADDRREQ:
		return REASON_SENDER_ADDRESS;
	case EADDRNOTAVAIL:
		return REASON_ADDRESS_NOT_LOCAL;
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
		return REASON_IP_VERSION;
	case EOPNOTSUPP:
		return REASON_DSCP;
	case EMSGSIZE:
		return REASON_BUFFER_SIZE;
	default:
		return REASON_INTERNAL;
	}
}

enum reason admit_start_errno(int error)
{
	enum reason r = admit_errno(error);

	return reason_info(r)->code == ACCEPT_TEMPORARY ? r : REASON_INTERNAL;
}
