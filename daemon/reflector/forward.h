// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the test packets of one sender tell about the way to here, and about its clock, without
 * asking it: of each session and of each sender to a reflector without control.
 *
 * Loss, duplicates, reordering: flow.h. Delays: T2 - T1, above the least there was (baseline.h), so
 * that the offset of the clocks does not matter. Jitter: RFC 3550 6.4.1. A clock that was set, or a
 * way that became shorter by more than 100 ms, begins a new baseline. What cannot be known is told
 * as unknown: a sender without a clock (no T1, or the same again and again, or any) has no delays.
 *
 * Pure: no clock, no allocation. One thread takes packets, with share.h; others read a copy
 * (forward_read) and ask that.
 */
#pragma once

#include "daemon/reflector/baseline.h"
#include "daemon/reflector/flow.h"
#include "daemon/reflector/spread.h"
#include "protocol/ts.h"

struct carry;

/* A test packet that is answered. */
struct forward_packet {
	uint32_t seq;
	ts_wire t1;
	struct wall t2;
	uint16_t error_estimate; /* the sender's */
	bool has_ttl, has_tos; /* they are told */
	uint8_t ttl, tos; /* as received */
	uint32_t clock_set; /* forward_clock: how often ours was set */
};

/* What it brought. */
struct forward_step {
	struct flow_step flow;
	int64_t above_ns; /* its delay above the baseline; -1 = not known */
	bool any; /* of flow, and of these: */
	bool untimed; /* its T1 tells nothing */
	bool congested; /* CE */
};

/* Zero before the first packet. */
struct forward {
	/* what each packet touches comes first */
	struct flow flow;
	int64_t t1_ns, delay_ns; /* T1 of the highest number; T2 - T1 of the packet before */
	float jitter_ns;
	float interval_ns; /* between two packets as sent, smoothed over 64 */
	uint32_t clock_set;
	uint16_t error_estimate; /* of the last packet */
	uint8_t intervals; /* in interval_ns, 64 at most */
	bool timed; /* there was a T1: the members above are valid */
	int64_t max_ns; /* above the baseline */
	uint8_t ttl, tos; /* of the last packet */
	uint8_t ttl_before, ttl_min, ttl_max, dscp_before;
	bool has_ttl, has_tos; /* of any packet so far */
	struct baseline baseline;
	uint32_t steps; /* so often the delay showed that a clock was set */
	uint32_t step_s; /* the last time, since 1970 */
	uint32_t ttl_changes, ttl_changed_s;
	uint32_t dscp_changes, dscp_changed_s;
	uint32_t sync_changes, sync_changed_s;
	struct spread spread; /* delays above the baseline */
};
_Static_assert(sizeof(struct forward) <= 512, "a session, with its flow");
_Static_assert(sizeof(struct forward) % 8 == 0, "share_copy");

/** A packet that was received and is answered. @step: what it brought. */
void forward_take(struct forward *f, const struct forward_packet *p, struct forward_step *step);

/** A copy while others write. Any thread. */
static inline void forward_read(const struct forward *f, struct forward *out)
{
	share_copy(out, f, sizeof *out);
}

void forward_carry(struct carry *c, struct forward *f);

/* --- our own clock --------------------------------------------------------------------- */

/* Zero at first. One for each thread. */
struct forward_clock {
	int64_t wall_ns, mono_ns; /* when it was looked at last */
	uint32_t set; /* so often it was set */
};

/**
 * Look at both clocks, at most an hour after the last time. More than slewing can do is setting;
 * but a pause between the two readings looks the same: then, unless @sure, false is returned, and
 * they are to be read again.
 */
bool forward_clock_look(struct forward_clock *c, struct wall wall, struct mono mono, bool sure);

/* --- of a copy ------------------------------------------------------------------------- */

/* What a reader wants to know; a value is valid if its "known" is true. */
struct forward_view {
	uint64_t lost; /* numbers that are missing */
	uint32_t loss_periods, longest_loss; /* with what is missing now */
	uint32_t extent, restarts;

	bool delays_known;
	uint64_t delays; /* so many */
	int64_t p50_ns, p95_ns, p99_ns, max_ns; /* above the least */
	int64_t jitter_ns;

	bool interval_known;
	double interval_ns, rate; /* as sent; per second */

	bool any; /* there was a packet */
	bool ttl_known, tos_known;
	uint8_t dscp, ecn, ttl; /* of the last packet */
	uint8_t ttl_min, ttl_max;
	/* What changed: how often, when last (seconds since 1970), and from what. */
	uint32_t ttl_changes, ttl_changed_s, dscp_changes, dscp_changed_s, sync_changes,
		sync_changed_s;
	uint8_t ttl_before, dscp_before;
	uint32_t steps, step_s; /* of a clock, or of the way, that began a new baseline */

	bool clock_known; /* there was a T1 */
	bool synchronized, ptp; /* S and Z of the last packet */
	int64_t error_ns; /* its stated error; -1 = unknown */
	bool offset_known;
	int64_t offset_ns; /* least T2 - T1: how far its clock is behind, and the shortest way */
	bool drift_known;
	double drift_ppm, drift_error_ppm; /* > 0: its clock is slow */
};

/** The sender has a clock, by which @delays (spread_count) were measured. */
bool forward_delays_known(const struct forward *copy, uint64_t delays);

void forward_view(const struct forward *copy, struct forward_view *v);

/** Lost, in percent of what was sent. */
static inline double forward_loss_percent(uint64_t gaps, uint64_t received)
{
	return gaps ? 100. * (double)gaps / ((double)gaps + (double)received) : 0;
}
