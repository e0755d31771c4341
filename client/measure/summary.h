// SPDX-License-Identifier: BSD-2-Clause
/* What a measurement says in numbers, over all its sessions together. */
#pragma once

#include "client/measure/series.h"

struct summary {
	struct tally delay[SERIES_DELAYS]; /* of all sessions */
	struct tally_view spread[SERIES_DELAYS];
	uint64_t sent, answered, late, unknown_seq, stale, not_copied;
	uint64_t odd[SERIES_ODDS], scale_37;
	struct series_loss loss; /* known: for all sessions */
	uint64_t longest_run, loss_periods;
	uint64_t duplicates_out, duplicates_in;
	uint64_t reordered_out, reordered_in, extent_out, extent_in;
	bool direction_known; /* the reflector numbers its packets itself */
	uint64_t restarts; /* of reflectors, as seen by their numbers */
	uint64_t departures;
	int64_t departed_mean_ns, departed_max_ns; /* from T1 in the packet to the true departure */
	uint64_t follow_ups; /* replies whose departure was told by a later one */
	int64_t follow_up_mean_ns, follow_up_max_ns; /* from T3 in the reply to that */
	bool reflector_synchronized; /* S = 1 in every reply, and there was one */
	int64_t reflector_error_ns; /* the largest; -1 = unknown */
	bool reflector_format[2]; /* by enum ts_format: used in a reply */
	struct series_range sender_ttl, reply_ttl;
};

/** Over @n series. summary_wipe is right after it, and on zeros. */
void summary_make(struct summary *to, const struct series *const *series, uint32_t n);
void summary_wipe(struct summary *s);
