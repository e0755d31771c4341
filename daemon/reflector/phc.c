// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/phc.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/thread.h"
#include "daemon/reflector/estimate.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_PER_SCAN 10
#define READ_TRIES 3

/*
 * A sequence lock without waiting: the number is odd while the rest changes. Loads that acquire
 * and stores that release keep the order, since the race detector knows nothing of fences.
 */
struct slot {
	_Atomic uint32_t number;
	_Atomic unsigned index; /* of the interface; 0 = nobody's */
	_Atomic int64_t phc_ns, offset_ns, rate_ppb, error_ns, measured_ns;
};

struct entry {
	/* under the lock; written by who goes the rounds */
	struct phc_link link; /* index 0 = free */
	int fault; /* negative errno of its clock */

	/* of who goes the rounds */
	bool seen; /* by the scan */
	int fd;
	struct phc_track track;

	struct slot slot; /* for the data path */
};

struct phc {
	struct phc_source source;
	pthread_mutex_t lock;
	pthread_cond_t wakeup;
	pthread_t thread;
	bool running, quit;
	struct entry entries[PHC_LINKS];
};

/* --- clocks --------------------------------------------------------------------------- */

const struct phc_sample *phc_best(const struct phc_sample *samples, int n)
{
	const struct phc_sample *best = NULL;

	for (int i = 0; i < n; i++) {
		const struct phc_sample *s = &samples[i];

		if (s->after_ns < s->before_ns || s->before_ns <= 0 || s->phc_ns <= 0) {
			continue; /* the clock was set meanwhile */
		}
		if (!best || s->after_ns - s->before_ns < best->after_ns - best->before_ns) {
			best = s;
		}
	}
	return best;
}

static int64_t extrapolate(const struct phc_offset *o, int64_t passed_ns)
{
	return o->offset_ns + passed_ns * o->rate_ppb / TS_NS_PER_S;
}

static void begin(struct phc_track *t, const struct phc_offset *first, int64_t half_ns)
{
	t->count = 1;
	t->now = *first;
	t->half_ns = half_ns;
}

/*
 * The rate comes from two comparisons, each off by half of its window at most; a second later
 * that may have added up. By how much the rate itself changes, the last prediction tells.
 */
void phc_follow(struct phc_track *t, const struct phc_sample *best, struct mono now)
{
	int64_t half_ns = (best->after_ns - best->before_ns) / 2 + 1;
	struct phc_offset o = { .phc_ns = best->phc_ns,
				.offset_ns = best->before_ns + half_ns - 1 - best->phc_ns,
				.measured_ns = now.ns };
	int64_t passed_ns = o.phc_ns - t->now.phc_ns, gain_ns, miss_ns;

	gain_ns = o.offset_ns - t->now.offset_ns;
	if (!t->count || passed_ns <= 0 || passed_ns > 2 * PHC_FRESH_NS ||
	    gain_ns > 2 * PHC_FRESH_NS || gain_ns < -2 * PHC_FRESH_NS) {
		begin(t, &o, half_ns);
		return;
	}
	o.rate_ppb = gain_ns * TS_NS_PER_S / passed_ns;
	if (o.rate_ppb > PHC_RATE_PPB || o.rate_ppb < -PHC_RATE_PPB) {
		begin(t, &o, half_ns);
		return;
	}
	miss_ns = o.offset_ns - extrapolate(&t->now, passed_ns);
	o.error_ns = 2 * half_ns + t->half_ns + (miss_ns < 0 ? -miss_ns : miss_ns);
	t->count += t->count < 3;
	t->now = o;
	t->half_ns = half_ns;
}

bool phc_convert(const struct phc_offset *o, int64_t hardware_ns, struct wall software,
		 struct mono now, struct wall *out, int64_t *error_ns)
{
	int64_t age_ns = now.ns - o->measured_ns, passed_ns, wall_ns, before_ns;

	if (age_ns < 0) { /* measured after the burst began */
		age_ns = 0;
	}
	if (age_ns >= PHC_FRESH_NS || __builtin_sub_overflow(hardware_ns, o->phc_ns, &passed_ns) ||
	    passed_ns > 2 * PHC_FRESH_NS || passed_ns < -2 * PHC_FRESH_NS) {
		return false;
	}
	wall_ns = hardware_ns + extrapolate(o, passed_ns);
	*error_ns = o->error_ns * (1 + age_ns / TS_NS_PER_S);
	before_ns = software.ns - wall_ns;
	if (before_ns > PHC_BEFORE_NS || before_ns < -PHC_AFTER_NS - *error_ns) {
		return false;
	}
	/* within what is not sure, the later one cannot be true */
	out->ns = before_ns < 0 ? software.ns : wall_ns;
	return true;
}

/* --- for the data path ---------------------------------------------------------------- */

#define PUT(place, value) atomic_store_explicit(&(place), value, memory_order_release)
#define GET(place) atomic_load_explicit(&(place), memory_order_acquire)

/* @index 0: not to be used */
static void publish(struct slot *s, unsigned index, const struct phc_offset *o)
{
	uint32_t number = atomic_load_explicit(&s->number, memory_order_relaxed);

	PUT(s->number, number + 1);
	PUT(s->index, index);
	PUT(s->phc_ns, o->phc_ns);
	PUT(s->offset_ns, o->offset_ns);
	PUT(s->rate_ppb, o->rate_ppb);
	PUT(s->error_ns, o->error_ns);
	PUT(s->measured_ns, o->measured_ns);
	PUT(s->number, number + 2);
}

static bool peek(const struct slot *s, unsigned *index, struct phc_offset *o)
{
	for (int i = 0; i < READ_TRIES; i++) {
		uint32_t number = GET(s->number);

		*index = GET(s->index);
		o->phc_ns = GET(s->phc_ns);
		o->offset_ns = GET(s->offset_ns);
		o->rate_ppb = GET(s->rate_ppb);
		o->error_ns = GET(s->error_ns);
		o->measured_ns = GET(s->measured_ns);
		if (!(number & 1) && GET(s->number) == number) {
			return true;
		}
	}
	return false; /* its writer was interrupted: do without */
}

enum phc_use phc_improve(const struct phc *p, struct sock_meta *meta, struct mono now)
{
	if (!p || !meta->hardware_ns || !meta->link || !meta->stamped) {
		return PHC_NONE;
	}
	for (int i = 0; i < PHC_LINKS; i++) {
		const struct slot *s = &p->entries[i].slot;
		struct phc_offset o;
		unsigned index;
		struct wall wall;
		int64_t error_ns;

		if (GET(s->index) != meta->link || !peek(s, &index, &o) || index != meta->link) {
			continue;
		}
		if (!phc_convert(&o, meta->hardware_ns, meta->stamp, now, &wall, &error_ns)) {
			return PHC_REFUSED;
		}
		meta->stamp = wall;
		meta->phc_error_ns = error_ns;
		return PHC_USED;
	}
	return PHC_NONE;
}

unsigned phc_ready(const struct phc *p, struct mono now)
{
	unsigned ready = 0;

	for (int i = 0; p && i < PHC_LINKS; i++) {
		struct phc_offset o;
		unsigned index;

		ready += peek(&p->entries[i].slot, &index, &o) && index &&
			 now.ns - o.measured_ns < PHC_FRESH_NS;
	}
	return ready;
}

/* --- rounds --------------------------------------------------------------------------- */

static void let_go(struct phc *p, struct entry *e)
{
	if (e->fd >= 0) {
		p->source.close(p->source.context, e->fd);
	}
	e->fd = -1;
	e->track = (struct phc_track){ 0 };
	publish(&e->slot, 0, &e->track.now);
}

static struct entry *find(struct phc *p, unsigned index)
{
	for (int i = 0; i < PHC_LINKS; i++) {
		if (p->entries[i].link.index == index) {
			return &p->entries[i];
		}
	}
	return NULL;
}

static void adopt(struct phc *p, const struct phc_link *link)
{
	struct entry *e = find(p, link->index);

	if (!e) {
		e = find(p, 0);
	}
	if (!e) {
		return; /* more than PHC_LINKS */
	}
	if (!link->on || e->link.clock != link->clock) {
		let_go(p, e);
	}
	e->seen = true;
	pthread_mutex_lock(&p->lock);
	e->link = *link;
	if (!link->on) {
		e->fault = 0;
	}
	pthread_mutex_unlock(&p->lock);
}

static int scan(struct phc *p)
{
	struct phc_link found[PHC_LINKS];
	int n = p->source.list(p->source.context, found, PHC_LINKS);

	if (n < 0) {
		return n; /* for the moment nobody knows */
	}
	for (int i = 0; i < PHC_LINKS; i++) {
		p->entries[i].seen = false;
	}
	/* those that are known first: they make room for others */
	for (int i = 0; i < n; i++) {
		struct entry *e = find(p, found[i].index);

		if (e) {
			e->seen = true;
		}
	}
	for (int i = 0; i < PHC_LINKS; i++) {
		struct entry *e = &p->entries[i];

		if (e->link.index && !e->seen) {
			let_go(p, e);
			pthread_mutex_lock(&p->lock);
			e->link = (struct phc_link){ 0 };
			e->fault = 0;
			pthread_mutex_unlock(&p->lock);
		}
	}
	for (int i = 0; i < n; i++) {
		adopt(p, &found[i]);
	}
	return n;
}

static int compare(struct phc *p, struct entry *e, struct mono now)
{
	struct phc_sample samples[PHC_SAMPLES];
	const struct phc_sample *best;
	int n;

	if (e->fd < 0) {
		e->fd = p->source.open(p->source.context, e->link.clock);
		if (e->fd < 0) {
			return e->fd;
		}
	}
	n = p->source.read(p->source.context, e->fd, samples, PHC_SAMPLES);
	if (n < 0) {
		return n;
	}
	best = phc_best(samples, n);
	if (!best) {
		return -EAGAIN;
	}
	phc_follow(&e->track, best, now);
	return 0;
}

void phc_round(struct phc *p, bool rescan, struct mono now)
{
	if (rescan) {
		(void)scan(p);
	}
	for (int i = 0; i < PHC_LINKS; i++) {
		struct entry *e = &p->entries[i];
		int error;

		if (!e->link.index || !e->link.on) {
			continue;
		}
		error = compare(p, e, now);
		if (error && error != -EAGAIN) {
			let_go(p, e); /* opened anew in the next round */
		} else if (!error) {
			publish(&e->slot, phc_is_known(&e->track) ? e->link.index : 0,
				&e->track.now);
		}
		pthread_mutex_lock(&p->lock);
		e->fault = error;
		pthread_mutex_unlock(&p->lock);
	}
}

static void *go_rounds(void *arg)
{
	struct phc *p = arg;

	for (unsigned i = 1;; i++) {
		struct timespec until;
		int waited = 0;
		bool quit;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++;
		pthread_mutex_lock(&p->lock);
		while (!p->quit && !waited) {
			waited = pthread_cond_timedwait(&p->wakeup, &p->lock, &until);
		}
		quit = p->quit;
		pthread_mutex_unlock(&p->lock);
		if (quit) {
			return NULL;
		}
		phc_round(p, i % ROUNDS_PER_SCAN == 0, clock_mono());
	}
}

/* --- life ----------------------------------------------------------------------------- */

int phc_new(struct phc **out, const struct phc_source *source)
{
	struct phc *p = calloc(1, sizeof(*p));
	pthread_condattr_t a;
	int n;

	*out = NULL;
	if (!p) {
		return -ENOMEM;
	}
	p->source = *source;
	for (int i = 0; i < PHC_LINKS; i++) {
		p->entries[i].fd = -1;
	}
	lock_init(&p->lock);
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wakeup, &a);
	pthread_condattr_destroy(&a);
	n = scan(p);
	if (n <= 0) {
		phc_free(p);
		return n;
	}
	phc_round(p, false, clock_mono());
	*out = p;
	return 0;
}

int phc_run(struct phc *p)
{
	int error = thread_start(&p->thread, "twampd/phc", go_rounds, p);

	p->running = !error;
	return error;
}

void phc_free(struct phc *p)
{
	if (!p) {
		return;
	}
	if (p->running) {
		pthread_mutex_lock(&p->lock);
		p->quit = true;
		pthread_cond_signal(&p->wakeup);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	for (int i = 0; i < PHC_LINKS; i++) {
		let_go(p, &p->entries[i]);
	}
	pthread_cond_destroy(&p->wakeup);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

unsigned phc_usable(struct phc *p)
{
	unsigned usable = 0;

	if (!p) {
		return 0;
	}
	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < PHC_LINKS; i++) {
		const struct entry *e = &p->entries[i];

		usable += e->link.index && e->link.on && !e->fault;
	}
	pthread_mutex_unlock(&p->lock);
	return usable;
}

void phc_describe(struct phc *p, char *out, size_t size)
{
	size_t used = 0;

	*out = '\0';
	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < PHC_LINKS && used < size; i++) {
		const struct entry *e = &p->entries[i];
		const char *state = !e->link.on		 ? "not switched on"
				    : e->fault		 ? strerror(-e->fault)
				    : GET(e->slot.index) ? "in use"
							 : "its clock is being compared";

		if (e->link.index) {
			used += (size_t)snprintf(out + used, size - used, "%s%s (/dev/ptp%d): %s",
						 used ? ", " : "", e->link.name, e->link.clock,
						 state);
		}
	}
	pthread_mutex_unlock(&p->lock);
}
