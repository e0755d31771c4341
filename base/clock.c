// SPDX-License-Identifier: BSD-2-Clause
#include "base/clock.h"

#include <sys/timex.h>
#include <time.h>

#define BRACKET_NS 20000

static int64_t read_ns(clockid_t id)
{
	struct timespec t = { 0 };

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * TS_NS_PER_S + t.tv_nsec;
}

struct wall clock_wall(void)
{
	return (struct wall){ read_ns(CLOCK_REALTIME) };
}

struct mono clock_mono(void)
{
	return (struct mono){ read_ns(CLOCK_MONOTONIC) };
}

struct clock_pair clock_both(void)
{
	struct clock_pair now = { { 0 }, { 0 } };

	for (int i = 0; i < 3; i++) {
		int64_t before = read_ns(CLOCK_MONOTONIC), wall = read_ns(CLOCK_REALTIME);
		int64_t after = read_ns(CLOCK_MONOTONIC);

		now.wall.ns = wall;
		now.mono.ns = before + (after - before) / 2;
		if (after - before <= BRACKET_NS) {
			break;
		}
	}
	return now;
}

struct ts_error clock_state(void)
{
	struct ts_error e = { .format = TS_NTP, .error_ns = -1 };
	struct timex t = { 0 };
	int state = ntp_adjtime(&t);

	if (state < 0) {
		return e;
	}
	e.synchronized = state != TIME_ERROR && !(t.status & STA_UNSYNC); /* T-033 */
	e.error_ns = (int64_t)t.maxerror * 1000;
	return e;
}
