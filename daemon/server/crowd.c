// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/crowd.h"

#include "daemon/server/conn.h"
#include "daemon/server/server.h"

#define REFUSED_MAX 256 /* connections over a limit that may wait for their refusal */

/* Who waits for a key is bounded by auth.queue; taking its place would waste the work. */
static struct crowd *belongs_to(const struct conn *c)
{
	if (!c->control.counted) {
		return &c->server->refused;
	}
	return c->control.state == CONTROL_GREETED ? &c->server->idlers : NULL;
}

void crowd_leave(struct conn *c)
{
	struct crowd_link *l = &c->crowd;
	struct crowd *from = l->in;

	if (!from) {
		return;
	}
	*(l->older ? &l->older->crowd.newer : &from->oldest) = l->newer;
	*(l->newer ? &l->newer->crowd.older : &from->newest) = l->older;
	from->n--;
	*l = (struct crowd_link){ 0 };
}

void crowd_sort(struct conn *c)
{
	struct crowd *to = belongs_to(c);

	if (c->crowd.in == to) {
		return;
	}
	crowd_leave(c);
	if (to) {
		c->crowd = (struct crowd_link){ .in = to, .older = to->newest };
		*(to->newest ? &to->newest->crowd.newer : &to->oldest) = c;
		to->newest = c;
		to->n++;
	}
}

static struct conn *oldest_of(const struct crowd *crowd, const struct admit_class *class)
{
	struct conn *c = crowd->oldest;

	while (c && c->control.charged != class) {
		c = c->crowd.newer;
	}
	return c;
}

static bool is_own_fault(const struct conn *c)
{
	return c->control.client->connections >= conn_policy(c)->max_connections_per_client;
}

/* Who has its answer loses least. */
static struct conn *oldest_refused(const struct server *s)
{
	struct conn *c = s->refused.oldest;

	while (c && !c->lingering) {
		c = c->crowd.newer;
	}
	return c ? c : s->refused.oldest;
}

struct conn *crowd_any(const struct server *s)
{
	struct conn *c = oldest_refused(s);

	return c ? c : s->idlers.oldest;
}

struct conn *crowd_surplus(const struct conn *c)
{
	const struct server *s = c->server;
	const struct admit_class *class = c->control.class;

	if (s->refused.n >= REFUSED_MAX) {
		return oldest_refused(s);
	}
	if (is_own_fault(c)) {
		return NULL;
	}
	if (s->admit.descriptors_low) {
		return crowd_any(s);
	}
	if (s->admit.connections >= s->admit.max_connections) {
		return s->idlers.oldest;
	}
	if (class && class->connections >= conn_policy(c)->max_connections) {
		return oldest_of(&s->idlers, class);
	}
	return NULL;
}
