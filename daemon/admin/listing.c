// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/listing.h"

#include "base/clock.h"
#include "daemon/admin/tell.h"

#include <stdlib.h>

static void finish(struct task *t, const struct listing *l)
{
	json_t *result;

	if (l->kind->none) {
		if (!l->shown) {
			reply_error(t->reply, REPLY_NOT_FOUND, "%s", l->kind->none);
		}
		return;
	}
	result = json_object();
	tell_put(result, "shown", tell_number(l->shown));
	tell_put(result, "of", tell_number(l->seen));
	reply_result(t->reply, result);
}

static enum task_next step(struct task *t)
{
	struct listing *l = t->state;

	while (!task_is_enough(t)) {
		json_t *item = NULL;

		if (!l->kind->next(l, &item)) {
			finish(t, l);
			return TASK_DONE;
		}
		l->seen++;
		if (item) {
			l->shown++;
			(l->kind->none ? reply_result : reply_item)(t->reply, item);
		}
	}
	return TASK_MORE;
}

static void end(struct task *t)
{
	struct listing *l = t->state;

	view_stop(&l->walk);
	free(l);
}

enum task_next listing_begin(struct task *t, const struct listing_kind *kind)
{
	struct listing *l = calloc(1, sizeof *l);
	uint64_t since_s = ask_number(&t->ask, "since_s", 0);

	if (!l) {
		reply_error(t->reply, REPLY_NO_MEMORY, "out of memory");
		return TASK_DONE;
	}
	if (!filter_init(&l->filter, t)) {
		free(l);
		return TASK_DONE;
	}
	if (since_s && since_s < 100000000) {
		l->since.ns = clock_wall().ns - (int64_t)since_s * TS_NS_PER_S;
	}
	l->kind = kind;
	view_begin(&l->walk, t->server, kind->what);
	t->state = l;
	t->step = step;
	t->end = end;
	return TASK_MORE;
}
