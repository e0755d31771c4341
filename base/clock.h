// SPDX-License-Identifier: BSD-2-Clause
/*
 * The clocks of this host: wall time for packets, monotonic time for waits, and what the
 * kernel knows about the error of the wall clock.
 */
#pragma once

#include "protocol/ts.h"

#include <time.h>

static inline struct wall clock_wall(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (struct wall){ (int64_t)t.tv_sec * TS_NS_PER_S + t.tv_nsec };
}

static inline struct mono clock_mono(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct mono){ (int64_t)t.tv_sec * TS_NS_PER_S + t.tv_nsec };
}

/* One instant on both clocks. */
struct clock_pair {
	struct wall wall;
	struct mono mono;
};

/** Now; both are read within 20 us of each other if the system lets it. */
struct clock_pair clock_both(void);

/** State of the wall clock by ntp_adjtime; NTP format.                 T-033 */
struct ts_error clock_state(void);
