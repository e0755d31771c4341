// SPDX-License-Identifier: BSD-2-Clause
#include "base/clock.h"

#include <sys/timex.h>

#define BRACKET_NS 20000

struct clock_pair clock_both(void)
{
	struct clock_pair now = { { 0 }, { 0 } };

	for (int i = 0; i < 3; i++) {
		int64_t before = clock_mono().ns, after;

		now.wall = clock_wall();
		after = clock_mono().ns;
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
