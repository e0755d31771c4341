// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/patrol.h"

#include "daemon/server/conns.h"
#include "daemon/server/session_orders.h"
#include "daemon/server/standing.h"

#include <stdio.h>
#include <string.h>

#define DETAIL_LEN 200
#define VALUE_LEN 32

static bool is_watching(const struct policy *p)
{
	return p->watch_loss || p->watch_pdv_p99_ms;
}

static bool is_raised(const struct order_session *o)
{
	return o->watch.raised[WATCH_LOSS] || o->watch.raised[WATCH_PDV];
}

/* Does any class? */
static bool is_wanted(const struct settings *now)
{
	bool any = is_watching(&now->fallback.policy);

	for (size_t i = 0; i < now->n_classes; i++) {
		any |= is_watching(&now->classes[i].policy);
	}
	return any;
}

/* --- telling ------------------------------------------------------------------------------ */

static void put_detail(enum watch_limit which, const struct watch_find *f, const struct policy *p,
		       char to[static DETAIL_LEN])
{
	if (f->news[which] == WATCH_OFF) {
		(void)snprintf(to, DETAIL_LEN, "%s is not watched any more",
			       which == WATCH_LOSS ? "loss" : "delay variation");
	} else if (which == WATCH_LOSS) {
		(void)snprintf(to, DETAIL_LEN,
			       "%.3f %% of the test packets of the last %.0f s were lost (limit "
			       "%.3f %%, watch.forward_loss)",
			       f->loss_percent, f->passed_s, p->watch_loss / 1000.);
	} else {
		(void)snprintf(to, DETAIL_LEN,
			       "%.2f %% of the test packets of the last %.0f s took more than %u "
			       "ms longer than the fastest (limit 1 %%, watch.forward_pdv_p99_ms)",
			       f->above_percent, f->passed_s, (unsigned)p->watch_pdv_p99_ms);
	}
}

static void tell(struct log *l, const struct order_session *o, enum watch_limit which,
		 const struct watch_find *f, const struct policy *p)
{
	char peer[ADDRESS_TEXT_LEN], sid[SESSION_SID_TEXT_LEN], detail[DETAIL_LEN];
	char now[VALUE_LEN], limit[VALUE_LEN];
	struct log_args a = {
		.client = &o->standing->peer,
		.peer = address_text(&o->standing->peer, peer, sizeof peer),
		.sid = session_sid_text(o->session.sid, sid),
		.class = o->standing->use->name,
		.detail = detail,
		.setting = which == WATCH_LOSS ? "watch.forward_loss" : "watch.forward_pdv_p99_ms",
	};

	put_detail(which, f, p, detail);
	if (f->news[which] != WATCH_OFF) {
		(void)snprintf(now, sizeof now, "%.3f",
			       which == WATCH_LOSS ? f->loss_percent : f->above_percent);
		(void)snprintf(limit, sizeof limit, "%.3f",
			       which == WATCH_LOSS ? p->watch_loss / 1000. : 1.);
		a.now = now;
		a.limit = limit;
	}
	log_event(l, f->news[which] == WATCH_BAD ? LOG_EVENT_FORWARD_BAD : LOG_EVENT_FORWARD_GOOD,
		  &a);
}

/* --- looking ------------------------------------------------------------------------------ */

static void look(struct patrol *p, struct conns *cs, struct order_session *o, int64_t now_ns)
{
	static const struct policy nothing;
	const struct settings_class *class = o->standing->class;
	const struct policy *limits = class ? &class->policy : &nothing;
	struct counters_values n;
	struct forward copy;
	struct watch_find f;

	if (!is_watching(limits) && !is_raised(o)) {
		return;
	}
	udp_forward(o->udp, &copy);
	udp_counters(o->udp, &n);
	if (watch_look(&o->watch, limits, &copy, n.n[COUNTER_REFLECTED], now_ns, &f)) {
		for (int i = 0; i < WATCH_LIMITS; i++) {
			if (f.news[i] != WATCH_NOTHING) {
				tell(cs->log, o, (enum watch_limit)i, &f, limits);
			}
		}
	}
	p->raised += is_raised(o);
}

void patrol_tick(struct patrol *p, struct conns *cs, int64_t now_ns)
{
	struct roll_node *n;

	if (!p->at.of) {
		if ((p->begun_ns && now_ns - p->begun_ns < PATROL_ROUND_NS) ||
		    (!p->raised && !is_wanted(cs->settings))) {
			return;
		}
		p->begun_ns = now_ns;
		p->raised = 0;
		roll_begin(&cs->sessions, &p->at);
	}
	for (int i = 0; i < PATROL_PIECE; i++) {
		n = roll_next(&p->at);
		if (!n) {
			roll_end(&p->at);
			break;
		}
		look(p, cs, session_orders_of(n), now_ns);
	}
}

void patrol_end(struct patrol *p)
{
	roll_end(&p->at);
}
