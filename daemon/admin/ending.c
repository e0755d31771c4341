// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/ending.h"

#include "daemon/admin/filter.h"
#include "daemon/admin/steer.h"
#include "daemon/admin/tell.h"
#include "daemon/server/view.h"

#include <stdlib.h>

#define END \
	{ \
		NULL, ASK_TEXT, false \
	}

const struct ask_arg ending_session_args[] = { FILTER_SID, END };
const struct ask_arg ending_client_args[] = { { "client", ASK_TEXT, true }, END };
const struct ask_arg ending_class_args[] = { { "class", ASK_TEXT, true }, END };

struct ending {
	struct view_walk walk;
	struct filter filter;
	uint64_t ended;
};

static bool is_meant(const struct filter *f, const struct view_session *v)
{
	return filter_takes_sid(f, v->sid) && filter_takes_address(f, &v->client) &&
	       filter_takes_class(f, v->class);
}

static enum task_next step(struct task *t)
{
	struct ending *e = t->state;
	struct view_session v;
	json_t *o;

	while (view_session(&e->walk, &v)) {
		if (is_meant(&e->filter, &v) && view_end_session(&e->walk)) {
			e->ended++;
		}
		if (task_is_enough(t)) {
			return TASK_MORE;
		}
	}
	if (!e->ended) {
		reply_error(t->reply, REPLY_NOT_FOUND, "no such session runs");
		return TASK_DONE;
	}
	o = json_object();
	tell_put(o, "ended", tell_number(e->ended));
	reply_result(t->reply, o);
	return TASK_DONE;
}

static void stop(struct task *t)
{
	struct ending *e = t->state;

	view_stop(&e->walk);
	free(e);
}

static enum task_next begin(struct task *t, const char *what, const char *whose)
{
	struct ending *e = calloc(1, sizeof *e);

	if (!e) {
		reply_error(t->reply, REPLY_NO_MEMORY, "out of memory");
		return TASK_DONE;
	}
	if (!filter_init(&e->filter, t)) {
		free(e);
		return TASK_DONE;
	}
	steer_say(t, what, whose);
	view_begin(&e->walk, t->server, VIEW_SESSIONS);
	t->state = e;
	t->step = step;
	t->end = stop;
	return TASK_MORE;
}

enum task_next ending_session(struct task *t)
{
	return begin(t, "end session", ask_text(&t->ask, "sid"));
}

enum task_next ending_client(struct task *t)
{
	return begin(t, "end client", ask_text(&t->ask, "client"));
}

enum task_next ending_class(struct task *t)
{
	return begin(t, "end class", ask_text(&t->ask, "class"));
}
