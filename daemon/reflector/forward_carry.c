// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/forward.h"
#include "protocol/carry.h"

/* What there can be: half of the 136 years of a timestamp, and three times as long since 1970. */
#define DELAY_MAX_NS (INT64_C(1) << 61)
#define TIME_MAX_NS (INT64_C(1) << 62)
#define FLOAT_MAX 1e18f

/* What is damaged must not become numbers that overflow. */
static void carry_float(struct carry *c, float *x, float most)
{
	CARRY(c, *x);
	if (!(*x >= -most && *x <= most)) {
		c->bad = true;
		*x = 0;
	}
}

static void carry_ns(struct carry *c, int64_t *x, int64_t most)
{
	CARRY(c, *x);
	if (*x < -most || *x > most) {
		c->bad = true;
		*x = 0;
	}
}

static void carry_point(struct carry *c, struct baseline_point *p)
{
	carry_float(c, &p->t_s, FLOAT_MAX);
	carry_float(c, &p->d_ns, FLOAT_MAX);
}

static void carry_baseline(struct carry *c, struct baseline *b)
{
	carry_ns(c, &b->t_ns, TIME_MAX_NS);
	carry_ns(c, &b->d_ns, DELAY_MAX_NS);
	for (unsigned i = 0; i < BASELINE_POINTS; i++) {
		carry_point(c, &b->points[i]);
	}
	carry_point(c, &b->least);
	carry_float(c, &b->above_ns, FLOAT_MAX);
	carry_float(c, &b->slope, BASELINE_DRIFT_MAX);
	b->n = (uint8_t)carry_small(c, b->n, BASELINE_POINTS);
	b->shift = (uint8_t)carry_small(c, b->shift, BASELINE_SHIFT_MAX);
	b->wild = (uint8_t)carry_small(c, b->wild, 2 * BASELINE_WILD_MAX);
	b->fitted = carry_small(c, b->fitted, 1);
}

static void carry_marks(struct carry *c, struct forward *f)
{
	CARRY(c, f->ttl_changes);
	CARRY(c, f->ttl_changed_s);
	CARRY(c, f->dscp_changes);
	CARRY(c, f->dscp_changed_s);
	CARRY(c, f->sync_changes);
	CARRY(c, f->sync_changed_s);
	CARRY(c, f->error_estimate);
	CARRY(c, f->ttl);
	CARRY(c, f->ttl_before);
	CARRY(c, f->ttl_min);
	CARRY(c, f->ttl_max);
	CARRY(c, f->tos);
	CARRY(c, f->dscp_before);
	f->has_ttl = carry_small(c, f->has_ttl, 1);
	f->has_tos = carry_small(c, f->has_tos, 1);
}

void forward_carry(struct carry *c, struct forward *f)
{
	flow_carry(c, &f->flow);
	carry_ns(c, &f->t1_ns, TIME_MAX_NS);
	carry_ns(c, &f->delay_ns, DELAY_MAX_NS);
	carry_ns(c, &f->max_ns, TIME_MAX_NS);
	carry_baseline(c, &f->baseline);
	carry_float(c, &f->jitter_ns, FLOAT_MAX);
	carry_float(c, &f->interval_ns, FLOAT_MAX);
	CARRY(c, f->steps);
	CARRY(c, f->step_s);
	f->intervals = (uint8_t)carry_small(c, f->intervals, UINT8_MAX);
	f->timed = carry_small(c, f->timed, 1);
	carry_marks(c, f);
	for (unsigned i = 0; i < SPREAD_CELLS; i++) {
		CARRY(c, f->spread.cells[i]);
	}
}
