// SPDX-License-Identifier: BSD-2-Clause
/* When replies really left, as the next one tells. RFC 8972 4.7 */
#include "client/measure/series.h"

#define LONGEST_NS TS_NS_PER_S /* from T3 to the departure: more cannot be of that reply */

static struct series_packet *held(const struct series *s)
{
	return &s->packets[s->held.index & (s->window - 1)];
}

void series_followed_up(struct series *s, uint32_t number, ts_wire t3)
{
	struct series_reading *r = &held(s)->reading;
	int64_t later = series_between_ns(s->held.format, s->held.t3, t3);

	if (!s->held.any || r->number != number || later < 0 || later > LONGEST_NS ||
	    !r->known[SERIES_DWELL]) {
		return;
	}
	s->follow_ups++;
	s->follow_up_sum_ns += (double)later;
	s->follow_up_max_ns = later > s->follow_up_max_ns ? later : s->follow_up_max_ns;
	r->delay_ns[SERIES_DWELL] += later;
	r->delay_ns[SERIES_INBOUND] -= later;
	r->delay_ns[SERIES_ROUND_TRIP] -= later < r->delay_ns[SERIES_ROUND_TRIP]
						  ? later
						  : r->delay_ns[SERIES_ROUND_TRIP];
}

void series_release(struct series *s)
{
	const struct series_reading *r = &held(s)->reading;

	for (unsigned i = 0; s->held.any && i < SERIES_DELAYS; i++) {
		if (r->known[i]) {
			tally_add(&s->delay[i], r->delay_ns[i]);
		}
	}
	s->held.any = false;
}
