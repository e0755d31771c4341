// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/server_load.h"

#include "base/clock.h"
#include "daemon/reflector/light.h"
#include "daemon/server/cgroup.h"
#include "daemon/server/conns.h"
#include "daemon/server/memory.h"

#include <stdio.h>

#define BEAT_S 0.05
#define LOOK_S 0.9 /* between two looks at the load */
#define CARDS_LEN 400 /* network cards and their state */

/* Each change is said once. */
static void watch_health(struct server_load *l)
{
	static const struct {
		enum health_change change;
		enum log_event event;
	} rows[] = {
		{ HEALTH_CLOCK_LOST, LOG_EVENT_CLOCK_LOST },
		{ HEALTH_CLOCK_BACK, LOG_EVENT_CLOCK_BACK },
		{ HEALTH_STAMPS_LOST, LOG_EVENT_STAMPS_LOST },
		{ HEALTH_STAMPS_BACK, LOG_EVENT_STAMPS_BACK },
		{ HEALTH_SEGMENT_REFUSED, LOG_EVENT_SEGMENT_REFUSED },
		{ HEALTH_HARDWARE_READY, LOG_EVENT_HARDWARE },
		{ HEALTH_HARDWARE_LOST, LOG_EVENT_HARDWARE_LOST },
		{ HEALTH_HARDWARE_BACK, LOG_EVENT_HARDWARE_BACK },
	};
	char cards[CARDS_LEN];
	struct counters_values t;
	unsigned changes;

	reflector_totals(l->conns->reflector, &t);
	changes = health_update(&l->health, &t, reflector_synchronized(l->conns->reflector),
				reflector_kernel_timestamps(l->conns->reflector));
	if (changes >= HEALTH_HARDWARE_READY) {
		(void)reflector_hardware(l->conns->reflector, cards, sizeof(cards));
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (changes & rows[i].change) {
			log_say(l->conns->log, rows[i].event,
				rows[i].change >= HEALTH_HARDWARE_READY ? cards : NULL);
		}
	}
}

/* How late the main loop is: the beat should come every BEAT_S. */
static void on_beat(struct ev_loop *loop, ev_timer *w, int events)
{
	struct server_load *l = w->data;
	struct mono now = clock_mono();
	double late_ms = (double)(now.ns - l->beat.ns) / 1e6 - BEAT_S * 1e3;

	if (late_ms > l->worst_lag_ms) {
		l->worst_lag_ms = late_ms;
	}
	l->beat = now;
}

static void say_load(struct server_load *l)
{
	const struct admit_total *t = &l->conns->admit;
	char text[OVERLOAD_TEXT_LEN];

	if (t->cpu_load || t->memory_low || t->net_buffers) {
		log_say(l->conns->log, LOG_EVENT_OVERLOADED,
			overload_text(t, &l->marks, &l->conns->settings->overload, &l->sample,
				      text));
	} else {
		log_say(l->conns->log, LOG_EVENT_RECOVERED, NULL);
	}
}

/* Of sessions and Light ports, since start. */
static struct server_load_drops count_drops(const struct reflector *r)
{
	struct counters_values t;
	struct counters_values light;

	reflector_totals(r, &t);
	light_totals(r, &light);
	return (struct server_load_drops){
		.tx = t.n[COUNTER_DROP_TX] + light.n[COUNTER_DROP_TX],
		.rcvbuf = t.n[COUNTER_DROP_RCVBUF] + light.n[COUNTER_DROP_RCVBUF],
	};
}

void server_load_memory_short(struct server_load *l)
{
	say_load(l);
}

void server_load_look(struct server_load *l)
{
	struct server_load_drops drops = count_drops(l->conns->reflector);
	struct overload_sample now;
	struct mono at = clock_mono();
	double passed_s = (double)(at.ns - l->looked.ns) / 1e9;

	if (passed_s < LOOK_S) { /* the watchdog wants the timer more often */
		return;
	}
	l->looked = at;
	watch_health(l);
	now = (struct overload_sample){
		.loop_lag_ms = l->worst_lag_ms,
		.reflector_busy = reflector_busy(l->conns->reflector),
		.memory_used = cgroup_memory_used(l->cgroup),
		.memory_pressure = cgroup_memory_pressure(l->cgroup),
		.send_drops = (double)(drops.tx - l->drops.tx) / passed_s,
		.receive_drops = (double)(drops.rcvbuf - l->drops.rcvbuf) / passed_s,
	};
	l->worst_lag_ms = 0;
	l->drops = drops;
	l->sample = now;
	if (overload_judge(&l->conns->admit, &l->marks, &l->conns->settings->overload, &now,
			   memory_is_low())) {
		say_load(l);
	}
}

void server_load_forget(struct server_load *l)
{
	struct counters_values t;

	reflector_totals(l->conns->reflector, &t);
	health_begin(&l->health, &t);
	l->drops = count_drops(l->conns->reflector);
}

void server_load_start(struct server_load *l)
{
	l->beat = l->looked = clock_mono();
	ev_timer_init(&l->timer, on_beat, BEAT_S, BEAT_S);
	l->timer.data = l;
	ev_timer_start(l->conns->loop, &l->timer);
}
