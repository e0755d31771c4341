// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory of the own control group (unified hierarchy): how near is its limit?
 */
#pragma once

/** Memory in use in percent of the limit; -1 if there is no limit or no such group. */
double cgroup_memory_used(void);

/** Percent of the last 10 s that some task waited for memory (PSI); -1 if unknown. */
double cgroup_memory_pressure(void);
