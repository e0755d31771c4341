// SPDX-License-Identifier: BSD-2-Clause
/*
 * Commands yang-state and yang-config: the model ietf-twamp, its lists entry by entry in turns of
 * the loop, then what is around them.
 */
#pragma once

#include "daemon/admin/task.h"

enum task_next yang_state(struct task *t);
enum task_next yang_config(struct task *t);
