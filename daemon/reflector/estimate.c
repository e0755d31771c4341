// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/estimate.h"

int64_t estimate_stamps_ns(bool kernel_stamp, bool in_batch)
{
	if (kernel_stamp) {
		return in_batch ? ESTIMATE_KERNEL_BATCH_NS : ESTIMATE_KERNEL_NS;
	}
	return in_batch ? ESTIMATE_USER_BATCH_NS : ESTIMATE_USER_NS;
}

struct ts_error estimate_error(int state, const struct timex *t, int64_t stamps_ns,
			       enum ts_format format)
{
	struct ts_error e = { .format = format, .error_ns = -1 };

	if (state < 0) {
		return e;
	}
	e.synchronized = state != TIME_ERROR && !(t->status & STA_UNSYNC); /* T-033 */
	e.error_ns = (int64_t)t->maxerror * 1000 + stamps_ns;
	return e;
}

void estimate_read(struct estimate *out)
{
	struct timex t = { .modes = 0 };
	int state = ntp_adjtime(&t);

	out->maxerror_ns = estimate_error(state, &t, 0, TS_NTP).error_ns;
	out->pps = t.status & STA_PPSSIGNAL && t.status & (STA_PPSTIME | STA_PPSFREQ);

	for (int i = 0; i < 8; i++) {
		bool kernel_stamp = i & 4, in_batch = i & 2;
		enum ts_format format = i & 1 ? TS_PTP : TS_NTP;
		int64_t stamps_ns = estimate_stamps_ns(kernel_stamp, in_batch);
		struct ts_error e = estimate_error(state, &t, stamps_ns, format);

		out->synchronized = e.synchronized;
		out->fields[kernel_stamp][in_batch][format] = ts_ee_encode(&e);
	}
}

uint16_t estimate_card(const struct estimate *e, int64_t phc_error_ns, bool in_batch,
		       enum ts_format format)
{
	struct ts_error error = { .synchronized = e->synchronized,
				  .format = format,
				  .error_ns = -1 };

	if (e->maxerror_ns >= 0) {
		error.error_ns = e->maxerror_ns + estimate_stamps_ns(true, in_batch) + phc_error_ns;
	}
	return ts_ee_encode(&error);
}
