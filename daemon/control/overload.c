// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/overload.h"

#include <stdio.h>

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

struct measure {
	bool on;
	const char *reason, *key;
	double value;
	uint32_t limit;
	const char *unit;
};

static size_t put_measure(char *to, size_t size, bool first, const struct measure *m)
{
	int n = snprintf(to, size, "%s%s: %s is %.0f%s, the limit %u%s", first ? "" : "; ",
			 m->reason, m->key, m->value, m->unit, m->limit, m->unit);

	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

char *overload_text(const struct admit_total *t, const struct overload_marks *m,
		    const struct overload *l, const struct overload_sample *v,
		    char buf[static OVERLOAD_TEXT_LEN])
{
	const struct measure all[] = {
		{ m->loop_lag, "cpu-load", "overload.loop_lag", v->loop_lag_ms, l->loop_lag_ms,
		  " ms" },
		{ m->reflector_busy, "cpu-load", "overload.reflector_busy", v->reflector_busy,
		  l->reflector_busy, " %" },
		{ m->memory_used, "memory-low", "overload.memory_used", v->memory_used,
		  l->memory_used, " %" },
		{ m->memory_pressure, "memory-low", "overload.memory_pressure", v->memory_pressure,
		  l->memory_pressure, " %" },
		{ m->send_drops, "net-buffers", "overload.send_drops", v->send_drops, l->send_drops,
		  "/s" },
		{ m->receive_drops, "net-buffers", "overload.receive_drops", v->receive_drops,
		  l->receive_drops, "/s" },
	};
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (all[i].on) {
			n += put_measure(buf + n, OVERLOAD_TEXT_LEN - n, !n, &all[i]);
		}
	}
	if (t->memory_low && !m->memory_used && !m->memory_pressure) {
		(void)snprintf(buf + n, OVERLOAD_TEXT_LEN - n, "%smemory-low: none was to be had",
			       n ? "; " : "");
	}
	return buf;
}
