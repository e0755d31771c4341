// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/admit.h"

#include <assert.h>
#include <errno.h>

void admit_client_init(struct admit_client *c, struct mono now)
{
	*c = (struct admit_client){ .spent = now, .failed = now };
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
	return REASON_OK;
}

enum reason admit_connection(struct admit_total *t, struct admit_client *c, const struct policy *p)
{
	enum reason r;

	if (t->connections >= p->max_connections) {
		return REASON_MAX_CONNECTIONS;
	}
	if (c->connections >= p->max_connections_per_client) {
		return REASON_MAX_CONNECTIONS_PER_CLIENT;
	}
	r = check_load(t);
	if (r != REASON_OK) {
		return r;
	}
	t->connections++;
	c->connections++;
	return REASON_OK;
}

void admit_connection_end(struct admit_total *t, struct admit_client *c)
{
	assert(t->connections && c->connections);
	t->connections--;
	c->connections--;
}

/* How far a bucket is ahead of now, ns. */
static int64_t ahead_of(struct mono bucket, struct mono now)
{
	return bucket.ns > now.ns ? bucket.ns - now.ns : 0;
}

bool admit_request(struct admit_client *c, const struct policy *p, struct mono now)
{
	int64_t cost, ahead = ahead_of(c->spent, now);

	if (!p->request_rate) {
		return true;
	}
	cost = TS_NS_PER_S / p->request_rate;
	if (ahead > cost * p->request_burst) { /* filled under other settings */
		ahead = cost * p->request_burst;
	}
	if (ahead + cost > cost * p->request_burst) {
		return false;
	}
	c->spent.ns = now.ns + ahead + cost;
	return true;
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

enum reason admit_session(struct admit_total *t, struct admit_client *c, const struct policy *p,
			  uint32_t on_connection, bool within_rate)
{
	enum reason r;

	if (t->sessions >= p->max_sessions) {
		return REASON_MAX_SESSIONS;
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
	t->sessions++;
	c->sessions++;
	return REASON_OK;
}

void admit_session_end(struct admit_total *t, struct admit_client *c)
{
	assert(t->sessions && c->sessions);
	t->sessions--;
	c->sessions--;
}

bool admit_client_idle(const struct admit_client *c, struct mono now)
{
	return !c->connections && !c->sessions && c->spent.ns <= now.ns && c->failed.ns <= now.ns;
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
		return REASON_NO_PORT;
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
