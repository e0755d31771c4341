// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/flow.h"

#include "protocol/carry.h"

#define HALF UINT32_C(0x80000000)
#define WINDOW 64u

static void add_lost(struct flow *f, uint32_t n)
{
	if (!n) {
		return;
	}
	if (!f->run) {
		SHARE(f->periods, f->periods + 1);
	}
	SHARE(f->run, f->run + n);
	if (f->run > f->longest) {
		SHARE(f->longest, f->run);
	}
}

/* The @n oldest numbers of the window, of @known, are settled. By runs, oldest first. */
static void settle_oldest(struct flow *f, unsigned known, unsigned n)
{
	uint64_t bits = known ? f->window << (WINDOW - known) : 0;

	while (n) {
		bool seen = bits >> 63;
		uint64_t same = seen ? ~bits : bits;
		unsigned run = same ? (unsigned)__builtin_clzll(same) : WINDOW;

		run = run < n ? run : n;
		if (seen) {
			SHARE(f->run, 0);
		} else {
			add_lost(f, run);
		}
		bits = run < WINDOW ? bits << run : 0;
		n -= run;
	}
}

/* The window moves on by @ahead > 0 numbers. */
static void move(struct flow *f, uint32_t ahead)
{
	unsigned known = f->known;
	uint32_t room = WINDOW - known; /* so many more numbers fit */

	if (ahead > room) {
		uint32_t out = ahead - room;

		settle_oldest(f, known, out < known ? out : known);
		/* of those between, which were never seen */
		add_lost(f, out > known ? out - known : 0);
	}
	SHARE(f->known, (uint8_t)(ahead > room ? WINDOW : known + ahead));
	SHARE(f->window, ahead < WINDOW ? f->window << ahead | 1 : 1);
}

static void begin(struct flow *f, uint32_t seq)
{
	SHARE(f->any, true);
	SHARE(f->window, 1);
	SHARE(f->known, 1);
	SHARE(f->first, seq);
	SHARE(f->max, seq);
}

static struct flow_step take_late(struct flow *f, uint32_t seq)
{
	struct flow_step step = { 0 };
	uint32_t behind = f->max - seq;

	if (behind < WINDOW && (f->window >> behind & 1)) {
		step.duplicate = true;
		return step;
	}
	if (behind < WINDOW) {
		SHARE(f->window, f->window | UINT64_C(1) << behind);
	}
	if (behind > f->extent && behind < FLOW_BEHIND_MAX) {
		SHARE(f->extent, behind);
	}
	step.reordered = true;
	/* what came before the first packet was never counted as a gap */
	if (f->gaps && seq - f->first < HALF) {
		step.gaps = -1;
	}
	return step;
}

static void restart(struct flow *f, uint32_t seq)
{
	flow_settle(f);
	SHARE(f->run, 0);
	begin(f, seq - 1);
	move(f, 1);
	SHARE(f->max, seq);
	SHARE(f->restarts, f->restarts + 1);
}

static bool is_second(const struct flow *f, uint32_t seq)
{
	return f->astray && seq == f->expected;
}

struct flow_step flow_take(struct flow *f, uint32_t seq)
{
	struct flow_step step = { 0 };
	uint32_t ahead = seq - f->max;
	bool astray = f->any && ahead >= FLOW_AHEAD_MAX && 0u - ahead >= FLOW_BEHIND_MAX;
	bool again = astray && is_second(f, seq);
	uint32_t periods = f->periods;

	SHARE(f->last, seq);
	SHARE(f->astray, astray && !again);
	SHARE(f->expected, seq + 1);
	if (!f->any) {
		begin(f, seq);
	} else if (again) {
		restart(f, seq);
	} else if (ahead != 0 && ahead < HALF) {
		if (!astray) {
			move(f, ahead);
			SHARE(f->max, seq);
			step.ahead = ahead;
			step.gaps = (int64_t)ahead - 1;
		}
	} else {
		step = take_late(f, seq);
	}
	SHARE(f->gaps, f->gaps + (uint64_t)step.gaps);
	step.periods = f->periods - periods;
	return step;
}

void flow_settle(struct flow *f)
{
	settle_oldest(f, f->known, f->known);
	SHARE(f->known, 0);
}

void flow_carry(struct carry *c, struct flow *f)
{
	f->any = carry_small(c, f->any, 1);
	f->astray = carry_small(c, f->astray, 1);
	f->known = (uint8_t)carry_small(c, f->known, WINDOW);
	CARRY(c, f->first);
	CARRY(c, f->last);
	CARRY(c, f->max);
	CARRY(c, f->window);
	CARRY(c, f->gaps);
	CARRY(c, f->run);
	CARRY(c, f->longest);
	CARRY(c, f->periods);
	CARRY(c, f->extent);
	CARRY(c, f->restarts);
	CARRY(c, f->expected);
}
