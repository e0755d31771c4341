// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/admit.h"

#include <assert.h>
#include <errno.h>

void admit_client_init(struct admit_client *c, struct mono now)
{
	*c = (struct admit_client){ .spent = now, .failed = now, .dialed = now };
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

bool admit_may_authenticate(const struct admit_client *c, const struct policy *p, struct mono now)
{
	return !p->failure_rate || ahead_of(c->failed, now) < 60 * TS_NS_PER_S;
}

void admit_failed(struct admit_client *c, const struct policy *p, struct mono now)
{
	if (p->failure_rate) {
		c->failed.ns = now.ns + ahead_of(c->failed, now) +
			       60 * TS_NS_PER_S / p->failure_rate;
	}
}

enum reason admit_session(struct admit_total *t, struct admit_class *k, struct admit_client *c,
			  const struct policy *p, uint32_t on_connection, bool within_rate)
{
	enum reason r;

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
	return !c->connections && !c->sessions && c->spent.ns <= now.ns && c->failed.ns <= now.ns &&
	       c->dialed.ns <= now.ns;
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
