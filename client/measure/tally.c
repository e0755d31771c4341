// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/tally.h"

#include <math.h>

void tally_init(struct tally *t, int64_t base_ns)
{
	*t = (struct tally){ 0 };
	histogram_init(&t->h, base_ns);
}

void tally_wipe(struct tally *t)
{
	histogram_wipe(&t->h);
}

void tally_add(struct tally *t, int64_t ns)
{
	double x = (double)ns - (double)t->h.base, before = x - t->mean;

	histogram_add(&t->h, ns);
	t->mean += t->h.n > 0 ? before / (double)t->h.n : 0;
	t->square += before * (x - t->mean);
}

void tally_pair(struct tally *t, int64_t earlier_ns, int64_t later_ns)
{
	double d = fabs((double)later_ns - (double)earlier_ns);

	t->pairs++;
	t->variation += d;
	t->smoothed += (d - t->smoothed) / 16; /* RFC 3550 6.4.1 */
}

void tally_merge(struct tally *to, const struct tally *from)
{
	double a = (double)to->h.n, b = (double)from->h.n;
	double apart = from->mean + (double)from->h.base - to->mean - (double)to->h.base;
	double pairs = (double)(to->pairs + from->pairs);

	if (from->h.n > 0) {
		to->mean += apart * b / (a + b);
		to->square += from->square + apart * apart * a * b / (a + b);
	}
	histogram_merge(&to->h, &from->h);
	if (from->pairs > 0) {
		to->smoothed = (to->smoothed * (double)to->pairs +
				from->smoothed * (double)from->pairs) /
			       pairs;
	}
	to->pairs += from->pairs;
	to->variation += from->variation;
}

struct tally_view tally_look(const struct tally *t)
{
	struct tally_view v = { .n = t->h.n, .pairs = t->pairs };

	if (v.n > 0) {
		v.min_ns = t->h.min;
		v.max_ns = t->h.max;
		v.mean_ns = t->h.base + llround(t->mean);
		v.deviation_ns = llround(sqrt(t->square / (double)v.n));
		v.median_ns = histogram_percentile(&t->h, 0.5);
		v.p95_ns = histogram_percentile(&t->h, 0.95);
		v.p99_ns = histogram_percentile(&t->h, 0.99);
		v.p999_ns = histogram_percentile(&t->h, 0.999);
	}
	if (v.pairs > 0) {
		v.jitter_ns = llround(t->variation / (double)v.pairs);
		v.smoothed_ns = llround(t->smoothed);
	}
	return v;
}
