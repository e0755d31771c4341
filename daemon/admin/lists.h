// SPDX-License-Identifier: BSD-2-Clause
/* Commands that list what the server holds, or find one of it. */
#pragma once

#include "daemon/admin/task.h"

enum task_next lists_connections(struct task *t);
enum task_next lists_sessions(struct task *t);
enum task_next lists_clients(struct task *t);
enum task_next lists_refused(struct task *t);
enum task_next lists_session(struct task *t); /* one, by its SID */

extern const struct ask_arg lists_connections_args[], lists_sessions_args[], lists_clients_args[],
	lists_refused_args[], lists_session_args[];
