// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the delays of one kind say, without keeping them: extremes, mean, standard deviation,
 * distribution and two kinds of jitter. RFC 2330 11, RFC 3393 4.2, RFC 3550 6.4.1, RFC 5481.
 */
#pragma once

#include "client/measure/histogram.h"

struct tally {
	struct histogram h;
	double mean, square; /* Welford: of the distance from the base, and of its deviations */
	uint64_t pairs; /* of consecutive packets, both answered */
	double variation; /* sum over them: absolute difference of their delays */
	double smoothed; /* interarrival jitter of RFC 3550, ns; valid if pairs > 0 */
};

/* In numbers that can be shown; all 0 if n = 0. */
struct tally_view {
	uint64_t n;
	int64_t min_ns, mean_ns, median_ns, p95_ns, p99_ns, p999_ns, max_ns;
	int64_t deviation_ns; /* standard deviation */
	uint64_t pairs; /* 0: both kinds of jitter are unknown */
	int64_t jitter_ns; /* mean absolute IPDV, RFC 3393 */
	int64_t smoothed_ns; /* RFC 3550 */
};

void tally_init(struct tally *t, int64_t base_ns);
void tally_wipe(struct tally *t);
void tally_add(struct tally *t, int64_t ns);

/** Delays of two consecutive packets of a session, both answered. */
void tally_pair(struct tally *t, int64_t earlier_ns, int64_t later_ns);

/** Of several sessions together; no pair has packets of two of them. */
void tally_merge(struct tally *to, const struct tally *from);

struct tally_view tally_look(const struct tally *t);
