// SPDX-License-Identifier: BSD-2-Clause
/*
 * "health": conditions that a load balancer, a routing daemon or a monitor asks about, each with its
 * reason in words. Which of them matter, who asks says.
 */
#pragma once

#include "daemon/admin/task.h"

enum task_next checks_begin(struct task *t);

extern const struct ask_arg checks_args[];
