// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/server.h"

#include "daemon/server/announce.h"
#include "daemon/server/cgroup.h"
#include "daemon/server/conn.h"
#include "daemon/server/ends.h"
#include "daemon/server/handover.h"
#include "daemon/server/lightlog.h"
#include "daemon/server/memory.h"
#include "daemon/server/notify.h"
#include "daemon/server/reload.h"
#include "daemon/server/running.h"
#include "daemon/server/server_load.h"
#include "daemon/server/start.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define SERVER_HANDOVER_SIGNAL (SIGRTMIN + 1)
#define GRACE_S 5. /* for connections to flush when the server stops */
#define STATUS_LEN (SERVER_TROUBLE_LEN + 200)
#define STUCK_S 5. /* a reflector thread that did not move for so long is stuck */

static int64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * TS_NS_PER_S + t.tv_nsec;
}

struct mono server_mono(void)
{
	return (struct mono){ now_ns(CLOCK_MONOTONIC) };
}

struct wall server_wall(void)
{
	return (struct wall){ now_ns(CLOCK_REALTIME) };
}

void server_say(struct server *s, enum log_event e, const char *detail)
{
	log_event(s->log, e, &(struct log_args){ .detail = detail });
}

/* --- what systemd is told ------------------------------------------------------------- */

static char *put_status(struct server *s, char text[static STATUS_LEN])
{
	const char *prefix = s->stopping ? "stopping: " : s->admit.draining ? "draining: " : "";
	struct counters_values t;
	char light[LIGHTLOG_STATUS_LEN];

	reflector_totals(s->reflector, &t);
	snprintf(text, STATUS_LEN,
		 "%s%s%s%" PRIu32 " connection%s, %" PRIu32 " session%s, %" PRIu64
		 " packets reflected%s",
		 s->trouble, *s->trouble ? "; " : "", prefix, s->admit.connections,
		 s->admit.connections == 1 ? "" : "s", s->admit.sessions,
		 s->admit.sessions == 1 ? "" : "s", t.n[COUNTER_REFLECTED],
		 lightlog_status(s->reflector, light));
	return text;
}

static void tell_status(struct server *s)
{
	char text[STATUS_LEN];

	notify_status(s->notify, put_status(s, text), server_mono());
}

void server_tell_ready(struct server *s)
{
	char text[STATUS_LEN];

	notify_ready(s->notify, put_status(s, text), server_mono());
}

/* A reflector thread that does not go round its loop must not be reported alive. */
static void feed_watchdog(struct server *s)
{
	double lag = reflector_lag_s(s->reflector);
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
		server_say(s, LOG_EVENT_STUCK, text);
	}
	s->stuck = true;
}

static void on_second(struct ev_loop *loop, ev_timer *w, int events)
{
	struct server *s = w->data;

	clients_sweep(s->clients, server_mono());
	host_tick(&s->host);
	server_load_measure(s);
	server_load_look(s);
	memory_settle(s->conns.n + s->admit.sessions + clients_number(s->clients));
	feed_watchdog(s);
	denials_tick(&s->denials, s->reflector, s->log, server_mono());
	ends_tick(s->ends);
	refusals_tick(s->refusals, server_mono());
	log_tick(s->log);
	tell_status(s);
}

/* --- shortage --------------------------------------------------------------------------- */

static void on_accept_again(struct ev_loop *loop, ev_timer *w, int events)
{
	struct server *s = w->data;

	if (!s->stopping) {
		listener_pause(s, false);
	}
}

void server_pause_accept(struct server *s, int error)
{
	server_say(s, LOG_EVENT_ACCEPT_FAILED, strerror(error));
	listener_pause(s, true);
	ev_timer_stop(s->loop, &s->accept_pause);
	ev_timer_set(&s->accept_pause, 1., 0.);
	ev_timer_start(s->loop, &s->accept_pause);
}

/* --- draining ------------------------------------------------------------------------- */

void server_drain(struct server *s, bool on)
{
	if (s->admit.draining == on) {
		return;
	}
	s->admit.draining = on;
	light_drain(s->reflector, on);
	server_say(s, on ? LOG_EVENT_DRAINING : LOG_EVENT_RESUMED, NULL);
	if (s->ready) { /* with the new status, which else may be late by ten seconds */
		server_tell_ready(s);
	}
}

static void on_drain(struct ev_loop *loop, ev_signal *w, int events)
{
	server_drain(w->data, w->signum == SIGUSR1);
}

/* --- for guests ----------------------------------------------------------------------- */

void server_log_level(struct server *s, int level)
{
	log_set_level(s->log, level);
}

struct ev_loop *server_loop(const struct server *s)
{
	return s->loop;
}

int server_admin_socket(const struct server *s)
{
	return s->inherited.admin;
}

struct log *server_log(const struct server *s)
{
	return s->log;
}

/* --- the end -------------------------------------------------------------------------- */

void server_conn_gone(struct server *s)
{
	if (s->stopping && !s->conns.n) {
		ev_break(s->loop, EVBREAK_ALL);
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
	server_say(s, LOG_EVENT_STOPPING, stop_name(w->signum));
	log_be_patient(s->log);
	listener_close(s);
	ev_timer_set(&s->grace, GRACE_S, 0.);
	ev_timer_start(loop, &s->grace);
	conn_shutdown_all(s);
	server_conn_gone(s);
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
		log_be_patient(s->log);
		return;
	}
	on_stop(s->loop, &s->handover, 0);
	if (s->conns.n) {
		ev_run(s->loop, 0);
	}
}

/* --- the beginning -------------------------------------------------------------------- */

/* Those that server_listen_to_signals() handles. */
static void make_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGUSR2);
	sigaddset(set, SERVER_HANDOVER_SIGNAL);
}

void server_hold_signals(bool hold)
{
	sigset_t set;

	make_set(&set);
	(void)sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void server_await_signal(unsigned seconds)
{
	sigset_t set;

	make_set(&set);
	(void)sigtimedwait(&set, NULL, &(struct timespec){ .tv_sec = seconds });
}

void server_listen_to_signals(struct server *s)
{
	uint64_t usec = 0;
	double period = 1.;

	if (sd_watchdog_enabled(0, &usec) > 0) {
		s->watchdog_us = usec;
	}
	if (usec && (double)usec / 1e6 / 3. < period) {
		period = (double)usec / 1e6 / 3.;
	}
	ev_signal_init(&s->hup, reload_on_hup, SIGHUP);
	ev_signal_init(&s->term, on_stop, SIGTERM);
	ev_signal_init(&s->interrupt, on_stop, SIGINT);
	ev_signal_init(&s->drain, on_drain, SIGUSR1);
	ev_signal_init(&s->resume, on_drain, SIGUSR2);
	ev_signal_init(&s->handover, on_handover, SERVER_HANDOVER_SIGNAL);
	ev_timer_init(&s->second, on_second, period, period);
	ev_init(&s->grace, on_grace);
	ev_init(&s->accept_pause, on_accept_again);
	s->hup.data = s->term.data = s->interrupt.data = s->second.data = s;
	s->grace.data = s->accept_pause.data = s;
	s->drain.data = s->resume.data = s->handover.data = s;
	ev_signal_start(s->loop, &s->hup);
	ev_signal_start(s->loop, &s->term);
	ev_signal_start(s->loop, &s->interrupt);
	ev_signal_start(s->loop, &s->drain);
	ev_signal_start(s->loop, &s->resume);
	ev_signal_start(s->loop, &s->handover);
	ev_timer_start(s->loop, &s->second);
	server_load_start(s);
	server_hold_signals(false);
}

int server_run(const struct server_options *o)
{
	struct server s = { .options = o, .keyed = vault_of(sizeof(struct control_keyed)) };
	int status;

	places_init(&s.places);
	status = start_server(&s, o);

	if (!status) {
		ev_run(s.loop, 0);
	}
	if (s.handing_over && !s.stopping) {
		hand_over(&s);
	}
	guests_end(&o->guests, &s);
	listener_close(&s);
	conn_free_all(&s);
	inherited_free(&s.inherited);
	reflector_free(s.reflector);
	kdf_free(s.kdf);
	cgroup_free(s.cgroup);
	free(s.scratch);
	refusals_free(s.refusals);
	clients_free(s.clients);
	class_use_free(&s.class_uses);
	places_wipe(&s.places);
	host_wipe(&s.host);
	settings_unref(s.running);
	running_forget();
	settings_unref(s.settings);
	notify_free(s.notify);
	ends_free(s.ends);
	(void)log_free(s.log); /* where it is stuck, the process ends anyway */
	if (s.loop) {
		ev_loop_destroy(s.loop);
	}
	return status;
}
