// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/forward.h"

#include "protocol/carry.h"

#define NS_PER_MS INT64_C(1000000)

/* No queue holds a packet for so long: the clock was set. */
#define JUMP_NS (10 * TS_NS_PER_S)

/* T1 of a later packet is so much earlier, or a delay is so much below the baseline. */
#define BACK_NS NS_PER_MS
#define BELOW_NS (100 * NS_PER_MS)

/* Without a packet for so long, the baseline is of no use any more. */
#define STALE_NS (600 * TS_NS_PER_S)

/* A fall of more in one packet than between many is loss of another kind. */
#define INTERVAL_AHEAD_MAX 1000u
#define INTERVALS 64u

/* A sender whose clock steps more often than with one packet in so many has none. */
#define STEPS_SHARE 16u

#define ECN 3 /* its bits, and what a congested router makes of them */

#define SLEW_NS NS_PER_MS
#define SLEW_SHARE 1000 /* of the time that has passed */

static bool is_untimed(const struct forward *f, const struct forward_packet *p, int64_t t1_ns)
{
	return !p->t1 || (f->timed && t1_ns == f->t1_ns);
}

static uint32_t seconds(struct wall t)
{
	return (uint32_t)(t.ns / TS_NS_PER_S);
}

/* Where a clock, ours or the sender's, shows another time than before. */
static bool is_step(const struct forward *f, const struct forward_packet *p, uint32_t ahead,
		    int64_t t1_ns, int64_t delay_ns)
{
	int64_t jump_ns = delay_ns - f->delay_ns;

	return jump_ns > JUMP_NS || jump_ns < -JUMP_NS || (ahead && t1_ns < f->t1_ns - BACK_NS) ||
	       (f->baseline.n && delay_ns < baseline_at(&f->baseline, p->t2.ns) - BELOW_NS);
}

static bool is_stale(const struct forward *f, const struct forward_packet *p)
{
	int64_t passed_ns = p->t2.ns - f->baseline.t_ns;

	return p->clock_set != f->clock_set || passed_ns > STALE_NS || passed_ns < -TS_NS_PER_S;
}

static void take_interval(struct forward *f, uint32_t ahead, int64_t t1_ns)
{
	float one_ns, share;

	if (!ahead || ahead > INTERVAL_AHEAD_MAX || t1_ns <= f->t1_ns) {
		return;
	}
	one_ns = (float)(t1_ns - f->t1_ns) / (float)ahead;
	if (f->intervals < INTERVALS) {
		SHARE(f->intervals, (uint8_t)(f->intervals + 1));
	}
	share = 1.f / (float)f->intervals;
	SHARE(f->interval_ns, f->interval_ns + (one_ns - f->interval_ns) * share);
}

static int64_t take_delay(struct forward *f, const struct forward_packet *p, int64_t delay_ns)
{
	int64_t change_ns = delay_ns - f->delay_ns, above_ns;

	change_ns = change_ns < 0 ? -change_ns : change_ns;
	SHARE(f->jitter_ns, f->jitter_ns + ((float)change_ns - f->jitter_ns) / 16);
	above_ns = baseline_take(&f->baseline, p->t2.ns, delay_ns);
	if (baseline_is_wild(&f->baseline)) {
		return -1;
	}
	spread_add(&f->spread, above_ns);
	if (above_ns > f->max_ns) {
		SHARE(f->max_ns, above_ns);
	}
	return above_ns;
}

/* What was measured against a clock that turns out to be none. */
static void forget(struct forward *f)
{
	for (unsigned i = 0; i < SPREAD_CELLS; i++) {
		SHARE(f->spread.cells[i], 0);
	}
	SHARE(f->max_ns, 0);
}

static int64_t take_times(struct forward *f, const struct forward_packet *p, uint32_t ahead,
			  bool *untimed)
{
	enum ts_format format = p->error_estimate & TS_EE_PTP ? TS_PTP : TS_NTP;
	int64_t t1_ns = ts_decode(format, p->t1, p->t2).ns, delay_ns, above_ns = -1;
	bool was_wild = baseline_is_wild(&f->baseline);

	*untimed = is_untimed(f, p, t1_ns);
	if (*untimed) {
		return -1;
	}
	delay_ns = p->t2.ns - t1_ns;
	if (!f->timed || is_stale(f, p)) {
		baseline_begin(&f->baseline, p->t2.ns, delay_ns);
		SHARE(f->clock_set, p->clock_set);
		SHARE(f->timed, true);
	} else if (is_step(f, p, ahead, t1_ns, delay_ns)) {
		baseline_begin(&f->baseline, p->t2.ns, delay_ns);
		SHARE(f->steps, f->steps + 1);
		SHARE(f->step_s, seconds(p->t2));
	} else {
		take_interval(f, ahead, t1_ns);
		above_ns = take_delay(f, p, delay_ns);
		if (baseline_is_wild(&f->baseline) && !was_wild) {
			forget(f);
		}
	}
	SHARE(f->delay_ns, delay_ns);
	if (ahead || t1_ns > f->t1_ns || above_ns < 0) {
		SHARE(f->t1_ns, t1_ns);
	}
	return above_ns;
}

static void take_ttl(struct forward *f, const struct forward_packet *p, bool first)
{
	if (first) {
		SHARE(f->ttl_min, p->ttl);
		SHARE(f->ttl_max, p->ttl);
	} else {
		SHARE(f->ttl_before, f->ttl);
		SHARE(f->ttl_changes, f->ttl_changes + 1);
		SHARE(f->ttl_changed_s, seconds(p->t2));
	}
	SHARE(f->has_ttl, true);
	SHARE(f->ttl, p->ttl);
	SHARE(f->ttl_min, p->ttl < f->ttl_min ? p->ttl : f->ttl_min);
	SHARE(f->ttl_max, p->ttl > f->ttl_max ? p->ttl : f->ttl_max);
}

static void take_tos(struct forward *f, const struct forward_packet *p, bool first)
{
	if (!first && p->tos >> 2 != f->tos >> 2) {
		SHARE(f->dscp_before, f->tos >> 2);
		SHARE(f->dscp_changes, f->dscp_changes + 1);
		SHARE(f->dscp_changed_s, seconds(p->t2));
	}
	SHARE(f->has_tos, true);
	SHARE(f->tos, p->tos);
}

static void take_error(struct forward *f, const struct forward_packet *p, bool first)
{
	if (!first && (p->error_estimate ^ f->error_estimate) & TS_EE_SYNC) {
		SHARE(f->sync_changes, f->sync_changes + 1);
		SHARE(f->sync_changed_s, seconds(p->t2));
	}
	SHARE(f->error_estimate, p->error_estimate);
}

void forward_take(struct forward *f, const struct forward_packet *p, struct forward_step *step)
{
	bool first = !f->flow.any, any = false, untimed = false;

	*step = (struct forward_step){ .flow.ahead = 1, .above_ns = -1 };
	if (!flow_follows(&f->flow, p->seq)) {
		step->flow = flow_take(&f->flow, p->seq);
		any = true;
	}
	if (p->has_ttl && (!f->has_ttl || p->ttl != f->ttl)) {
		take_ttl(f, p, !f->has_ttl);
	}
	if (p->has_tos && (!f->has_tos || p->tos != f->tos)) {
		take_tos(f, p, !f->has_tos);
	}
	if (first || p->error_estimate != f->error_estimate) {
		take_error(f, p, first);
	}
	if (!step->flow.duplicate) {
		step->above_ns = take_times(f, p, step->flow.ahead, &untimed);
	}
	step->congested = p->has_tos && (p->tos & ECN) == ECN;
	step->untimed = untimed;
	step->any = any || untimed || step->congested;
}

/* --- our own clock --------------------------------------------------------------------- */

bool forward_clock_look(struct forward_clock *c, struct wall wall, struct mono mono, bool sure)
{
	int64_t passed_ns = mono.ns - c->mono_ns, off_ns = wall.ns - c->wall_ns - passed_ns;
	int64_t most_ns = SLEW_NS + passed_ns / SLEW_SHARE;

	if (c->mono_ns && (off_ns > most_ns || off_ns < -most_ns)) {
		if (!sure) {
			return false;
		}
		c->set++;
	}
	c->wall_ns = wall.ns;
	c->mono_ns = mono.ns;
	return true;
}

/* --- of a copy ------------------------------------------------------------------------- */

bool forward_delays_known(const struct forward *copy, uint64_t delays)
{
	return delays && delays / STEPS_SHARE >= copy->steps && !baseline_is_wild(&copy->baseline);
}

static void view_delays(const struct forward *f, struct forward_view *v)
{
	v->delays = spread_count(&f->spread);
	v->delays_known = forward_delays_known(f, v->delays);
	if (!v->delays_known) {
		return;
	}
	v->max_ns = f->max_ns;
	v->p50_ns = spread_quantile_ns(&f->spread, 500, f->max_ns);
	v->p95_ns = spread_quantile_ns(&f->spread, 950, f->max_ns);
	v->p99_ns = spread_quantile_ns(&f->spread, 990, f->max_ns);
	v->jitter_ns = (int64_t)f->jitter_ns;
	v->interval_known = f->intervals && f->interval_ns > 0;
	v->interval_ns = (double)f->interval_ns;
	v->rate = v->interval_known ? 1e9 / (double)f->interval_ns : 0;
	v->offset_known = true;
	v->offset_ns = f->baseline.d_ns;
	v->drift_known = baseline_drift(&f->baseline, &v->drift_ppm, &v->drift_error_ppm);
}

void forward_view(const struct forward *copy, struct forward_view *v)
{
	struct ts_error error = ts_ee_decode(copy->error_estimate);
	struct flow flow = copy->flow;

	flow_settle(&flow);
	*v = (struct forward_view){
		.lost = flow.gaps,
		.loss_periods = flow.periods,
		.longest_loss = flow.longest,
		.extent = flow.extent,
		.restarts = flow.restarts,
		.any = flow.any,
		.ttl_known = copy->has_ttl,
		.tos_known = copy->has_tos,
		.dscp = copy->tos >> 2,
		.ecn = copy->tos & 3,
		.ttl = copy->ttl,
		.ttl_min = copy->ttl_min,
		.ttl_max = copy->ttl_max,
		.ttl_changes = copy->ttl_changes,
		.ttl_changed_s = copy->ttl_changed_s,
		.ttl_before = copy->ttl_before,
		.dscp_changes = copy->dscp_changes,
		.dscp_changed_s = copy->dscp_changed_s,
		.dscp_before = copy->dscp_before,
		.sync_changes = copy->sync_changes,
		.sync_changed_s = copy->sync_changed_s,
		.steps = copy->steps,
		.step_s = copy->step_s,
		.clock_known = copy->timed,
		.synchronized = error.synchronized,
		.ptp = error.format == TS_PTP,
		.error_ns = error.error_ns,
	};
	view_delays(copy, v);
}
