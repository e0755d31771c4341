// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/overload.h"

#define OFF_AT 0.7 /* of the limit */

/* On above the limit, off below 70 percent of it, otherwise as it was. */
static bool above(bool was, double value, uint32_t limit)
{
	if (!limit || value < 0) {
		return false;
	}
	return value >= (was ? limit * OFF_AT : limit);
}

bool overload_judge(struct admit_total *t, struct overload_marks *marks,
		    const struct overload *limits, const struct overload_sample *now,
		    bool memory_low)
{
	struct admit_total before = *t;
	struct overload_marks *m = marks;

	m->loop_lag = above(m->loop_lag, now->loop_lag_ms, limits->loop_lag_ms);
	m->reflector_busy = above(m->reflector_busy, now->reflector_busy, limits->reflector_busy);
	m->memory_used = above(m->memory_used, now->memory_used, limits->memory_used);
	m->memory_pressure = above(m->memory_pressure, now->memory_pressure,
				   limits->memory_pressure);
	m->send_drops = above(m->send_drops, now->send_drops, limits->send_drops);
	m->receive_drops = above(m->receive_drops, now->receive_drops, limits->receive_drops);
	t->cpu_load = m->loop_lag || m->reflector_busy;
	t->memory_low = memory_low || m->memory_used || m->memory_pressure;
	t->net_buffers = m->send_drops || m->receive_drops;
	return t->cpu_load != before.cpu_load || t->memory_low != before.memory_low ||
	       t->net_buffers != before.net_buffers;
}
