// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/watch.h"

#define PERCENT_OF_P99 1. /* so many may be above */
#define MS INT64_C(1000000)

/* How many delays were above @ms; of the cell that this cuts, a share. */
static uint64_t count_above(const struct spread *s, uint32_t ms)
{
	int64_t limit_ns = ms * MS, from_ns, to_ns;
	unsigned cell = spread_cell(limit_ns);
	double above = 0;

	if (!ms) {
		return 0;
	}
	from_ns = spread_from_ns(cell);
	to_ns = spread_from_ns(cell + 1);
	for (unsigned i = cell + 1; i < SPREAD_CELLS; i++) {
		above += s->cells[i];
	}
	if (limit_ns < to_ns) {
		above += s->cells[cell] * (double)(to_ns - limit_ns) / (double)(to_ns - from_ns);
	}
	return (uint64_t)above;
}

static struct watch read_now(const struct forward *copy, uint64_t received, uint32_t limit_ms,
			     int64_t now_ns)
{
	uint64_t delays = spread_count(&copy->spread);
	bool known = forward_delays_known(copy, delays);

	return (struct watch){
		.since_ns = now_ns,
		.sent = copy->flow.gaps + received,
		.lost = copy->flow.gaps,
		.delays = known ? delays : 0,
		.above = known ? count_above(&copy->spread, limit_ms) : 0,
		.limit_ms = limit_ms,
	};
}

static void begin(struct watch *w, const struct watch *now)
{
	w->since_ns = now->since_ns;
	w->sent = now->sent;
	w->lost = now->lost;
	w->delays = now->delays;
	w->above = now->above;
	w->limit_ms = now->limit_ms;
}

static enum watch_news judge(struct watch *w, enum watch_limit which, double value, double limit)
{
	if (limit <= 0) {
		bool was = w->raised[which];

		w->raised[which] = false;
		return was ? WATCH_OFF : WATCH_NOTHING;
	}
	if (!w->raised[which] && value > limit) {
		w->raised[which] = true;
		w->calm[which] = 0;
		return WATCH_BAD;
	}
	w->calm[which] = value <= limit / 2 ? (uint8_t)(w->calm[which] + 1) : 0;
	if (w->raised[which] && w->calm[which] >= WATCH_CALM) {
		w->raised[which] = false;
		return WATCH_GOOD;
	}
	w->calm[which] = w->calm[which] < WATCH_CALM ? w->calm[which] : WATCH_CALM;
	return WATCH_NOTHING;
}

static double percent(uint64_t part, uint64_t of)
{
	return of ? 100. * (double)part / (double)of : 0;
}

static bool is_enough(const struct watch *w, const struct watch *now)
{
	uint64_t sent = now->sent - w->sent;

	return sent >= WATCH_PACKETS ||
	       (sent >= WATCH_PACKETS_SLOW && now->since_ns - w->since_ns >= WATCH_SLOW_NS);
}

/* What only grows did not; or the limit is another: what was counted before is of no use. */
static bool is_anew(const struct watch *w, const struct watch *now)
{
	return !w->since_ns || now->sent < w->sent || now->delays < w->delays ||
	       now->above < w->above || now->limit_ms != w->limit_ms;
}

bool watch_look(struct watch *w, const struct policy *limits, const struct forward *copy,
		uint64_t received, int64_t now_ns, struct watch_find *out)
{
	struct watch now = read_now(copy, received, limits->watch_pdv_p99_ms, now_ns);
	bool off[WATCH_LIMITS] = { !limits->watch_loss, !limits->watch_pdv_p99_ms };
	/* a late packet takes its loss away again */
	uint64_t lost = now.lost > w->lost ? now.lost - w->lost : 0;

	*out = (struct watch_find){ .passed_s = (double)(now_ns - w->since_ns) / 1e9 };
	if (is_anew(w, &now)) {
		begin(w, &now);
	} else if (is_enough(w, &now)) {
		out->loss_percent = percent(lost, now.sent - w->sent);
		out->above_percent = percent(now.above - w->above, now.delays - w->delays);
		out->news[WATCH_LOSS] = judge(w, WATCH_LOSS, out->loss_percent,
					      limits->watch_loss / 1000.);
		if (off[WATCH_PDV] || now.delays != w->delays) {
			out->news[WATCH_PDV] = judge(w, WATCH_PDV, out->above_percent,
						     off[WATCH_PDV] ? 0 : PERCENT_OF_P99);
		}
		begin(w, &now);
		return out->news[WATCH_LOSS] || out->news[WATCH_PDV];
	}
	for (int i = 0; i < WATCH_LIMITS; i++) {
		out->news[i] = off[i] ? judge(w, (enum watch_limit)i, 0, 0) : WATCH_NOTHING;
	}
	return out->news[WATCH_LOSS] || out->news[WATCH_PDV];
}
