// SPDX-License-Identifier: BSD-2-Clause
/* "config": the settings that are in force, a key each, and where each comes from. */
#pragma once

#include "daemon/admin/task.h"

enum task_next tell_config_begin(struct task *t);

extern const struct ask_arg tell_config_args[];
