// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/summary.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int compare_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int64_t summary_percentile(const int64_t *sorted, uint32_t n, unsigned permille)
{
	uint64_t rank = ((uint64_t)n * permille + 999) / 1000;

	return sorted[rank ? rank - 1 : 0];
}

static int64_t find_median(const int64_t *sorted, uint32_t n)
{
	int64_t high = sorted[n / 2];

	if (n % 2) {
		return high;
	}
	/* the sum of two delays of 2^31 s each still fits */
	return (sorted[n / 2 - 1] + high) / 2;
}

static void fill_spread(struct summary_spread *to, int64_t *values, uint32_t n)
{
	double sum = 0;

	if (n == 0) {
		return;
	}
	qsort(values, n, sizeof(*values), compare_ns);
	for (uint32_t i = 0; i < n; i++) {
		sum += (double)values[i];
	}
	to->n = n;
	to->min_ns = values[0];
	to->median_ns = find_median(values, n);
	to->p95_ns = summary_percentile(values, n, 950);
	to->p99_ns = summary_percentile(values, n, 990);
	to->max_ns = values[n - 1];
	to->mean_ns = llround(sum / n);
}

static void fill_jitter(struct summary_spread *to, const struct series *const *series, uint32_t n,
			unsigned kind)
{
	double sum = 0;

	for (uint32_t k = 0; k < n; k++) {
		const struct series *s = series[k];

		for (uint32_t i = 1; i < s->capacity; i++) {
			const struct series_sample *a = &s->samples[i - 1], *b = &s->samples[i];

			if (a->timed && b->timed) {
				sum += fabs((double)(b->delay_ns[kind] - a->delay_ns[kind]));
				to->jitter_n++;
			}
		}
	}
	to->jitter_ns = to->jitter_n ? llround(sum / to->jitter_n) : 0;
}

/*
 * In the order in which the reflector numbered them, which packets stand behind one that was
 * sent later? RFC 4737 3.3, for the way out.
 */
static int count_reordered_out(const struct series *s, uint64_t *count)
{
	uint64_t *order = calloc(s->capacity + 1u, sizeof(*order));
	uint32_t n = 0, highest = 0;

	if (!order) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < s->capacity; i++) {
		if (s->samples[i].state >= SERIES_ANSWERED) {
			order[n++] = (uint64_t)s->samples[i].reflector_seq << 32 | i;
		}
	}
	qsort(order, n, sizeof(*order), compare_u64);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t seq = (uint32_t)order[i];

		if (seq < highest) {
			(*count)++;
		} else {
			highest = seq;
		}
	}
	free(order);
	return 0;
}

static void merge_range(struct series_range *to, const struct series_range *from)
{
	if (!from->any) {
		return;
	}
	to->min = to->any && to->min < from->min ? to->min : from->min;
	to->max = to->any && to->max > from->max ? to->max : from->max;
	to->any = true;
}

static void add_counts(struct summary *to, const struct series *s, bool stateful)
{
	struct series_loss loss = series_loss(s, stateful);

	to->sent += s->sent;
	to->answered += s->answered;
	to->late += s->late;
	to->unknown_seq += s->unknown_seq;
	to->corrupt += s->corrupt;
	to->lost += loss.total;
	to->lost_out += loss.out;
	to->lost_in += loss.in;
	to->loss_known &= loss.known;
	to->duplicates_out += s->duplicates_out;
	to->duplicates_in += s->duplicates_in;
	to->reordered_in += s->reordered_in;
	to->direction_known &= (stateful || s->reflector_counts) && !s->reflector_odd;
	to->reflector_synchronized &= !s->reflector_unsynchronized;
	if (s->reflector_error_ns > to->reflector_error_ns) {
		to->reflector_error_ns = s->reflector_error_ns;
	}
	merge_range(&to->sender_ttl, &s->sender_ttl);
	merge_range(&to->reply_ttl, &s->reply_ttl);
}

static uint32_t collect(int64_t *values, const struct series *const *series, uint32_t n,
			unsigned kind)
{
	uint32_t count = 0;

	for (uint32_t k = 0; k < n; k++) {
		for (uint32_t i = 0; i < series[k]->capacity; i++) {
			if (series[k]->samples[i].timed) {
				values[count++] = series[k]->samples[i].delay_ns[kind];
			}
		}
	}
	return count;
}

int summary_make(struct summary *to, const struct series *const *series, uint32_t n, bool stateful)
{
	size_t room = 1;
	int64_t *values;
	int r = 0;

	*to = (struct summary){ .loss_known = true,
				.direction_known = true,
				.reflector_synchronized = true,
				.reflector_error_ns = -1 };
	for (uint32_t k = 0; k < n; k++) {
		add_counts(to, series[k], stateful);
		r = count_reordered_out(series[k], &to->reordered_out);
		if (r < 0) {
			return r;
		}
		room += series[k]->capacity;
	}
	to->reflector_synchronized &= to->answered > 0;
	values = calloc(room, sizeof(*values));
	if (!values) {
		return -ENOMEM;
	}
	for (unsigned kind = 0; kind < SERIES_DELAYS; kind++) {
		fill_spread(&to->spread[kind], values, collect(values, series, n, kind));
		fill_jitter(&to->spread[kind], series, n, kind);
	}
	free(values);
	return r;
}
