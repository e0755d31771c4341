// SPDX-License-Identifier: BSD-2-Clause
/*
 * The clocks of this host: wall time for packets, monotonic time for waits, and what the
 * kernel knows about the error of the wall clock.
 */
#pragma once

#include "protocol/ts.h"

struct wall clock_wall(void);
struct mono clock_mono(void);

/* One instant on both clocks. */
struct clock_pair {
	struct wall wall;
	struct mono mono;
};

/** Now; both are read within 20 us of each other if the system lets it. */
struct clock_pair clock_both(void);

/** State of the wall clock by ntp_adjtime; NTP format.                 T-033 */
struct ts_error clock_state(void);
