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
	bool whole; /* connections, too */
	bool sessions_done;
	uint64_t sessions, connections; /* that were ended */
};

static bool is_meant(const struct filter *f, const struct view_session *v)
{
	return filter_takes_sid(f, v->sid) && filter_takes_address(f, &v->client) &&
	       filter_takes_class(f, v->class);
}

/* The next one. False: there are no more. */
static bool end_session(struct ending *e)
{
	struct view_session v;

	if (!view_session(&e->walk, &v)) {
		return false;
	}
	e->sessions += is_meant(&e->filter, &v) && view_end_session(&e->walk);
	return true;
}

static bool end_connection(struct ending *e)
{
	struct view_connection v;

	if (!view_connection(&e->walk, &v)) {
		return false;
	}
	e->connections += filter_takes_address(&e->filter, &v.client) &&
			  filter_takes_class(&e->filter, v.class) && view_end_connection(&e->walk);
	return true;
}

static enum task_next finish(struct task *t, const struct ending *e)
{
	json_t *o;

	if (!e->sessions && !e->connections) {
		reply_error(t->reply, REPLY_NOT_FOUND, "there is nothing to be ended");
		return TASK_DONE;
	}
	o = json_object();
	tell_put(o, "sessions", tell_number(e->sessions));
	tell_put(o, "connections", tell_number(e->connections));
	reply_result(t->reply, o);
	return TASK_DONE;
}

static enum task_next step(struct task *t)
{
	struct ending *e = t->state;

	while (!task_is_enough(t)) {
		if (!e->sessions_done && !end_session(e)) {
			e->sessions_done = true;
			view_stop(&e->walk);
			view_begin(&e->walk, t->server, VIEW_CONNECTIONS);
		}
		if (e->sessions_done && (!e->whole || !end_connection(e))) {
			return finish(t, e);
		}
	}
	return TASK_MORE;
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
	e->whole = !e->filter.by_sid;
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
