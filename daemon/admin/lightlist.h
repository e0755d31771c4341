// SPDX-License-Identifier: BSD-2-Clause
/* The command "light-senders": who sends to the stateful ports without control. */
#pragma once

#include "daemon/admin/task.h"

enum task_next lightlist_begin(struct task *t);
