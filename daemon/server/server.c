// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/server.h"

#include "base/clock.h"
#include "daemon/reflector/light.h"
#include "daemon/server/cgroup.h"
#include "daemon/server/conn.h"
#include "daemon/server/handover.h"
#include "daemon/server/memory.h"
#include "daemon/server/notify.h"
#include "daemon/server/reload.h"
#include "daemon/server/running.h"
#include "daemon/server/server_parts.h"
#include "daemon/server/signals.h"
#include "daemon/server/start.h"
#include "daemon/server/status.h"
#include "daemon/server/verdict.h"

#include <stdio.h>
#include <systemd/sd-daemon.h>

#define GRACE_S 5. /* for connections to flush when the server stops */
#define STUCK_S 5. /* a reflector thread that did not move for so long is stuck */

/* --- once a second -------------------------------------------------------------------- */

/* A reflector thread that does not go round its loop must not be reported alive. */
static void feed_watchdog(struct server *s)
{
	double lag = reflector_lag_s(s->conns.reflector);
	char text[32];

	if (lag < STUCK_S) {
		s->stuck = false;
		if (s->watchdog_us) {
			notify_alive(s->notify);
		}
		return;
	}
	snprintf(text, sizeof text, "%.1f", lag);
	if (!s->stuck) {
		log_say(s->conns.log, LOG_EVENT_STUCK, text);
	}
	s->stuck = true;
}

/* To those who answer TLVs by them; of thousands only when there is news. */
static void tell_addresses(struct conns *cs)
{
	const struct localaddr *news = host_changed(&cs->host);

	if (news) {
		light_hosts(cs->reflector, news);
	}
}

static void on_second(struct ev_loop *loop, ev_timer *w, int events)
{
	struct server *s = w->data;
	struct conns *cs = &s->conns;

	clients_sweep(cs->clients, clock_mono());
	host_tick(&cs->host);
	tell_addresses(cs);
	conns_measure(cs);
	server_load_look(&s->load);
	memory_settle(cs->all.n + cs->admit.sessions + clients_number(cs->clients));
	feed_watchdog(s);
	denials_tick(&s->denials, cs->reflector, cs->log, clock_mono());
	refusals_tick(cs->refusals, clock_mono());
	ends_tick(cs->ends);
	patrol_tick(&s->patrol, cs, clock_mono().ns);
	meter_tick(&s->meter, cs, clock_mono().ns);
	log_tick(cs->log);
	status_tell(s);
}

/* --- steering ------------------------------------------------------------------------- */

void server_drain(struct server *s, bool on, bool light)
{
	status_drain(s, on, light);
}

static void on_drain(struct ev_loop *loop, ev_signal *w, int events)
{
	status_drain(w->data, w->signum == SIGUSR1, false);
}

bool server_reload(struct server *s, char *why, size_t size)
{
	return reload_now(s, why, size);
}

bool server_restore(struct server *s, struct settings *before, const char *reason, char *why,
		    size_t size)
{
	return reload_back(s, before, reason, why, size);
}

static void on_hup(struct ev_loop *loop, ev_signal *w, int events)
{
	struct mono begun = clock_mono();
	char why[RELOAD_WHY_LEN];
	bool done = reload_now(w->data, why, sizeof why);

	verdict_tell(begun, done ? NULL : why);
}

void server_log_level(struct server *s, int level)
{
	log_set_level(s->conns.log, level);
}

struct ev_loop *server_loop(const struct server *s)
{
	return s->conns.loop;
}

int server_admin_socket(const struct server *s)
{
	return s->inherited.admin;
}

bool server_is_ready(const struct server *s)
{
	return s->ready;
}

struct log *server_log(const struct server *s)
{
	return s->conns.log;
}

/* --- the end -------------------------------------------------------------------------- */

static void end_if_empty(void *context)
{
	struct server *s = context;

	if (s->stopping && !s->conns.all.n) {
		ev_break(s->conns.loop, EVBREAK_ALL);
	}
}

static void on_grace(struct ev_loop *loop, ev_timer *w, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

static const char *stop_name(int signum)
{
	return signum == SIGTERM ? "SIGTERM" : signum == SIGINT ? "SIGINT" : "told to restart";
}

static void on_stop(struct ev_loop *loop, ev_signal *w, int events)
{
	struct server *s = w->data;

	if (s->stopping) { /* asked twice: now */
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	s->stopping = true;
	notify_say(s->notify, "STOPPING=1");
	log_say(s->conns.log, LOG_EVENT_STOPPING, stop_name(w->signum));
	log_be_patient(s->conns.log);
	listener_close(&s->listeners);
	ev_timer_set(&s->grace, GRACE_S, 0.);
	ev_timer_start(loop, &s->grace);
	conn_shutdown_all(&s->conns);
	end_if_empty(s);
}

/* RestartKillSignal= of twampd.service. Not from here: what else this turn of the loop brings is
 * still to be done. */
static void on_handover(struct ev_loop *loop, ev_signal *w, int events)
{
	struct server *s = w->data;

	if (!s->stopping) {
		s->handing_over = true;
		ev_break(loop, EVBREAK_ALL);
	}
}

/* Where that cannot be done, it is an end like any other. */
static void hand_over(struct server *s)
{
	notify_say(s->notify, "STOPPING=1");
	if (handover_give(s)) {
		s->stopping = true;
		log_be_patient(s->conns.log);
		return;
	}
	on_stop(s->conns.loop, &s->handover, 0);
	if (s->conns.all.n) {
		ev_run(s->conns.loop, 0);
	}
}

/* --- the beginning -------------------------------------------------------------------- */

static void handle(struct server *s, ev_signal *w,
		   void (*handler)(struct ev_loop *loop, ev_signal *w, int events), int signum)
{
	ev_signal_init(w, handler, signum);
	w->data = s;
	ev_signal_start(s->conns.loop, w);
}

/* Of housekeeping: often enough for the watchdog. */
static double find_period(struct server *s)
{
	uint64_t usec = 0;
	double period;

	if (sd_watchdog_enabled(0, &usec) > 0) {
		s->watchdog_us = usec;
	}
	period = (double)usec / 1e6 / 3.;
	return usec && period < 1. ? period : 1.;
}

/* From now on signals are handled, and housekeeping is done. */
static void begin(struct server *s)
{
	double period = find_period(s);

	s->conns.gone = end_if_empty;
	ev_timer_init(&s->second, on_second, period, period);
	ev_init(&s->grace, on_grace);
	s->second.data = s->grace.data = s;
	handle(s, &s->hup, on_hup, SIGHUP);
	handle(s, &s->term, on_stop, SIGTERM);
	handle(s, &s->interrupt, on_stop, SIGINT);
	handle(s, &s->drain, on_drain, SIGUSR1);
	handle(s, &s->resume, on_drain, SIGUSR2);
	handle(s, &s->handover, on_handover, SIGNALS_HANDOVER);
	ev_timer_start(s->conns.loop, &s->second);
	server_load_start(&s->load);
	signals_hold(false);
}

/* In the order in which they need each other. */
static void finish(struct server *s)
{
	guests_end(s->guests, s);
	listener_close(&s->listeners);
	conn_free_all(&s->conns);
	inherited_free(&s->inherited);
	reflector_free(s->conns.reflector);
	kdf_free(s->conns.kdf);
	cgroup_free(s->load.cgroup);
	patrol_end(&s->patrol);
	meter_end(&s->meter);
	conns_wipe(&s->conns);
	host_wipe(&s->conns.host);
	settings_unref(s->started);
	running_forget();
	settings_unref(s->conns.settings);
	notify_free(s->notify);
	ends_free(s->conns.ends);
	(void)log_free(s->conns.log); /* where it is stuck, the process ends anyway */
	if (s->conns.loop) {
		ev_loop_destroy(s->conns.loop);
	}
}

int server_run(const struct server_options *o)
{
	struct server s = { .config_path = o->config_path, .guests = &o->guests };
	int status = start_open(&s, o->log_target);

	if (!status) {
		begin(&s);
		status = start_serve(&s);
	}
	if (!status) {
		ev_run(s.conns.loop, 0);
	}
	if (s.handing_over && !s.stopping) {
		hand_over(&s);
	}
	finish(&s);
	return status;
}
