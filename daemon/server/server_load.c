// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/server_load.h"

#include "daemon/reflector/light.h"
#include "daemon/server/cgroup.h"
#include "daemon/server/memory.h"
#include "daemon/server/server.h"

#include <stdio.h>
#include <sys/resource.h>

#define BEAT_S 0.05
#define LOOK_S 0.9 /* between two looks at the load */
#define CARDS_LEN 400 /* network cards and their state */
#define FDS_SPARE 64 /* threads, log, listeners, name service */

/* Each change is said once. */
static void watch_health(struct server *s)
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

	reflector_totals(s->reflector, &t);
	changes = health_update(&s->load.health, &t, reflector_synchronized(s->reflector),
				reflector_kernel_timestamps(s->reflector));
	if (changes >= HEALTH_HARDWARE_READY) {
		(void)reflector_hardware(s->reflector, cards, sizeof(cards));
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (changes & rows[i].change) {
			server_say(s, rows[i].event,
				   rows[i].change >= HEALTH_HARDWARE_READY ? cards : NULL);
		}
	}
}

/* How late the main loop is: the beat should come every BEAT_S. */
static void on_beat(struct ev_loop *loop, ev_timer *w, int events)
{
	struct server *s = w->data;
	struct mono now = server_mono();
	double late_ms = (double)(now.ns - s->load.beat.ns) / 1e6 - BEAT_S * 1e3;

	if (late_ms > s->load.worst_lag_ms) {
		s->load.worst_lag_ms = late_ms;
	}
	s->load.beat = now;
}

static void say_load(struct server *s)
{
	const struct admit_total *t = &s->admit;
	char text[OVERLOAD_TEXT_LEN];

	if (t->cpu_load || t->memory_low || t->net_buffers) {
		server_say(s, LOG_EVENT_OVERLOADED,
			   overload_text(t, &s->load.marks, &s->settings->overload, &s->load.sample,
					 text));
	} else {
		server_say(s, LOG_EVENT_RECOVERED, NULL);
	}
}

uint64_t server_load_descriptors(const struct server *s, uint64_t *most)
{
	struct rlimit limit;

	*most = getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY
			? 0
			: (uint64_t)limit.rlim_cur;
	return (uint64_t)s->conns.n + FDS_SPARE + (s->shared_ports ? 0 : s->admit.sessions);
}

void server_load_measure(struct server *s)
{
	uint64_t most, used = server_load_descriptors(s, &most);

	s->admit.descriptors_low = most && used >= most;
	/* At once, for the next request may need what is not there; a look at the load ends it. */
	if (memory_is_low() && !s->admit.memory_low) {
		s->admit.memory_low = true;
		say_load(s);
	}
}

/* Of sessions and Light ports, since start. */
static struct server_load_drops count_drops(const struct server *s)
{
	struct counters_values t;
	struct counters_values light;

	reflector_totals(s->reflector, &t);
	light_totals(s->reflector, &light);
	return (struct server_load_drops){
		.tx = t.n[COUNTER_DROP_TX] + light.n[COUNTER_DROP_TX],
		.rcvbuf = t.n[COUNTER_DROP_RCVBUF] + light.n[COUNTER_DROP_RCVBUF],
	};
}

void server_load_look(struct server *s)
{
	struct server_load_drops drops = count_drops(s);
	struct overload_sample now;
	struct mono at = server_mono();
	double passed_s = (double)(at.ns - s->load.looked.ns) / 1e9;

	if (passed_s < LOOK_S) { /* the watchdog wants the timer more often */
		return;
	}
	s->load.looked = at;
	watch_health(s);
	now = (struct overload_sample){
		.loop_lag_ms = s->load.worst_lag_ms,
		.reflector_busy = reflector_busy(s->reflector),
		.memory_used = cgroup_memory_used(s->cgroup),
		.memory_pressure = cgroup_memory_pressure(s->cgroup),
		.send_drops = (double)(drops.tx - s->load.drops.tx) / passed_s,
		.receive_drops = (double)(drops.rcvbuf - s->load.drops.rcvbuf) / passed_s,
	};
	s->load.worst_lag_ms = 0;
	s->load.drops = drops;
	s->load.sample = now;
	if (overload_judge(&s->admit, &s->load.marks, &s->settings->overload, &now,
			   memory_is_low())) {
		say_load(s);
	}
}

void server_load_start(struct server *s)
{
	s->load.beat = s->load.looked = server_mono();
	ev_timer_init(&s->load.timer, on_beat, BEAT_S, BEAT_S);
	s->load.timer.data = s;
	ev_timer_start(s->loop, &s->load.timer);
}
