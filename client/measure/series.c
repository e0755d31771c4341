// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STEP_NS INT64_C(1000000) /* clocks read one after the other are apart by less */
#define REORDER_REACH 1024 /* packets that are looked at when one is out of order */
#define ROUNDING_NS 1000 /* of fields of 2^-32 s, and of clocks read one after the other */

int series_init(struct series *s, uint64_t window, int64_t timeout_ns, bool controlled)
{
	uint64_t room = 64;

	*s = (struct series){ .timeout_ns = timeout_ns,
			      .controlled = controlled,
			      .epochs = 1,
			      .reflector_error_ns = -1 };
	while (room < window) {
		room *= 2;
	}
	for (unsigned i = 0; i < SERIES_DELAYS; i++) {
		tally_init(&s->delay[i], 0);
	}
	s->packets = calloc(room, sizeof(*s->packets));
	if (!s->packets) {
		return -ENOMEM;
	}
	s->window = room;
	if (controlled) {
		s->epoch.any = true; /* from packet 0 and number 0 on, whatever is answered */
	}
	return 0;
}

void series_wipe(struct series *s)
{
	for (unsigned i = 0; i < SERIES_DELAYS; i++) {
		tally_wipe(&s->delay[i]);
	}
	free(s->packets);
	s->packets = NULL;
	s->window = 0;
}

static struct series_packet *at(const struct series *s, uint64_t index)
{
	return &s->packets[index & (s->window - 1)];
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

/* --- sending, and giving up -------------------------------------------------------------- */

static void end_run(struct series *s)
{
	s->loss_periods += s->run > 0;
	s->longest_run = s->run > s->longest_run ? s->run : s->longest_run;
	s->run = 0;
}

/* The packet at the tail is done with: in the order of sending. */
static void retire(struct series *s)
{
	struct series_packet *p = at(s, s->tail);
	bool answered = p->state == SERIES_ANSWERED;

	if (s->held.any && s->held.index == s->tail) {
		series_release(s);
	}
	s->tail++;
	if (p->state == SERIES_UNSENT) {
		return;
	}
	if (answered) {
		end_run(s);
	} else {
		s->run++;
		s->expired++;
	}
	for (unsigned i = 0; answered && s->previous_answered && i < SERIES_DELAYS; i++) {
		if (p->reading.known[i] && s->previous.known[i]) {
			tally_pair(&s->delay[i], s->previous.delay_ns[i], p->reading.delay_ns[i]);
		}
	}
	s->previous_answered = answered;
	s->previous = p->reading;
}

static struct series_packet *take_place(struct series *s)
{
	if (s->next - s->tail == s->window) {
		retire(s);
	}
	return at(s, s->next++);
}

void series_sent(struct series *s, ts_wire stamp, struct clock_pair t1)
{
	struct series_packet *p = take_place(s);

	*p = (struct series_packet){
		.stamp = stamp, .t1 = t1, .ordinal = s->sent++, .state = SERIES_SENT
	};
	if (s->epoch.replied > 0) {
		p->epoch = s->epochs;
		p->floor = s->epoch.high;
	}
}

void series_skipped(struct series *s)
{
	*take_place(s) = (struct series_packet){ .state = SERIES_UNSENT };
}

void series_departed(struct series *s, uint64_t index, struct wall at_wall)
{
	struct series_packet *p;
	int64_t late;

	if (index >= s->next || s->next - index > s->window) {
		return;
	}
	p = at(s, index);
	late = at_wall.ns - p->t1.wall.ns;
	if (p->state == SERIES_UNSENT || late <= 0 || late >= TS_NS_PER_S) {
		return; /* not its own, or the clock was set in between */
	}
	p->departed_ns = late;
	s->departures++;
	s->departed_sum_ns += (double)late;
	s->departed_max_ns = late > s->departed_max_ns ? late : s->departed_max_ns;
}

void series_expire(struct series *s, struct mono now)
{
	while (s->tail < s->next) {
		const struct series_packet *p = at(s, s->tail);

		if (p->state != SERIES_UNSENT && now.ns - p->t1.mono.ns <= s->timeout_ns) {
			return;
		}
		retire(s);
	}
}

void series_finish(struct series *s)
{
	while (s->tail < s->next) {
		retire(s);
	}
	end_run(s);
}

/* --- numbers of the reflector ------------------------------------------------------------ */

static uint64_t distance(uint64_t low, uint64_t high)
{
	return high > low ? high - low : 0;
}

/* How many packets reached the reflector, and how many of those that did not; false: nonsense. */
static bool weigh(const struct series_epoch *e, uint64_t *out, uint64_t *in)
{
	uint64_t packets = e->last - e->first + 1;
	uint64_t reached = (uint64_t)(uint32_t)(e->high - e->low) + 1;

	if (!e->any || e->replied == 0) {
		*out = *in = 0;
		return true;
	}
	if (reached < e->doubled || reached - e->doubled > packets ||
	    reached - e->doubled < e->replied) {
		return false;
	}
	*out = packets - (reached - e->doubled);
	*in = reached - e->doubled - e->replied;
	return true;
}

/* The reflector counts from anew: what the former numbers told is added up. */
static void begin_epoch(struct series *s)
{
	uint64_t out, in;

	if (weigh(&s->epoch, &out, &in)) {
		s->lost_out += out;
		s->lost_in += in;
	} else {
		s->numbers_odd = true;
	}
	s->replied += s->epoch.replied;
	s->epoch = (struct series_epoch){ 0 };
	s->epochs++;
}

/*
 * When this packet was sent, a reply with a higher number had been here already, so that the
 * reflector cannot have given it a lower one, unless it began anew. Copies are never lower.
 */
static bool is_restart(const struct series *s, const struct series_packet *p, uint32_t number)
{
	return p->epoch == s->epochs && (int32_t)(number - p->floor) <= 0;
}

/* One that came after packets sent later, or let itself be passed. Rare, so it may cost. */
static void look_for_disorder(struct series *s, uint64_t index, uint32_t number)
{
	uint64_t end = index + REORDER_REACH < s->next ? index + REORDER_REACH : s->next;
	uint64_t start = s->next > s->window ? s->next - s->window : 0;

	start = index > start + REORDER_REACH ? index - REORDER_REACH : start;
	for (uint64_t i = start; i < end; i++) {
		struct series_packet *p = at(s, i);
		bool passed = (int32_t)(number - p->reading.number) > 0;
		struct series_packet *later = i < index ? p : at(s, index);

		if (i == index || p->state < SERIES_ANSWERED || p->reading.epoch != s->epochs ||
		    (i < index) == passed) {
			continue;
		}
		if (!later->reordered) {
			later->reordered = true;
			s->reordered_out++;
		}
		if (distance(i, index) + distance(index, i) > s->extent_out) {
			s->extent_out = distance(i, index) + distance(index, i);
		}
	}
}

/* @number is on the first reply to packet @index. */
static void take_number(struct series *s, uint64_t index, uint32_t number)
{
	const struct series_packet *p = at(s, index);
	struct series_epoch *e = &s->epoch;
	bool first;

	s->reflector_counts |= number != (uint32_t)index;
	if (is_restart(s, p, number)) {
		begin_epoch(s);
	}
	first = !e->any;
	if (e->replied > 0 && (int32_t)(number - e->high) < 0) {
		s->reordered_in++;
		if (e->high - number > s->extent_in) {
			s->extent_in = e->high - number;
		}
	}
	if (e->replied > 0 && (p->ordinal < e->last || (int32_t)(number - e->high) < 0)) {
		look_for_disorder(s, index, number);
	}
	e->any = true;
	e->first = first || p->ordinal < e->first ? p->ordinal : e->first;
	e->last = first || p->ordinal > e->last ? p->ordinal : e->last;
	e->low = first || (int32_t)(number - e->low) < 0 ? number : e->low;
	e->high = first || (int32_t)(number - e->high) > 0 ? number : e->high;
	e->replied++;
}

/* --- replies ------------------------------------------------------------------------------ */

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

/* T4 on both clocks; false: the wall clock was set since T1, so that only the monotonic counts. */
static bool find_arrival(const struct series_packet *p, const struct series_arrival *a,
			 struct clock_pair *t4)
{
	int64_t before = p->t1.wall.ns - p->t1.mono.ns;
	int64_t after = a->now.wall.ns - a->now.mono.ns;
	int64_t waited = a->now.wall.ns - a->t4.ns;

	*t4 = a->now;
	if (after - before > STEP_NS || before - after > STEP_NS) {
		return false;
	}
	if (a->stamped && waited >= 0 && waited <= a->now.mono.ns - p->t1.mono.ns) {
		t4->wall = a->t4;
		t4->mono.ns -= waited;
	}
	return true;
}

/* What the stamps of the reflector are good for; SERIES_ODDS = for all. */
static enum series_odd find_odd(const struct pkt_reply *r, int64_t dwell, int64_t away)
{
	if (r->rx_ts == 0 || r->ts == 0) {
		return SERIES_ODD_NO_STAMP;
	}
	if (dwell < 0) {
		return SERIES_ODD_BACKWARDS;
	}
	/* Two clocks, up to 0.1 % apart in rate. */
	if (dwell > away + ROUNDING_NS + away / 1000) {
		return SERIES_ODD_DWELL;
	}
	return SERIES_ODDS;
}

static void set(struct series_reading *to, enum series_delay which, int64_t ns)
{
	to->known[which] = true;
	to->delay_ns[which] = ns;
}

static bool is_37(int64_t ns)
{
	return ns > 36 * TS_NS_PER_S && ns < 38 * TS_NS_PER_S;
}

static void take_one_way(struct series *s, struct series_reading *to, const struct pkt_reply *r,
			 enum ts_format format, struct wall t1, struct wall t4)
{
	int64_t out = series_between_ns(format, ts_encode(format, t1), r->rx_ts);
	int64_t in = series_between_ns(format, r->ts, ts_encode(format, t4));

	set(to, SERIES_OUTBOUND, out);
	set(to, SERIES_INBOUND, in);
	s->scale_37 += is_37(out) || is_37(in);
	/* Precision is wanted about the true delay, however far apart the clocks are. */
	if (s->delay[SERIES_OUTBOUND].h.n == 0) {
		tally_init(&s->delay[SERIES_OUTBOUND], out / 2 - in / 2);
		tally_init(&s->delay[SERIES_INBOUND], in / 2 - out / 2);
	}
}

static void take_estimate(struct series *s, const struct ts_error *e)
{
	s->reflector_format[e->format] = true;
	s->reflector_unsynchronized |= !e->synchronized;
	if (e->error_ns > s->reflector_error_ns) {
		s->reflector_error_ns = e->error_ns;
	}
}

static void take_delays(struct series *s, struct series_packet *p, const struct pkt_reply *r,
			bool steady, struct series_reading *to)
{
	struct ts_error e = ts_ee_decode(r->error_estimate);
	/* The reflector's format decides: our own stamps can be written in either (T-038). */
	int64_t dwell = series_between_ns(e.format, r->rx_ts, r->ts);
	int64_t away = to->t4.mono.ns - p->t1.mono.ns - p->departed_ns;
	enum series_odd odd = e.error_ns < 0 ? SERIES_ODD_ESTIMATE : find_odd(r, dwell, away);

	take_estimate(s, &e);
	if (odd != SERIES_ODDS) {
		s->odd[odd]++;
		return;
	}
	set(to, SERIES_DWELL, dwell);
	set(to, SERIES_ROUND_TRIP, away > dwell ? away - dwell : 0);
	if (steady) {
		take_one_way(s, to, r, e.format, (struct wall){ p->t1.wall.ns + p->departed_ns },
			     to->t4.wall);
	} else {
		s->odd[SERIES_ODD_STEP]++;
	}
}

/* The same number twice was copied on its way back; a new one on its way out. */
static void take_duplicate(struct series *s, struct series_packet *p, uint32_t number)
{
	struct series_epoch *e = &s->epoch;

	if (number == p->reading.number) {
		s->duplicates_in++;
		return;
	}
	s->duplicates_out++;
	s->reflector_counts = true;
	e->doubled++;
	if (e->any && (int32_t)(number - e->high) > 0) {
		e->high = number;
	}
}

/* Index of the packet with Sequence Number @seq among those that are kept; false = none. */
static bool find_index(const struct series *s, uint32_t seq, uint64_t *index)
{
	uint64_t back = (uint32_t)(series_next(s) - seq);

	if (back == 0 || back > s->next || back > s->window) {
		return false;
	}
	*index = s->next - back;
	return at(s, *index)->state != SERIES_UNSENT;
}

enum series_verdict series_reply(struct series *s, const struct pkt_reply *r,
				 const struct series_arrival *a, struct series_reading *to)
{
	struct series_packet *p;
	uint64_t index;
	bool steady;

	if (!find_index(s, r->sender.seq, &index)) {
		s->unknown_seq++;
		return SERIES_NEVER_SENT;
	}
	p = at(s, index);
	if (r->sender.ts == 0) {
		s->not_copied++;
	} else if (r->sender.ts != p->stamp) {
		s->stale++;
		return SERIES_STALE;
	}
	if (p->state != SERIES_SENT) {
		take_duplicate(s, p, r->seq);
		return SERIES_DUPLICATE;
	}
	take_number(s, index, r->seq);
	*to = (struct series_reading){ .index = index, .number = r->seq, .epoch = s->epochs };
	steady = find_arrival(p, a, &to->t4);
	if (!a->brief && r->ttl == 0) {
		s->odd[SERIES_ODD_TTL]++;
	} else if (!a->brief) {
		widen(&s->sender_ttl, r->ttl);
	}
	widen(&s->reply_ttl, a->ttl);
	take_delays(s, p, r, steady, to);
	p->reading = *to;
	if (to->t4.mono.ns - p->t1.mono.ns > s->timeout_ns) {
		p->state = SERIES_LATE;
		s->late++;
		return SERIES_TOO_LATE;
	}
	p->state = SERIES_ANSWERED;
	s->answered++;
	series_release(s);
	s->held = (struct series_held){ true, index, r->ts,
					ts_ee_decode(r->error_estimate).format };
	if (!s->holds) {
		series_release(s);
	}
	return SERIES_COUNTED;
}

/* --- results ------------------------------------------------------------------------------ */

bool series_directions(const struct series *s)
{
	return (s->controlled || s->reflector_counts) && !s->numbers_odd;
}

struct series_loss series_loss(const struct series *s)
{
	struct series_loss loss = { .total = s->sent - s->answered };
	uint64_t out = 0, in = 0, net;

	loss.here = s->own_drops < loss.total ? s->own_drops : loss.total;
	net = loss.total - loss.here;
	loss.known = series_directions(s) && weigh(&s->epoch, &out, &in);
	if (loss.total == 0) {
		loss.known = true;
		return loss;
	}
	if (loss.known && s->replied + s->epoch.replied > 0) {
		out += s->lost_out;
		in += s->lost_in;
		/* A reply that this host dropped had come all the way back. */
		in -= loss.here < in ? loss.here : in;
		loss.out = out < net ? out : net;
		loss.in = in < net - loss.out ? in : net - loss.out;
	} else {
		loss.known = false;
	}
	loss.unknown = net - loss.out - loss.in;
	return loss;
}
