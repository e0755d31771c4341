// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/estimate.h"

struct ts_error estimate_error(int state, const struct timex *t, bool kernel_stamps,
			       enum ts_format format)
{
	struct ts_error e = { .format = format, .error_ns = -1 };

	/* T-033 */
	if (state < 0 || state == TIME_ERROR || (t->status & STA_UNSYNC)) {
		return e;
	}
	e.synchronized = true;
	e.error_ns = (int64_t)t->maxerror * 1000 +
		     (kernel_stamps ? ESTIMATE_KERNEL_NS : ESTIMATE_USER_NS);
	return e;
}

void estimate_read(uint16_t out[static 2], bool kernel_stamps)
{
	struct timex t = { .modes = 0 };
	int state = ntp_adjtime(&t);
	struct ts_error ntp = estimate_error(state, &t, kernel_stamps, TS_NTP);
	struct ts_error ptp = estimate_error(state, &t, kernel_stamps, TS_PTP);

	out[TS_NTP] = ts_ee_encode(&ntp);
	out[TS_PTP] = ts_ee_encode(&ptp);
}
