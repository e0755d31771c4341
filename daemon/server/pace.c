// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/pace.h"

double pace_look(struct pace_seen *s, uint64_t received, int64_t now_ns)
{
	struct pace_seen before = *s;

	*s = (struct pace_seen){ received, now_ns };
	if (!before.at_ns || now_ns <= before.at_ns || received < before.received) {
		return 0;
	}
	return (double)(received - before.received) * 1e9 / (double)(now_ns - before.at_ns);
}

void pace_add(struct pace_sum *s, uint32_t round, double rate)
{
	if (s->round != round) {
		s->before = s->round + 1 == round ? s->sum : 0;
		s->sum = 0;
		s->round = round;
	}
	s->sum += (float)rate;
}

double pace_rate(const struct pace_sum *s, uint32_t round, bool running)
{
	if (s->round == round) {
		return (double)(running ? s->before : s->sum);
	}
	return running && s->round + 1 == round ? (double)s->sum : 0;
}
