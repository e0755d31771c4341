// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/schedule.h"

#include "base/splitmix.h"

#include <math.h>

void schedule_init(struct schedule *s, enum schedule_kind kind, int64_t interval_ns, uint64_t count,
		   bool catch_up, uint64_t seed)
{
	*s = (struct schedule){ .kind = kind,
				.interval_ns = interval_ns,
				.parts = 1,
				.total = count,
				.catch_up = catch_up,
				.random = seed };
}

void schedule_start(struct schedule *s, struct mono now, uint32_t parts)
{
	s->total *= parts;
	s->parts = parts;
	s->start = now;
	s->due = now;
}

static int64_t find_gap(struct schedule *s)
{
	double u;

	switch (s->kind) {
	case SCHEDULE_PERIODIC:
		return s->interval_ns;
	case SCHEDULE_POISSON:
		u = ((double)(splitmix_draw(&s->random) >> 11) + 1) /
		    9007199254740993.; /* (0, 1] */
		return llround(-log(u) * (double)s->interval_ns);
	}
	return s->interval_ns;
}

static void plan_next(struct schedule *s)
{
	if (++s->part == s->parts) {
		s->part = 0;
		s->start.ns += find_gap(s);
	}
	s->due.ns = s->start.ns + (int64_t)s->part * (s->interval_ns / s->parts) +
		    (int64_t)s->part * (s->interval_ns % s->parts) / s->parts;
}

/*
 * Two packets of one session at once would measure the queue that they make themselves. What is
 * late by a whole interval moves the rest of the plan along, by whole intervals.
 */
static void put_off(struct schedule *s, int64_t late)
{
	int64_t rounds = late / s->interval_ns;

	if (s->catch_up || rounds < 1) {
		return;
	}
	s->start.ns += rounds * s->interval_ns;
	s->late_rounds += (uint64_t)rounds;
}

bool schedule_take(struct schedule *s, struct mono now, uint32_t *part)
{
	int64_t late = now.ns - s->due.ns;

	if (schedule_over(s) || late < 0) {
		return false;
	}
	*part = s->part;
	s->worst_ns = late > s->worst_ns ? late : s->worst_ns;
	s->first = s->taken ? s->first : now;
	s->last = now;
	s->taken++;
	put_off(s, late);
	plan_next(s);
	return true;
}

double schedule_asked(const struct schedule *s)
{
	return (double)s->parts * 1e9 / (double)s->interval_ns;
}

double schedule_reached(const struct schedule *s)
{
	int64_t took = s->last.ns - s->first.ns;

	return s->taken > 1 && took > 0 ? (double)(s->taken - 1) * 1e9 / (double)took : 0;
}
