// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/sender.h"

#include "base/clock.h"
#include "client/measure/interrupt.h"
#include "client/measure/probe_batch.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BURST 64 /* packets at a time */
#define SPIN_NS 100000 /* before a packet is due: more than a wake-up takes */
#define PROGRESS_S 0.2
#define EXPIRE_S 0.1
#define CLOCK_S 1.0

struct sender {
	struct ev_loop *loop;
	struct probe *probes;
	uint32_t probe_count;
	struct probe_batch *batch;
	const struct plan *plan;
	const struct watcher *watcher;
	struct schedule schedule;
	int timer_fd; /* finer than the loop's milliseconds */
	ev_io due, control, interrupt;
	ev_io *replies; /* one per probe */
	ev_timer progress, expire, clock, end;
	struct ts_error own_clock; /* over the whole run */
	uint16_t error_estimate; /* now */
	enum sender_end verdict;
	bool closing; /* nothing more is sent */
	bool over;
};

static bool is_complete(const struct sender *s)
{
	for (uint32_t i = 0; i < s->probe_count; i++) {
		if (!series_complete(&s->probes[i].series)) {
			return false;
		}
	}
	return true;
}

static void finish(struct sender *s)
{
	s->over = true;
	ev_break(s->loop, EVBREAK_ALL);
}

/* After the last packet: the end comes with the last reply or with the timeout. */
static void await_replies(struct sender *s)
{
	s->closing = true;
	ev_io_stop(s->loop, &s->due);
	if (is_complete(s)) {
		finish(s);
		return;
	}
	ev_now_update(s->loop);
	ev_timer_set(&s->end, (double)s->plan->timeout_ns / 1e9, 0.);
	ev_timer_start(s->loop, &s->end);
}

static void on_due(struct ev_loop *loop, ev_io *w, int events)
{
	const struct sender *s = w->data;
	uint64_t expirations;

	(void)!read(s->timer_fd, &expirations, sizeof(expirations));
}

static void on_reply(struct ev_loop *loop, ev_io *w, int events)
{
	struct sender *s = w->data;

	(void)probe_receive(&s->probes[w - s->replies], s->batch);
	if (s->plan->more.no_ssid == PLAN_NO_SSID_STOP &&
	    s->probes[w - s->replies].counts.ssid_missing) {
		s->verdict = SENDER_NO_SSID;
		finish(s);
		return;
	}
	if (s->closing && is_complete(s)) {
		finish(s);
	}
}

static void on_end(struct ev_loop *loop, ev_timer *w, int events)
{
	finish(w->data);
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
	finish(s);
}

/* First interrupt: no more packets, but replies on their way still count. Second: at once. */
static void on_interrupt(struct ev_loop *loop, ev_io *w, int events)
{
	struct sender *s = w->data;

	interrupt_clear();
	s->verdict = SENDER_INTERRUPTED;
	if (s->closing) {
		finish(s);
		return;
	}
	await_replies(s);
}

static void on_progress(struct ev_loop *loop, ev_timer *w, int events)
{
	const struct sender *s = w->data;

	s->watcher->tick(s->watcher->data, s->schedule.total);
}

/* What waits in the sockets comes first: it may be in time still. */
static void receive_all(struct sender *s)
{
	for (uint32_t i = 0; i < s->probe_count; i++) {
		for (int k = 0; k < BURST && probe_receive(&s->probes[i], s->batch); k++) {
		}
	}
}

static void on_expire(struct ev_loop *loop, ev_timer *w, int events)
{
	struct sender *s = w->data;

	receive_all(s);
	for (uint32_t i = 0; i < s->probe_count; i++) {
		series_expire(&s->probes[i].series, clock_mono());
	}
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

struct sender *sender_new(const struct plan *plan, const struct watcher *watcher,
			  struct probe *probes, uint32_t n)
{
	struct sender *s = calloc(1, sizeof(*s));
	uint64_t seed = 0;

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
	(void)getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	schedule_init(&s->schedule, plan->schedule, plan->interval_ns, plan->count, plan->catch_up,
		      seed);
	return s;
}

void sender_free(struct sender *s)
{
	if (!s) {
		return;
	}
	if (s->loop) {
		ev_loop_destroy(s->loop);
	}
	if (s->timer_fd >= 0) {
		close(s->timer_fd);
	}
	probe_batch_free(s->batch);
	free(s->replies);
	free(s);
}

void sender_limit(struct sender *s, uint32_t n)
{
	s->probe_count = n;
}

static void watch(struct sender *s, ev_io *w, void (*call)(struct ev_loop *, ev_io *, int), int fd)
{
	ev_io_init(w, call, fd, EV_READ);
	w->data = s;
	if (fd >= 0) {
		ev_io_start(s->loop, w);
	}
}

static void repeat(struct sender *s, ev_timer *w, void (*call)(struct ev_loop *, ev_timer *, int),
		   double every_s)
{
	ev_timer_init(w, call, every_s, every_s);
	w->data = s;
	ev_timer_start(s->loop, w);
}

static void start_watchers(struct sender *s, int control_fd)
{
	for (uint32_t i = 0; i < s->probe_count; i++) {
		s->probes[i].watcher = s->watcher;
		s->probes[i].session = i;
		watch(s, &s->replies[i], on_reply, s->probes[i].fd);
	}
	watch(s, &s->due, on_due, s->timer_fd);
	watch(s, &s->control, on_control, control_fd);
	watch(s, &s->interrupt, on_interrupt, interrupt_fd());
	repeat(s, &s->clock, on_clock, CLOCK_S);
	repeat(s, &s->expire, on_expire, EXPIRE_S);
	if (s->watcher && s->watcher->tick) {
		repeat(s, &s->progress, on_progress, PROGRESS_S);
	}
	ev_timer_init(&s->end, on_end, 0., 0.);
	s->end.data = s;
}

/* All that is due, a bounded number. */
static void send_due(struct sender *s)
{
	uint32_t part;

	for (int i = 0; i < BURST && schedule_take(&s->schedule, clock_mono(), &part); i++) {
		probe_send(&s->probes[part], s->error_estimate);
	}
}

/* Sleep until shortly before the next packet, then look on without sleeping. */
static void wait_due(struct sender *s)
{
	int64_t early = s->plan->spin ? SPIN_NS : 0;
	int64_t left = s->schedule.due.ns - clock_mono().ns - early;
	struct itimerspec t = { .it_value = { .tv_nsec = 1 } };

	if (left <= 0) {
		ev_run(s->loop, EVRUN_NOWAIT);
		return;
	}
	t.it_value.tv_sec = left / TS_NS_PER_S;
	t.it_value.tv_nsec = left % TS_NS_PER_S + 1;
	(void)timerfd_settime(s->timer_fd, 0, &t, NULL);
	ev_run(s->loop, EVRUN_ONCE);
}

static size_t find_largest_reply(const struct sender *s)
{
	size_t octets = 64;

	for (uint32_t i = 0; i < s->probe_count; i++) {
		octets = s->probes[i].reply_octets > octets ? s->probes[i].reply_octets : octets;
	}
	return octets;
}

enum sender_end sender_run(struct sender *s, int control_fd)
{
	s->batch = probe_batch_new(find_largest_reply(s));
	if (!s->batch) {
		return s->verdict;
	}
	look_at_clock(s);
	start_watchers(s, control_fd);
	schedule_start(&s->schedule, clock_mono(), s->probe_count);
	while (!s->over) {
		if (s->closing) {
			ev_run(s->loop, 0);
			continue;
		}
		send_due(s);
		if (schedule_over(&s->schedule)) {
			await_replies(s);
		} else {
			wait_due(s); /* reads before it sends what is late already */
		}
	}
	receive_all(s);
	for (uint32_t i = 0; i < s->probe_count; i++) {
		probe_look_at_drops(&s->probes[i]);
		series_finish(&s->probes[i].series);
	}
	return s->verdict;
}

struct ts_error sender_clock(const struct sender *s)
{
	return s->own_clock;
}

const struct schedule *sender_schedule(const struct sender *s)
{
	return &s->schedule;
}
