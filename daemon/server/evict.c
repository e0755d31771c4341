// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/evict.h"

#include "daemon/server/conns.h"
#include "daemon/server/standing.h"

#define REFUSED_MAX 256 /* connections over a limit that may wait for their refusal */

/* Who waits for a key is bounded by auth.queue; taking its place would waste the work. */
static struct evict_queue *belongs_to(const struct conn *c)
{
	if (!c->control.counted) {
		return &c->conns->refused;
	}
	return c->control.state == CONTROL_GREETED ? &c->conns->idlers : NULL;
}

void evict_leave(struct conn *c)
{
	struct evict_link *l = &c->evict;
	struct evict_queue *from = l->in;

	if (!from) {
		return;
	}
	*(l->older ? &l->older->evict.newer : &from->oldest) = l->newer;
	*(l->newer ? &l->newer->evict.older : &from->newest) = l->older;
	from->n--;
	*l = (struct evict_link){ 0 };
}

void evict_sort(struct conn *c)
{
	struct evict_queue *to = belongs_to(c);

	if (c->evict.in == to) {
		return;
	}
	evict_leave(c);
	if (to) {
		c->evict = (struct evict_link){ .in = to, .older = to->newest };
		*(to->newest ? &to->newest->evict.newer : &to->oldest) = c;
		to->newest = c;
		to->n++;
	}
}

static struct conn *oldest_of(const struct evict_queue *q, const struct admit_class *class)
{
	struct conn *c = q->oldest;

	while (c && c->control.charged != class) {
		c = c->evict.newer;
	}
	return c;
}

static bool is_own_fault(const struct conn *c)
{
	return c->control.client->connections >= standing_policy(c)->max_connections_per_client;
}

/* Who has its answer loses least. */
static struct conn *oldest_refused(const struct conns *cs)
{
	struct conn *c = cs->refused.oldest;

	while (c && !c->lingering) {
		c = c->evict.newer;
	}
	return c ? c : cs->refused.oldest;
}

struct conn *evict_any(const struct conns *cs)
{
	struct conn *c = oldest_refused(cs);

	return c ? c : cs->idlers.oldest;
}

struct conn *evict_surplus(const struct conn *c)
{
	const struct conns *cs = c->conns;
	const struct admit_class *class = c->control.class;

	if (cs->refused.n >= REFUSED_MAX) {
		return oldest_refused(cs);
	}
	if (is_own_fault(c)) {
		return NULL;
	}
	if (cs->admit.descriptors_low) {
		return evict_any(cs);
	}
	if (cs->admit.connections >= cs->admit.max_connections) {
		return cs->idlers.oldest;
	}
	if (class && class->connections >= standing_policy(c)->max_connections) {
		return oldest_of(&cs->idlers, class);
	}
	return NULL;
}
