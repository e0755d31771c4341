// SPDX-License-Identifier: BSD-2-Clause
/* "why CLIENT": what would happen to it if it came now, and what decides. */
#pragma once

#include "daemon/admin/task.h"

enum task_next why_begin(struct task *t);

extern const struct ask_arg why_args[];
