// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/lightlist.h"

#include "base/clock.h"
#include "daemon/admin/tell.h"
#include "daemon/reflector/census.h"
#include "daemon/server/view.h"

#include <stdlib.h>

/* A thread answers within microseconds; if it does not, the main loop has better things to do. */
#define SOON_NS INT64_C(2000000)

struct lightlist {
	struct task *task;
	struct census_walk walk;
	bool asked;
	struct mono since; /* nothing came */
	uint64_t shown;
};

static void put(void *context, const struct census_sender *s)
{
	struct lightlist *l = context;
	int64_t idle_ns = clock_mono().ns - s->row->last.ns;
	json_t *o = json_object();

	tell_put(o, "entry", tell_address(&s->entry));
	tell_put(o, "device", tell_device(s->device));
	tell_put(o, "sender", tell_address(&s->sender));
	tell_put(o, "local", tell_address(&s->local));
	tell_put(o, "ssid", tell_number(s->row->key.ssid));
	tell_put(o, "received", tell_number(s->row->rx_count));
	tell_put(o, "reflected", tell_number(s->row->tx_count));
	tell_put(o, "gaps", tell_number(s->row->gaps));
	tell_put(o, "duplicates", tell_number(s->row->duplicates));
	tell_put(o, "last", tell_time((struct wall){ clock_wall().ns - idle_ns }));
	reply_item(l->task->reply, o);
	l->shown++;
}

static void finish(struct lightlist *l, bool changed)
{
	json_t *o = json_object();

	tell_put(o, "shown", tell_number(l->shown));
	tell_put(o, "changed", json_boolean(changed));
	reply_result(l->task->reply, o);
}

/* One piece: ask, and take it if it is there already. */
static enum census_result go_on(struct lightlist *l, struct reflector *r)
{
	enum census_result result;

	if (!l->asked) {
		result = census_ask(r, &l->walk);
		if (result != CENSUS_OK) {
			return result;
		}
		l->asked = true;
		l->since = clock_mono();
	}
	result = census_take(r, &l->walk, put, l);
	if (result != CENSUS_BUSY) {
		l->asked = false;
		l->since = clock_mono();
	}
	return result;
}

/*
 * Nobody holds the only question while a slow reader takes its time: a task goes on when all that it
 * said is sent, so it asks again only then, and after a piece it returns.
 */
static enum task_next step(struct task *t)
{
	struct lightlist *l = t->state;
	enum census_result result = go_on(l, view_reflector(t->server));

	switch (result) {
	case CENSUS_OK:
		return TASK_MORE;
	case CENSUS_BUSY:
		return clock_mono().ns - l->since.ns < SOON_NS ? TASK_MORE : TASK_WAIT;
	case CENSUS_END:
	case CENSUS_CHANGED:
		finish(l, result == CENSUS_CHANGED);
	}
	return TASK_DONE;
}

static void end(struct task *t)
{
	struct lightlist *l = t->state;

	if (l->asked) {
		census_drop(view_reflector(t->server));
	}
	free(l);
}

enum task_next lightlist_begin(struct task *t)
{
	struct lightlist *l = calloc(1, sizeof *l);

	if (!l) {
		reply_error(t->reply, REPLY_NO_MEMORY, "out of memory");
		return TASK_DONE;
	}
	l->task = t;
	l->since = clock_mono();
	t->state = l;
	t->step = step;
	t->end = end;
	return TASK_MORE;
}
