// SPDX-License-Identifier: BSD-2-Clause
/* Lists of CPUs as the kernel writes them: "0-3,5". */
#pragma once

#include "protocol/wire.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>

/** False if @text is no such list of numbers below CPU_SETSIZE. "" is the empty one. */
NODISCARD bool cpus_parse(const char *text, cpu_set_t *out);

void cpus_print(const cpu_set_t *cpus, FILE *to);
