// SPDX-License-Identifier: BSD-2-Clause
/* "limits": how much of each is used, how much is left, and who uses it most. */
#pragma once

#include "daemon/admin/task.h"

enum task_next headroom_begin(struct task *t);
