// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory of the own control group (unified hierarchy): how near is its limit? To answer, the
 * kernel adds up what all CPUs counted, and takes locks of its own, for as long as it likes: a
 * thread asks once a second, and the main thread takes what it knows.
 */
#pragma once

#include "protocol/wire.h"

struct cgroup;

/** Return 0 or negative errno. */
NODISCARD int cgroup_new(struct cgroup **out);
void cgroup_free(struct cgroup *c); /* NULL ok */

/** Memory in use in percent of the limit; -1 if there is no limit or no such group. */
double cgroup_memory_used(const struct cgroup *c);

/** Percent of the last 10 s that some task waited for memory (PSI); -1 if unknown. */
double cgroup_memory_pressure(const struct cgroup *c);
