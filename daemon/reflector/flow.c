// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/flow.h"

#include "protocol/carry.h"

#define HALF UINT32_C(0x80000000)

static struct flow_step take_late(struct flow *f, uint32_t seq)
{
	struct flow_step step = { 0 };
	uint32_t behind = f->max - seq;

	if (behind < 64 && (f->window >> behind & 1)) {
		step.duplicate = true;
		return step;
	}
	f->window |= behind < 64 ? UINT64_C(1) << behind : 0;
	step.reordered = true;
	/* what came before the first packet was never counted as a gap */
	if (f->gaps && seq - f->first < HALF) {
		step.gaps = -1;
	}
	return step;
}

struct flow_step flow_take(struct flow *f, uint32_t seq)
{
	struct flow_step step = { 0 };
	uint32_t ahead = seq - f->max;

	f->last = seq;
	if (!f->any) {
		f->any = true;
		f->window = 1;
		f->first = f->max = seq;
	} else if (ahead != 0 && ahead < HALF) {
		f->window = ahead < 64 ? f->window << ahead | 1 : 1;
		f->max = seq;
		step.gaps = ahead - 1;
	} else {
		step = take_late(f, seq);
	}
	f->gaps += (uint64_t)step.gaps;
	return step;
}

void flow_carry(struct carry *c, struct flow *f)
{
	f->any = carry_small(c, f->any, 1);
	CARRY(c, f->first);
	CARRY(c, f->last);
	CARRY(c, f->max);
	CARRY(c, f->window);
	CARRY(c, f->gaps);
}
