// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/task.h"

#include "base/clock.h"

#include <string.h>

bool task_is_enough(const struct task *t)
{
	return reply_is_full(t->reply) || clock_mono().ns >= t->until.ns;
}

static const struct task_verb *find(const struct task_verb *verbs, const char *name)
{
	for (; verbs->name; verbs++) {
		if (!strcmp(verbs->name, name)) {
			return verbs;
		}
	}
	return NULL;
}

static void start_turn(struct task *t)
{
	t->until.ns = clock_mono().ns + TASK_PIECE_NS;
}

enum task_next task_begin(struct task *t, const struct task_verb *verbs, bool may_change,
			  const char *line, size_t len)
{
	char why[ASK_WHY_LEN];

	if (!ask_parse(&t->ask, line, len, why)) {
		reply_error(t->reply, REPLY_BAD_REQUEST, "%s", why);
		return TASK_DONE;
	}
	t->verb = find(verbs, t->ask.command);
	if (!t->verb) {
		reply_error(t->reply, REPLY_UNKNOWN_COMMAND, "this twampd knows no such command");
		return TASK_DONE;
	}
	if (!ask_check(&t->ask, t->verb->args, why)) {
		reply_error(t->reply, REPLY_BAD_REQUEST, "%s: %s", t->verb->name, why);
		return TASK_DONE;
	}
	if (t->verb->changes && !may_change) {
		reply_error(t->reply, REPLY_NOT_ALLOWED,
			    "only root and the user of the daemon may use %s; ask with sudo",
			    t->verb->name);
		return TASK_DONE;
	}
	start_turn(t);
	return t->verb->begin(t);
}

enum task_next task_go_on(struct task *t)
{
	start_turn(t);
	return t->step(t);
}

void task_wipe(struct task *t)
{
	if (t->end) {
		t->end(t);
	}
	ask_wipe(&t->ask);
	t->verb = NULL;
	t->step = NULL;
	t->end = NULL;
	t->state = NULL;
}
