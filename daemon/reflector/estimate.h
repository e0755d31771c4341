// SPDX-License-Identifier: BSD-2-Clause
/*
 * The clocks of the reflector, and what the Error Estimate says about them: the kernel's
 * upper bound (maxerror, kept by ntpd, chronyd, ptp4l + phc2sys) plus what our own stamping
 * adds. RFC 4656 4.1.2; T-032..T-036.
 */
#pragma once

#include "protocol/ts.h"

#include <sys/timex.h>
#include <time.h>

/*
 * T2 is the kernel's, taken when the packet comes out of the driver, and T3 is read right
 * before the send call. What lies between T3 and the wire was measured under bursts: 2.6 us
 * in the median, 43 us at p99.9.
 */
#define ESTIMATE_KERNEL_NS 50000

/* T2 read in user space misses the wakeup and the wait in the socket's queue. */
#define ESTIMATE_USER_NS 1000000

/**
 * What ntp_adjtime says, as an error for packets. Not synchronized means unknown: then
 * nobody feeds maxerror, and it bounds nothing.
 * @state  returned by ntp_adjtime
 */
struct ts_error estimate_error(int state, const struct timex *t, bool kernel_stamps,
			       enum ts_format format);

/** Ask the kernel now: Error Estimate fields by format. */
void estimate_read(uint16_t out[static 2], bool kernel_stamps);

static inline struct wall estimate_wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (struct wall){ .ns = (int64_t)t.tv_sec * TS_NS_PER_S + t.tv_nsec };
}

static inline struct mono estimate_mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct mono){ .ns = (int64_t)t.tv_sec * TS_NS_PER_S + t.tv_nsec };
}
