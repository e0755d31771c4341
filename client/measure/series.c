// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/series.h"

#include <errno.h>
#include <stdlib.h>

int series_init(struct series *s, uint32_t capacity, int64_t timeout_ns)
{
	*s = (struct series){ .capacity = capacity,
			      .timeout_ns = timeout_ns,
			      .reflector_error_ns = -1 };
	/* Each packet can be duplicated on its way and numbered twice. */
	s->seen_count = capacity * 2 + 64;
	s->samples = calloc(capacity ? capacity : 1, sizeof(*s->samples));
	s->seen = calloc(s->seen_count / 8 + 1, 1);
	if (!s->samples || !s->seen) {
		series_wipe(s);
		return -ENOMEM;
	}
	return 0;
}

void series_wipe(struct series *s)
{
	free(s->samples);
	free(s->seen);
	s->samples = NULL;
	s->seen = NULL;
	s->capacity = 0;
}

void series_sent(struct series *s, uint32_t seq, struct wall t1)
{
	s->samples[seq].t1 = t1;
	s->samples[seq].state = SERIES_SENT;
	s->sent++;
}

int64_t series_between_ns(enum ts_format format, ts_wire earlier, ts_wire later)
{
	int64_t seconds, fraction;

	switch (format) {
	case TS_NTP:
		seconds = (int64_t)(later - earlier);
		fraction = (seconds & INT64_C(0xffffffff)) * TS_NS_PER_S >> 32;
		return (seconds >> 32) * TS_NS_PER_S + fraction;
	case TS_PTP:
		seconds = (int32_t)((uint32_t)(later >> 32) - (uint32_t)(earlier >> 32));
		fraction = (int64_t)(uint32_t)later - (int64_t)(uint32_t)earlier;
		return seconds * TS_NS_PER_S + fraction;
	}
	return 0;
}

static void widen(struct series_range *r, int value)
{
	if (value < 0 || value > 255) {
		return;
	}
	if (!r->any || value < r->min) {
		r->min = (uint8_t)value;
	}
	if (!r->any || value > r->max) {
		r->max = (uint8_t)value;
	}
	r->any = true;
}

/* True if this number of the reflector was there before. */
static bool mark_seen(struct series *s, uint32_t seq)
{
	uint8_t bit = (uint8_t)(1u << (seq & 7));

	if (seq >= s->seen_count) {
		s->reflector_odd = true;
		return false;
	}
	if (s->seen[seq >> 3] & bit) {
		return true;
	}
	s->seen[seq >> 3] |= bit;
	return false;
}

static void take_delays(struct series *s, struct series_sample *sample, const struct pkt_reply *r,
			struct wall t4)
{
	struct ts_error e = ts_ee_decode(r->error_estimate);
	int64_t dwell = series_between_ns(e.format, r->rx_ts, r->ts);

	s->reflector_format[e.format] = true;
	if (!e.synchronized) {
		s->reflector_unsynchronized = true;
	}
	if (e.error_ns < 0) {
		s->corrupt++; /* */
		return;
	}
	if (e.error_ns > s->reflector_error_ns) {
		s->reflector_error_ns = e.error_ns;
	}
	/* The reflector's format decides: our own stamps can be written in either (T-038). */
	sample->delay_ns[SERIES_OUTBOUND] = series_between_ns(
		e.format, ts_encode(e.format, sample->t1), r->rx_ts);
	sample->delay_ns[SERIES_INBOUND] = series_between_ns(e.format, r->ts,
							     ts_encode(e.format, t4));
	sample->delay_ns[SERIES_ROUND_TRIP] = t4.ns - sample->t1.ns - dwell;
	sample->delay_ns[SERIES_DWELL] = dwell;
	sample->timed = true;
}

enum series_verdict series_reply(struct series *s, const struct pkt_reply *r, struct wall t4,
				 int ttl)
{
	uint32_t seq = r->sender.seq;
	struct series_sample *sample = seq < s->capacity ? &s->samples[seq] : NULL;
	bool repeated;

	if (!sample || sample->state == SERIES_UNSENT) {
		s->unknown_seq++;
		return SERIES_NEVER_SENT;
	}
	repeated = mark_seen(s, r->seq);
	s->reflector_counts |= r->seq != seq;
	if (sample->state != SERIES_SENT) {
		/* The same number twice was copied on its way back; a new one on its way out. */
		if (repeated) {
			s->duplicates_in++;
		} else {
			s->duplicates_out++;
		}
	} else if (s->reflector_any && r->seq < s->reflector_max) {
		s->reordered_in++;
	}
	if (!s->reflector_any || r->seq > s->reflector_max) {
		s->reflector_max = r->seq;
	}
	s->reflector_any = true;
	if (sample->state != SERIES_SENT) {
		return SERIES_DUPLICATE;
	}
	widen(&s->sender_ttl, r->ttl);
	widen(&s->reply_ttl, ttl);
	sample->reflector_seq = r->seq;
	if (t4.ns - sample->t1.ns > s->timeout_ns) {
		sample->state = SERIES_LATE;
		s->late++;
		return SERIES_TOO_LATE;
	}
	sample->state = SERIES_ANSWERED;
	s->answered++;
	take_delays(s, sample, r, t4);
	return SERIES_COUNTED;
}

struct series_loss series_loss(const struct series *s, bool stateful)
{
	struct series_loss loss = { .total = s->sent - s->answered };
	int64_t reached = s->reflector_any ? (int64_t)s->reflector_max + 1 : 0;

	reached -= s->duplicates_out;
	if (loss.total == 0) {
		loss.known = true;
		return loss;
	}
	/* Without any reply nothing tells the directions apart. */
	if (!s->reflector_any || s->reflector_odd || reached > s->sent || reached < s->answered) {
		return loss;
	}
	if (!stateful && !s->reflector_counts) {
		return loss;
	}
	loss.known = true;
	loss.out = s->sent - (uint32_t)reached;
	loss.in = (uint32_t)reached - s->answered;
	return loss;
}
