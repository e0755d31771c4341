// SPDX-License-Identifier: BSD-2-Clause
/*
 * The commands of the socket: what each takes, whether it changes something, and who carries it out.
 * docs/admin.md has them for those who write programs.
 */
#pragma once

#include "daemon/admin/task.h"

/* Ended by a NULL name. The owner of the tasks is a struct steer. */
extern const struct task_verb verbs_table[];
