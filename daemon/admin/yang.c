// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/yang.h"

#include "daemon/admin/tell_yang.h"

#include <stdlib.h>

struct yang {
	struct view_walk walk;
	enum view_what what; /* is being walked through */
	uint64_t left_out; /* sessions that the model cannot have */
};

static void finish(struct task *t, bool state, uint64_t left_out)
{
	json_t *result = json_object();

	tell_put(result, "yang", tell_yang(t->server, state));
	tell_put(result, "left_out", tell_number(left_out));
	reply_result(t->reply, result);
}

static void put_entry(struct task *t, const char *list, json_t *entry)
{
	json_t *item = json_object();

	tell_put(item, "list", json_string(list));
	tell_put(item, "entry", entry);
	reply_item(t->reply, item);
}

static bool next_connection(struct task *t, struct yang *y)
{
	struct view_connection c;
	struct view_greeting g;

	if (!view_connection(&y->walk, &c)) {
		return false;
	}
	if (view_greeting(&y->walk, &g)) {
		put_entry(t, "ctrl-connection", tell_yang_connection(&c, &g));
	}
	return true;
}

static bool next_session(struct task *t, struct yang *y)
{
	struct view_session v;

	if (!view_session(&y->walk, &v)) {
		return false;
	}
	if (tell_yang_fits(&v)) {
		put_entry(t, "test-session", tell_yang_session(&v));
	} else {
		y->left_out++;
	}
	return true;
}

static enum task_next step(struct task *t)
{
	struct yang *y = t->state;

	while (!task_is_enough(t)) {
		if (y->what == VIEW_CONNECTIONS && !next_connection(t, y)) {
			view_stop(&y->walk);
			y->what = VIEW_SESSIONS;
			view_begin(&y->walk, t->server, y->what);
		} else if (y->what == VIEW_SESSIONS && !next_session(t, y)) {
			finish(t, true, y->left_out);
			return TASK_DONE;
		}
	}
	return TASK_MORE;
}

static void end(struct task *t)
{
	struct yang *y = t->state;

	view_stop(&y->walk);
	free(y);
}

enum task_next yang_state(struct task *t)
{
	struct yang *y = calloc(1, sizeof *y);

	if (!y) {
		reply_error(t->reply, REPLY_NO_MEMORY, "out of memory");
		return TASK_DONE;
	}
	y->what = VIEW_CONNECTIONS;
	view_begin(&y->walk, t->server, y->what);
	t->state = y;
	t->step = step;
	t->end = end;
	return TASK_MORE;
}

enum task_next yang_config(struct task *t)
{
	finish(t, false, 0);
	return TASK_DONE;
}
