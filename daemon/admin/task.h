// SPDX-License-Identifier: BSD-2-Clause
/*
 * A command that somebody asked for, while it is carried out: at once, or a piece at each turn of
 * the main loop, so that no answer keeps the loop, however long it is.
 */
#pragma once

#include "daemon/admin/ask.h"
#include "daemon/admin/reply.h"
#include "protocol/ts.h"

#include <sys/types.h>

struct server;
struct task;

enum task_next {
	TASK_DONE, /* the result or the error is in the reply */
	TASK_MORE, /* it goes on at the next turn */
	TASK_WAIT, /* it looks again in a moment (TASK_MOMENT_S) */
};

#define TASK_MOMENT_S 0.1
#define TASK_PIECE_NS INT64_C(1000000) /* of one turn */

/* A row of the table of commands. */
struct task_verb {
	const char *name;
	const struct ask_arg *args; /* ended by a NULL name; NULL = none */
	bool changes; /* something: only root and the daemon's user may */
	/* May set step and end for what takes more than one turn. */
	enum task_next (*begin)(struct task *t);
};

struct task {
	const struct task_verb *verb; /* NULL = there is nothing to do */
	struct server *server; /* that is asked */
	void *owner; /* of what commands leave behind: struct steer */
	struct ask ask;
	struct reply *reply;
	uid_t uid; /* who asks */
	pid_t pid;
	enum task_next (*step)(struct task *t);
	void (*end)(struct task *t); /* once, whatever comes of it. NULL ok */
	void *state; /* of step and end */
	struct mono until; /* of this turn */
};

/** The piece is large enough, or the turn is over. Looks at the clock each time. */
bool task_is_enough(const struct task *t);

/** Begin what is asked for in a line. @verbs: a table, ended by a NULL name. */
enum task_next task_begin(struct task *t, const struct task_verb *verbs, bool may_change,
			  const char *line, size_t len);

/** The next piece. */
enum task_next task_go_on(struct task *t);

/** Forget it. Does nothing where there is none. */
void task_wipe(struct task *t);
