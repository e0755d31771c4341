// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/sender.h"

#include "base/clock.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BURST 64 /* packets per wake-up when the schedule is behind */
#define PROGRESS_S 0.2
#define CLOCK_S 1.0

struct sender {
	struct ev_loop *loop;
	struct probe *probes;
	uint32_t probe_count;
	const struct plan *plan;
	const struct watcher *watcher;
	int timer_fd; /* finer than the loop's milliseconds */
	ev_io due, control;
	ev_io *replies; /* one per probe */
	ev_timer progress, clock, end;
	ev_signal interrupt, terminate;
	struct mono start;
	uint64_t next; /* packets sent by all probes together */
	struct ts_error own_clock; /* over the whole run */
	uint16_t error_estimate; /* now */
	enum sender_end verdict;
	bool interrupted; /* nothing more is sent */
};

static uint64_t count_total(const struct sender *s)
{
	return (uint64_t)s->plan->count * s->probe_count;
}

/* Packet k of the run belongs to probe k mod n; the probes share out the interval. */
static struct mono find_due(const struct sender *s, uint64_t k)
{
	uint64_t round = k / s->probe_count, part = k % s->probe_count;
	int64_t interval = s->plan->interval_ns;

	return (struct mono){ s->start.ns + (int64_t)round * interval +
			      (int64_t)part * interval / (int64_t)s->probe_count };
}

static void arm(struct sender *s)
{
	struct mono due = find_due(s, s->next);
	struct itimerspec t = { .it_value = { .tv_sec = due.ns / TS_NS_PER_S,
					      .tv_nsec = due.ns % TS_NS_PER_S } };

	(void)timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

static bool is_complete(const struct sender *s)
{
	for (uint32_t i = 0; i < s->probe_count; i++) {
		if (!probe_complete(&s->probes[i])) {
			return false;
		}
	}
	return true;
}

/* After the last packet: the end comes with the last reply or with the timeout. */
static void await_replies(struct sender *s)
{
	ev_io_stop(s->loop, &s->due);
	if (is_complete(s)) {
		ev_break(s->loop, EVBREAK_ALL);
		return;
	}
	ev_now_update(s->loop);
	ev_timer_set(&s->end, (double)s->plan->timeout_ns / 1e9, 0.);
	ev_timer_start(s->loop, &s->end);
}

static void on_due(struct ev_loop *loop, ev_io *w, int events)
{
	struct sender *s = w->data;
	uint64_t expirations;

	(void)!read(s->timer_fd, &expirations, sizeof(expirations));
	for (int i = 0; i < BURST && s->next < count_total(s); i++) {
		if (find_due(s, s->next).ns > clock_mono().ns) {
			break;
		}
		probe_send(&s->probes[s->next % s->probe_count], s->error_estimate);
		s->next++;
	}
	if (s->next < count_total(s)) {
		arm(s);
	} else {
		await_replies(s);
	}
}

static void on_reply(struct ev_loop *loop, ev_io *w, int events)
{
	struct sender *s = w->data;

	probe_receive(&s->probes[w - s->replies]);
	if (ev_is_active(&s->end) && is_complete(s)) {
		ev_break(loop, EVBREAK_ALL);
	}
}

static void on_end(struct ev_loop *loop, ev_timer *w, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

/* The server has nothing to say during a test: octets are dropped, an end is an end. */
static void on_control(struct ev_loop *loop, ev_io *w, int events)
{
	struct sender *s = w->data;
	uint8_t octets[256];
	ssize_t n = recv(w->fd, octets, sizeof(octets), MSG_DONTWAIT);

	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
		return;
	}
	s->verdict = SENDER_CONTROL_LOST;
	ev_io_stop(loop, w);
	ev_break(loop, EVBREAK_ALL);
}

/* First signal: no more packets, but replies on their way still count. Second: at once. */
static void on_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	struct sender *s = w->data;

	s->verdict = SENDER_INTERRUPTED;
	if (s->interrupted || ev_is_active(&s->end)) {
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	s->interrupted = true;
	await_replies(s);
}

static void on_progress(struct ev_loop *loop, ev_timer *w, int events)
{
	const struct sender *s = w->data;
	uint64_t answered = 0, sent = 0;

	for (uint32_t i = 0; i < s->probe_count; i++) {
		sent += s->probes[i].series.sent;
		answered += s->probes[i].series.answered;
	}
	s->watcher->tick(s->watcher->data, sent, answered, count_total(s));
}

static void look_at_clock(struct sender *s)
{
	struct ts_error now = clock_state();

	now.format = s->plan->features & MODE_PTP ? TS_PTP : TS_NTP;
	s->error_estimate = ts_ee_encode(&now);
	s->own_clock.synchronized &= now.synchronized;
	if (now.error_ns > s->own_clock.error_ns) {
		s->own_clock.error_ns = now.error_ns;
	}
}

static void on_clock(struct ev_loop *loop, ev_timer *w, int events)
{
	look_at_clock(w->data);
}

static void start_signals(struct sender *s)
{
	ev_signal_init(&s->interrupt, on_signal, SIGINT);
	ev_signal_init(&s->terminate, on_signal, SIGTERM);
	s->interrupt.data = s;
	s->terminate.data = s;
	ev_signal_start(s->loop, &s->interrupt);
	ev_signal_start(s->loop, &s->terminate);
}

struct sender *sender_new(const struct plan *plan, const struct watcher *watcher,
			  struct probe *probes, uint32_t n)
{
	struct sender *s = calloc(1, sizeof(*s));

	if (!s) {
		return NULL;
	}
	s->probes = probes;
	s->probe_count = n;
	s->plan = plan;
	s->watcher = watcher;
	s->own_clock = (struct ts_error){ .synchronized = true, .error_ns = -1 };
	s->replies = calloc(n, sizeof(*s->replies));
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	s->loop = ev_loop_new(EVFLAG_AUTO);
	if (!s->replies || s->timer_fd < 0 || !s->loop) {
		sender_free(s);
		return NULL;
	}
	start_signals(s);
	return s;
}

void sender_free(struct sender *s)
{
	if (!s) {
		return;
	}
	if (s->loop) {
		ev_signal_stop(s->loop, &s->interrupt);
		ev_signal_stop(s->loop, &s->terminate);
		ev_loop_destroy(s->loop);
	}
	if (s->timer_fd >= 0) {
		close(s->timer_fd);
	}
	free(s->replies);
	free(s);
}

void sender_limit(struct sender *s, uint32_t n)
{
	s->probe_count = n;
}

static void start_watchers(struct sender *s, int control_fd)
{
	for (uint32_t i = 0; i < s->probe_count; i++) {
		ev_io_init(&s->replies[i], on_reply, s->probes[i].fd, EV_READ);
		s->replies[i].data = s;
		ev_io_start(s->loop, &s->replies[i]);
	}
	ev_io_init(&s->due, on_due, s->timer_fd, EV_READ);
	ev_timer_init(&s->end, on_end, 0., 0.);
	ev_timer_init(&s->clock, on_clock, CLOCK_S, CLOCK_S);
	ev_timer_init(&s->progress, on_progress, PROGRESS_S, PROGRESS_S);
	s->due.data = s;
	s->clock.data = s;
	s->progress.data = s;
	ev_io_start(s->loop, &s->due);
	ev_timer_start(s->loop, &s->clock);
	if (control_fd >= 0) {
		ev_io_init(&s->control, on_control, control_fd, EV_READ);
		s->control.data = s;
		ev_io_start(s->loop, &s->control);
	}
}

enum sender_end sender_run(struct sender *s, int control_fd)
{
	look_at_clock(s);
	start_watchers(s, control_fd);
	if (s->watcher) {
		ev_timer_start(s->loop, &s->progress);
	}
	s->start = clock_mono();
	arm(s);
	ev_run(s->loop, 0);
	return s->verdict;
}

struct ts_error sender_clock(const struct sender *s)
{
	return s->own_clock;
}
