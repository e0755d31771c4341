// SPDX-License-Identifier: BSD-2-Clause
/* "end": one session that an operator ends, or all that a client or class has, with its connections. */
#pragma once

#include "daemon/admin/task.h"

enum task_next ending_session(struct task *t);
enum task_next ending_client(struct task *t);
enum task_next ending_class(struct task *t);

extern const struct ask_arg ending_session_args[], ending_client_args[], ending_class_args[];
