// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a measurement says in numbers, over all its sessions together. Percentiles as in
 * RFC 2330 11.3 (the smallest value that at least that share does not exceed; the median of
 * an even count is the mean of both middle values). Jitter is the mean absolute difference of
 * the delays of consecutive packets of one session, both answered (IPDV, RFC 3393 4.2).
 */
#pragma once

#include "client/measure/series.h"

struct summary_spread {
	uint32_t n;
	int64_t min_ns, median_ns, p95_ns, p99_ns, max_ns; /* 0 if n = 0 */
	int64_t mean_ns;
	uint32_t jitter_n; /* pairs; 0: jitter unknown */
	int64_t jitter_ns;
};

struct summary {
	struct summary_spread spread[SERIES_DELAYS];
	uint64_t sent, answered, late, unknown_seq, corrupt;
	uint64_t lost, lost_out, lost_in;
	bool loss_known; /* lost_out and lost_in are valid for all sessions */
	uint64_t duplicates_out, duplicates_in;
	uint64_t reordered_out, reordered_in;
	bool direction_known; /* the reflector numbers its packets itself */
	bool reflector_synchronized; /* S = 1 in every reply, and there was one */
	int64_t reflector_error_ns; /* the largest; -1 = unknown */
	struct series_range sender_ttl, reply_ttl;
};

/** Percentile of @n > 0 sorted values, 0 < @permille <= 1000. */
int64_t summary_percentile(const int64_t *sorted, uint32_t n, unsigned permille);

/** Over @n series; @stateful as in series_loss. 0 or -ENOMEM. */
NODISCARD int summary_make(struct summary *to, const struct series *const *series, uint32_t n,
			   bool stateful);
