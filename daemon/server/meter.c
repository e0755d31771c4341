// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/meter.h"

#include "daemon/server/conns.h"
#include "daemon/server/session_orders.h"
#include "daemon/server/standing.h"

double meter_rate(const struct meter *m, const struct pace_sum *s)
{
	return pace_rate(s, m->round, m->at.of);
}

void meter_tick(struct meter *m, struct conns *cs, int64_t now_ns)
{
	if (!m->at.of) {
		if (m->begun_ns && now_ns - m->begun_ns < METER_ROUND_NS) {
			return;
		}
		m->begun_ns = now_ns;
		m->round++;
		roll_begin(&cs->sessions, &m->at);
	}
	for (int i = 0; i < METER_PIECE; i++) {
		struct roll_node *n = roll_next(&m->at);
		struct order_session *o = n ? session_orders_of(n) : NULL;
		struct counters_values now;

		if (!o) {
			roll_end(&m->at);
			break;
		}
		udp_counters(o->udp, &now);
		pace_add(&o->standing->client->pace, m->round,
			 pace_look(&o->pace, now.n[COUNTER_RECEIVED], now_ns));
	}
}

void meter_end(struct meter *m)
{
	roll_end(&m->at);
}
