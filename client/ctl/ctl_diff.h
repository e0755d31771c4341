// SPDX-License-Identifier: BSD-2-Clause
/* "config diff": what a reload would change. twampd itself compares the files with what runs. */
#pragma once

#include "client/ctl/ctl_options.h"

/** @status: what the daemon said. Runs twampd --check-config in place of this program. Return only
 * when that failed: an exit status. */
int ctl_diff(const struct ctl_options *o, const json_t *status, FILE *err);
