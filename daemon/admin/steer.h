// SPDX-License-Identifier: BSD-2-Clause
/*
 * Commands that change something: reload and go back, drain, end, log more. Each is told in the log,
 * with who asked for it. What they leave behind for later (a reload that is to be confirmed, a log
 * level for a while) belongs to struct steer.
 */
#pragma once

#include "daemon/admin/task.h"

#include <ev.h>

struct settings;

struct steer {
	struct server *server; /* NULL = not yet */
	ev_timer go_back; /* unless the reload is confirmed */
	struct settings *before; /* then; NULL = nothing is to be confirmed */
	struct settings *flat_of; /* and their text, which is made once: it may be long */
	char *flat;
	ev_timer calm; /* the log is as the settings say again */
};

void steer_init(struct steer *st, struct server *s);
void steer_wipe(struct steer *st);

/** The text of settings_flat() of the settings in force, to be freed; NULL = no memory. */
char *steer_flat(struct steer *st);

enum task_next steer_reload(struct task *t);
enum task_next steer_confirm(struct task *t);
enum task_next steer_drain(struct task *t);
enum task_next steer_undrain(struct task *t);
enum task_next steer_log(struct task *t);

extern const struct ask_arg steer_reload_args[], steer_drain_args[], steer_log_args[];

/** "told by twampctl: reload (user 0, process 1234)" */
void steer_say(const struct task *t, const char *what, const char *about);
