// SPDX-License-Identifier: BSD-2-Clause
/* One question to the daemon, and its answer shown. */
#pragma once

#include "client/ctl/ctl_options.h"

/* Exit statuses. */
#define CTL_EXIT_OK 0
#define CTL_EXIT_NO 1 /* refused, or the answer is no */
#define CTL_EXIT_USAGE 2
#define CTL_EXIT_NOT_RUNNING 3

/** @width of the terminal, 0 = none. Return an exit status; what went wrong is on @err. */
int ctl_answer(const struct ctl_options *o, unsigned width, FILE *out, FILE *err);
