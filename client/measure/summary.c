// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/summary.h"

#include <math.h>

static void merge_range(struct series_range *to, const struct series_range *from)
{
	if (!from->any) {
		return;
	}
	to->min = to->any && to->min < from->min ? to->min : from->min;
	to->max = to->any && to->max > from->max ? to->max : from->max;
	to->any = true;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void add_loss(struct summary *to, const struct series *s)
{
	struct series_loss loss = series_loss(s);

	to->loss.total += loss.total;
	to->loss.here += loss.here;
	to->loss.out += loss.out;
	to->loss.in += loss.in;
	to->loss.unknown += loss.unknown;
	to->loss.known &= loss.known;
	to->longest_run = larger(to->longest_run, s->longest_run);
	to->loss_periods += s->loss_periods;
}

static void add_counts(struct summary *to, const struct series *s)
{
	to->sent += s->sent;
	to->answered += s->answered;
	to->late += s->late;
	to->unknown_seq += s->unknown_seq;
	to->stale += s->stale;
	to->not_copied += s->not_copied;
	to->scale_37 += s->scale_37;
	for (unsigned i = 0; i < SERIES_ODDS; i++) {
		to->odd[i] += s->odd[i];
	}
	to->duplicates_out += s->duplicates_out;
	to->duplicates_in += s->duplicates_in;
	to->reordered_out += s->reordered_out;
	to->reordered_in += s->reordered_in;
	to->extent_out = larger(to->extent_out, s->extent_out);
	to->extent_in = larger(to->extent_in, s->extent_in);
	to->direction_known &= series_directions(s);
	to->restarts += s->epochs - 1;
	to->reflector_synchronized &= !s->reflector_unsynchronized;
	if (s->reflector_error_ns > to->reflector_error_ns) {
		to->reflector_error_ns = s->reflector_error_ns;
	}
	to->reflector_format[TS_NTP] |= s->reflector_format[TS_NTP];
	to->reflector_format[TS_PTP] |= s->reflector_format[TS_PTP];
	merge_range(&to->sender_ttl, &s->sender_ttl);
	merge_range(&to->reply_ttl, &s->reply_ttl);
}

void summary_make(struct summary *to, const struct series *const *series, uint32_t n)
{
	double departed = 0, followed = 0;

	*to = (struct summary){ .loss = { .known = true },
				.direction_known = true,
				.reflector_synchronized = true,
				.reflector_error_ns = -1 };
	for (unsigned i = 0; i < SERIES_DELAYS; i++) {
		tally_init(&to->delay[i], n > 0 ? series[0]->delay[i].h.base : 0);
	}
	for (uint32_t k = 0; k < n; k++) {
		const struct series *s = series[k];

		add_counts(to, s);
		add_loss(to, s);
		for (unsigned i = 0; i < SERIES_DELAYS; i++) {
			tally_merge(&to->delay[i], &s->delay[i]);
		}
		departed += s->departed_sum_ns;
		followed += s->follow_up_sum_ns;
		to->follow_ups += s->follow_ups;
		to->follow_up_max_ns = to->follow_up_max_ns > s->follow_up_max_ns
					       ? to->follow_up_max_ns
					       : s->follow_up_max_ns;
		to->departures += s->departures;
		to->departed_max_ns = to->departed_max_ns > s->departed_max_ns ? to->departed_max_ns
									       : s->departed_max_ns;
	}
	to->departed_mean_ns = to->departures ? llround(departed / (double)to->departures) : 0;
	to->follow_up_mean_ns = to->follow_ups ? llround(followed / (double)to->follow_ups) : 0;
	to->reflector_synchronized &= to->answered > 0;
	for (unsigned i = 0; i < SERIES_DELAYS; i++) {
		to->spread[i] = tally_look(&to->delay[i]);
	}
}

void summary_wipe(struct summary *s)
{
	for (unsigned i = 0; i < SERIES_DELAYS; i++) {
		tally_wipe(&s->delay[i]);
	}
}
