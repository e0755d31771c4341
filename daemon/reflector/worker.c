// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/worker.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "daemon/reflector/estimate.h"
#include "daemon/reflector/lightview.h"
#include "daemon/reflector/reflect.h"
#include "daemon/reflector/shared.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BEAT_S 0.25
#define SLICE_NS 100000 /* the least that Linux grants */
#define BEATS_PER_ESTIMATE 4
#define ORDERS_PER_EVENT 64

/* Packets that arrived in time but were not yet read when a session's time is up are answered
 * first; no longer than this, whatever the clocks say. */
#define STOP_GRACE_NS TS_NS_PER_S

/* worker->lock is held */
static void unlink_order(struct worker *w, struct udp_session *u)
{
	if (!u->orders) {
		return;
	}
	u->orders = 0;
	if (u->prev_order) {
		u->prev_order->next_order = u->next_order;
	} else {
		w->orders = u->next_order;
	}
	if (u->next_order) {
		u->next_order->prev_order = u->prev_order;
	} else {
		w->last_order = u->prev_order;
	}
}

/* worker->lock is held. From here on the main thread may free it at any time. */
static void hand_back(struct worker *w, struct udp_session *u, enum udp_end why)
{
	unlink_order(w, u);
	u->ended = true;
	u->why = why;
	u->next_ended = w->ended;
	w->ended = u;
}

static void finish(struct worker *w, struct udp_session *u, enum udp_end why)
{
	ev_timer_stop(w->loop, &u->timer);
	u->ops->let_go(w, u);
	pthread_mutex_lock(&w->lock);
	hand_back(w, u, why);
	pthread_mutex_unlock(&w->lock);
	ev_async_send(w->reflector->loop, &w->reflector->wakeup);
}

/* Absolute; INT64_MAX = none. */
static int64_t deadline_ns(const struct udp_session *u)
{
	int64_t at;

	if (u->party.hot.stopping) {
		return u->party.hot.stop_at.ns;
	}
	if (u->refwait_ns <= 0 ||
	    __builtin_add_overflow(u->party.hot.last_packet.ns, u->refwait_ns, &at)) {
		return INT64_MAX;
	}
	return at;
}

static void arm(struct worker *w, struct udp_session *u)
{
	int64_t at = deadline_ns(u), now = clock_mono().ns;

	ev_timer_stop(w->loop, &u->timer);
	if (at == INT64_MAX) {
		return;
	}
	ev_now_update(w->loop);
	ev_timer_set(&u->timer, at > now ? (double)(at - now) / 1e9 : 0., 0.);
	ev_timer_start(w->loop, &u->timer);
}

/* Also when a deadline is over: first what still waits in the socket and came before it. */
static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	struct udp_session *u = t->data;
	struct worker *w = u->worker;
	enum reflect_result result = u->ops->burst(w, u);
	int64_t now = clock_mono().ns, at = deadline_ns(u);

	if (now < at ||
	    (u->party.hot.stopping && result == REFLECT_MORE && now - at < STOP_GRACE_NS)) {
		arm(w, u);
		return;
	}
	finish(w, u, u->party.hot.stopping ? UDP_END_TIMEOUT : UDP_END_REFWAIT);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct udp_session *u = io->data;

	if (u->ops->burst(u->worker, u) == REFLECT_LATE) {
		finish(u->worker, u, UDP_END_TIMEOUT);
	}
}

static void start(struct worker *w, struct udp_session *u)
{
	if (!u->party.hot.last_packet.ns) { /* not adopted */
		SHARE(u->party.hot.last_packet.ns, clock_mono().ns);
	}
	ev_timer_init(&u->timer, on_timer, 0., 0.);
	u->timer.data = u;
	u->ops->watch(w, u, on_readable);
	arm(w, u);
}

static void carry_out(struct worker *w, struct udp_session *u, unsigned orders, struct mono stop_at)
{
	shared_take_in(w); /* it may be among them */
	if (orders & WORKER_START) {
		start(w, u);
	}
	if (orders & WORKER_END) {
		finish(w, u, UDP_END_ORDERED);
		return;
	}
	if (orders & WORKER_STOP) {
		if (!u->party.hot.stopping || stop_at.ns < u->party.hot.stop_at.ns) {
			u->party.hot.stop_at = stop_at;
		}
		u->party.hot.stopping = true;
		arm(w, u);
	}
}

static void on_wakeup(struct ev_loop *loop, ev_async *a, int events)
{
	struct worker *w = a->data;

	shared_serve(w);
	shared_take_in(w);
	for (int i = 0; i < ORDERS_PER_EVENT; i++) {
		struct mono stop_at = { 0 };
		struct udp_session *u;
		unsigned orders = 0;
		bool quit;

		pthread_mutex_lock(&w->lock);
		quit = w->quit;
		u = w->orders;
		if (u) {
			orders = u->orders;
			stop_at = u->stop_order;
			unlink_order(w, u);
		}
		pthread_mutex_unlock(&w->lock);
		if (!u) {
			if (quit) {
				ev_break(loop, EVBREAK_ALL);
			}
			return;
		}
		carry_out(w, u, orders, stop_at);
	}
	ev_async_send(loop, a); /* packets first, then the rest */
}

static void on_beat(struct ev_loop *loop, ev_timer *t, int events)
{
	struct worker *w = t->data;

	atomic_store_explicit(&w->beat_ns, clock_mono().ns, memory_order_relaxed);
	if (w->beats++ % BEATS_PER_ESTIMATE == 0) {
		shared_look(w);
		lightview_look(w);
		estimate_read(&w->estimate);
		atomic_store_explicit(&w->synchronized, w->estimate.synchronized,
				      memory_order_relaxed);
	}
}

int worker_init(struct worker *w, struct reflector *r)
{
	w->reflector = r;
	lock_init(&w->lock);
	w->scratch = reflect_scratch_new();
	/* LIBEV_FLAGS of the environment is none of its business */
	w->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!w->scratch || !w->loop) {
		return -ENOMEM;
	}
	ev_async_init(&w->wakeup, on_wakeup);
	w->wakeup.data = w;
	ev_async_start(w->loop, &w->wakeup);
	ev_timer_init(&w->beat, on_beat, BEAT_S, BEAT_S);
	w->beat.data = w;
	ev_timer_start(w->loop, &w->beat);
	on_beat(w->loop, &w->beat, 0);
	return lightview_attach(w);
}

/* struct sched_attr of the kernel, as far as it is needed (sched_setattr(2)). */
struct slice {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

/*
 * A short time slice: who asks for little at a time gets it sooner when he wakes up (Linux 6.12
 * and later; before that it is ignored). The share of the CPU stays the same, and so does what the
 * operator chose for the process: its nice value, and its policy, which has no slice in all cases.
 */
static void be_brief(void)
{
	struct slice s = { .size = sizeof(s) };

	if (syscall(SYS_sched_getattr, 0, &s, sizeof(s), 0) ||
	    (s.policy != SCHED_OTHER && s.policy != SCHED_BATCH)) {
		return;
	}
	s.size = sizeof(s);
	s.runtime_ns = SLICE_NS;
	(void)syscall(SYS_sched_setattr, 0, &s, 0);
}

static void *run(void *arg)
{
	struct worker *w = arg;

	if (!w->reflector->config.priority) { /* else it is about to get SCHED_FIFO */
		be_brief();
	}
	ev_now_update(w->loop);
	ev_run(w->loop, 0);
	return NULL;
}

int worker_run(struct worker *w, unsigned index)
{
	char name[16];
	int error;

	snprintf(name, sizeof(name), "twampd/refl%u", index % 100);
	error = thread_start(&w->thread, name, run, w);
	w->running = !error;
	return error;
}

int worker_bind(struct worker *w, unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return -pthread_setaffinity_np(w->thread, sizeof(set), &set);
}

int worker_prefer(struct worker *w, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	return -pthread_setschedparam(w->thread, SCHED_FIFO, &p);
}

void worker_join(struct worker *w)
{
	if (!w->running) {
		return;
	}
	pthread_mutex_lock(&w->lock);
	w->quit = true;
	pthread_mutex_unlock(&w->lock);
	ev_async_send(w->loop, &w->wakeup);
	pthread_join(w->thread, NULL);
	w->running = w->quit = false;
}

void worker_free(struct worker *w)
{
	lightview_detach(w);
	if (w->loop) {
		ev_loop_destroy(w->loop);
	}
	reflect_scratch_free(w->scratch);
	pthread_mutex_destroy(&w->lock);
}

void worker_order(struct udp_session *u, enum worker_order order, struct mono stop_at)
{
	struct worker *w = u->worker;
	bool fresh = false;

	pthread_mutex_lock(&w->lock);
	if (!u->ended) {
		if (order == WORKER_STOP &&
		    (!(u->orders & WORKER_STOP) || stop_at.ns < u->stop_order.ns)) {
			u->stop_order = stop_at;
		}
		fresh = !u->orders;
		u->orders |= order;
	}
	if (fresh) {
		u->next_order = NULL;
		u->prev_order = w->last_order;
		if (w->last_order) {
			w->last_order->next_order = u;
		} else {
			w->orders = u;
		}
		w->last_order = u;
	}
	pthread_mutex_unlock(&w->lock);
	if (fresh) {
		ev_async_send(w->loop, &w->wakeup);
	}
}

bool worker_bury(struct udp_session *u)
{
	struct worker *w = u->worker;
	bool fresh;

	pthread_mutex_lock(&w->lock);
	fresh = !u->ended;
	if (fresh) {
		hand_back(w, u, UDP_END_ORDERED);
	}
	pthread_mutex_unlock(&w->lock);
	return fresh;
}

struct udp_session *worker_pop_ended(struct worker *w)
{
	struct udp_session *u;

	pthread_mutex_lock(&w->lock);
	u = w->ended;
	if (u) {
		w->ended = u->next_ended;
	}
	pthread_mutex_unlock(&w->lock);
	return u;
}
