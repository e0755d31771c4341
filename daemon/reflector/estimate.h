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
 * What our own stamping adds, by where T2 comes from and how the reply leaves (batch.h). The
 * kernel's T2 is taken when the packet comes out of the driver; what counts then is how long
 * after T3 the reply meets the wire. Measured under bursts:
 *
 * - A lone reply, T3 read right before its send: 2.6 us in the median, 43 us at p99.9.
 * - In a batch: the same, and the way of those that leave with it. In a run of 64 these are 64
 *   segments of 1.2 us at most, if they are cut up in software; in a chunk of 4, or with 32 to
 *   be sealed before, less.
 */
#define ESTIMATE_KERNEL_NS 50000
#define ESTIMATE_KERNEL_BATCH_NS 130000

/*
 * T2 read in user space misses the wakeup (10 to 20 us in the median), and in a backlog all of
 * the wait in the socket's queue (31 ms with the usual buffer; we ask for more).
 */
#define ESTIMATE_USER_NS 1000000
#define ESTIMATE_USER_BATCH_NS 100000000

struct estimate {
	bool synchronized;
	bool pps; /* by a pulse per second */
	int64_t maxerror_ns; /* < 0 = unknown */
	uint16_t fields[2][2][2]; /* T2 is the kernel's, in a batch, enum ts_format */
};

/** Error of our own. */
int64_t estimate_stamps_ns(bool kernel_stamp, bool in_batch);

/**
 * What ntp_adjtime says, as an error for packets. Of a clock that is not synchronized the kernel
 * states 16 s: S is 0, and senders see that error rather than "unknown", which is 136 years.
 * @state  returned by ntp_adjtime
 */
struct ts_error estimate_error(int state, const struct timex *t, int64_t stamps_ns,
			       enum ts_format format);

/** Ask the kernel now. */
void estimate_read(struct estimate *out);

static inline uint16_t estimate_field(const struct estimate *e, bool kernel_stamp, bool in_batch,
				      enum ts_format format)
{
	return e->fields[kernel_stamp][in_batch][format];
}

/**
 * Of a packet with the stamp of its network card, whose clock was carried over with an error of
 * up to @phc_error_ns; 0 = with another stamp.
 */
uint16_t estimate_card(const struct estimate *e, int64_t phc_error_ns, bool in_batch,
		       enum ts_format format);

static inline uint16_t estimate_packet(const struct estimate *e, bool kernel_stamp,
				       int64_t phc_error_ns, bool in_batch, enum ts_format format)
{
	return phc_error_ns ? estimate_card(e, phc_error_ns, in_batch, format)
			    : estimate_field(e, kernel_stamp, in_batch, format);
}
