// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/reflector.h"

#include "base/clock.h"
#include "daemon/reflector/estimate.h"
#include "daemon/reflector/nic.h"
#include "daemon/reflector/phc.h"
#include "daemon/reflector/reflect.h"
#include "daemon/reflector/shared.h"
#include "daemon/reflector/worker.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define THREADS_MAX 64
#define ENDS_PER_EVENT 64

static void report(struct reflector *r, struct udp_session *u)
{
	struct counters_values final = { 0 };

	if (u->prev) {
		u->prev->next = u->next;
	} else {
		r->sessions = u->next;
	}
	if (u->next) {
		u->next->prev = u->prev;
	}
	udp_release(u);
	udp_read(u, &final);
	r->config.ended(r->config.context, u->owner, u->why, &final);
	udp_free(u);
}

/* False if there may be more. */
static bool report_some(struct reflector *r, int most)
{
	for (unsigned i = 0; i < r->count; i++) {
		struct udp_session *u;

		while ((u = worker_pop_ended(&r->workers[i]))) {
			report(r, u);
			if (--most == 0) {
				return false;
			}
		}
	}
	return true;
}

static void on_wakeup(struct ev_loop *loop, ev_async *a, int events)
{
	shared_sweep(a->data);
	if (!report_some(a->data, ENDS_PER_EVENT)) {
		ev_async_send(loop, a);
	}
}

static unsigned count_threads(const struct reflector_config *config)
{
	unsigned wanted = config->threads;
	cpu_set_t set = config->cpus;

	if (!wanted && CPU_COUNT(&set)) {
		wanted = (unsigned)CPU_COUNT(&set);
	} else if (!wanted) {
		CPU_ZERO(&set);
		wanted = sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned)CPU_COUNT(&set);
	}
	return wanted < 1 ? 1 : wanted > THREADS_MAX ? THREADS_MAX : wanted;
}

/* The CPU after @cpu, or the first one again; @cpus are not empty. */
static unsigned next_cpu(const cpu_set_t *cpus, unsigned cpu)
{
	do {
		cpu = (cpu + 1) % CPU_SETSIZE;
	} while (!CPU_ISSET(cpu, cpus));
	return cpu;
}

/* Nothing to fail for: the first error is kept, the threads run as they are. */
static void place_workers(struct reflector *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		int error = 0;

		if (r->workers[i].cpu >= 0) {
			error = worker_bind(&r->workers[i], (unsigned)r->workers[i].cpu);
		}
		r->faults.cpus = r->faults.cpus ? r->faults.cpus : error;
		error = r->config.priority ? worker_prefer(&r->workers[i], r->config.priority) : 0;
		r->faults.priority = r->faults.priority ? r->faults.priority : error;
	}
}

static int start_workers(struct reflector *r, unsigned count)
{
	unsigned cpu = CPU_SETSIZE - 1;
	int error = 0;
	unsigned i;

	r->workers = calloc(count, sizeof(*r->workers));
	if (!r->workers) {
		return -ENOMEM;
	}
	for (i = 0; i < count && !error; i++) {
		r->count++;
		r->workers[i].cpu = -1;
		if (CPU_COUNT(&r->config.cpus)) {
			cpu = next_cpu(&r->config.cpus, cpu);
			r->workers[i].cpu = (int)cpu;
		}
		error = worker_init(&r->workers[i], r);
	}
	error = error ? error : shared_new(r);
	return error;
}

/* Without a card that stamps the kernel's stamps are used: not an error. */
static int start_phc(struct reflector *r)
{
	struct phc_source source = r->config.cards ? *r->config.cards : nic_source();
	int error;

	if (!r->config.hardware_timestamps || !r->kernel_stamps) {
		return 0;
	}
	error = phc_new(&r->phc, &source);
	if (error == -ENOMEM || !r->phc) {
		return error == -ENOMEM ? error : 0;
	}
	return phc_run(r->phc);
}

int reflector_new(struct reflector **out, struct ev_loop *loop,
		  const struct reflector_config *config)
{
	struct reflector *r = calloc(1, sizeof(*r));
	uint16_t seed = 0;
	int error;

	if (!r) {
		return -ENOMEM;
	}
	r->loop = loop;
	r->config = *config;
	r->vault = vault_of(sizeof(struct crypt_test));
	ev_async_init(&r->wakeup, on_wakeup);
	r->wakeup.data = r;
	ev_async_start(loop, &r->wakeup);
	light_init(r);
	/* Not a secret: it only makes a restarted server begin elsewhere. */
	(void)!getrandom(&seed, sizeof(seed), GRND_NONBLOCK);
	portmap_init(&r->ports, seed);
	r->keeper = udpsock_keeper(!config->user_timestamps, &r->defaults);
	error = r->keeper < 0 ? r->keeper : 0;
	if (!error) {
		r->kernel_stamps = !config->user_timestamps && sock_prove_stamps();
		error = start_phc(r);
		error = error ? error : start_workers(r, count_threads(config));
	}
	r->halted = true;
	if (!error && !config->halted) {
		error = reflector_go_on(r);
	}
	if (error) {
		reflector_free(r);
		return error;
	}
	*out = r;
	return 0;
}

static void let_go(struct reflector *r)
{
	while (r->sessions) {
		struct udp_session *u = r->sessions;

		if (udp_fd(u) >= 0) {
			close(udp_fd(u));
		}
		u->why = UDP_END_HANDED_OVER;
		report(r, u);
	}
}

void reflector_free(struct reflector *r)
{
	if (!r) {
		return;
	}
	if (r->halted) {
		let_go(r);
	}
	for (struct udp_session *u = r->sessions; u; u = u->next) {
		udp_end(u);
	}
	for (unsigned i = 0; i < r->count; i++) {
		worker_join(&r->workers[i]);
	}
	while (!report_some(r, ENDS_PER_EVENT)) {
	}
	light_wipe(r);
	for (unsigned i = 0; i < r->count; i++) {
		worker_free(&r->workers[i]);
	}
	phc_free(r->phc);
	shared_free(r);
	ev_async_stop(r->loop, &r->wakeup);
	if (r->keeper >= 0) {
		close(r->keeper);
	}
	free(r->workers);
	free(r);
}

void reflector_halt(struct reflector *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		worker_join(&r->workers[i]);
		r->workers[i].cpu_at_ns = 0;
	}
	while (!report_some(r, ENDS_PER_EVENT)) {
	}
	r->halted = true;
}

int reflector_go_on(struct reflector *r)
{
	int error = 0;

	for (unsigned i = 0; i < r->count && !error; i++) {
		error = worker_run(&r->workers[i], i);
	}
	r->halted = error;
	if (!error) {
		place_workers(r);
	}
	return error;
}

void reflector_segment(struct reflector *r, bool on)
{
	for (unsigned i = 0; i < r->count; i++) {
		atomic_store_explicit(&r->workers[i].unsegmented, !on, memory_order_relaxed);
	}
}

void reflector_totals(const struct reflector *r, struct counters_values *t)
{
	struct counters_values one;

	*t = r->past;
	for (unsigned i = 0; i < r->count; i++) {
		counters_read(&r->workers[i].totals, &one);
		counters_sum(t, &one);
	}
	t->n[COUNTER_RECEIVED] += r->early;
	t->n[COUNTER_DROP_EARLY] += r->early;
	t->n[COUNTER_SESSIONS] = r->open;
	t->n[COUNTER_HARDWARE_READY] = phc_ready(r->phc, clock_mono());
}

void reflector_dwell(const struct reflector *r, struct dwell_values *out)
{
	*out = r->past_dwell;
	for (unsigned i = 0; i < r->count; i++) {
		dwell_sum(out, reflect_dwell(r->workers[i].scratch));
	}
}

struct class_sums *reflector_class(const struct reflector *r)
{
	return class_sums_new(r->count);
}

bool reflector_kernel_timestamps(const struct reflector *r)
{
	return r->kernel_stamps;
}

unsigned reflector_hardware(const struct reflector *r, char *text, size_t size)
{
	*text = '\0';
	if (r->phc) {
		phc_describe(r->phc, text, size);
	}
	return phc_usable(r->phc);
}

struct reflector_faults reflector_faults(const struct reflector *r)
{
	return r->faults;
}

bool reflector_synchronized(const struct reflector *r)
{
	return atomic_load_explicit(&r->workers[0].synchronized, memory_order_relaxed);
}

double reflector_lag_s(const struct reflector *r)
{
	int64_t now = clock_mono().ns, oldest = now;

	for (unsigned i = 0; i < r->count; i++) {
		int64_t beat = atomic_load_explicit(&r->workers[i].beat_ns, memory_order_relaxed);

		oldest = beat < oldest ? beat : oldest;
	}
	return (double)(now - oldest) / 1e9;
}

/* False if the thread does not run. */
static bool read_cpu(const struct worker *w, int64_t *ns)
{
	struct timespec t;
	clockid_t clock;

	if (!w->running || pthread_getcpuclockid(w->thread, &clock) || clock_gettime(clock, &t)) {
		return false;
	}
	*ns = (int64_t)t.tv_sec * TS_NS_PER_S + t.tv_nsec;
	return true;
}

unsigned reflector_cpu(const struct reflector *r, double *seconds, unsigned most)
{
	unsigned n = r->count < most ? r->count : most;

	for (unsigned i = 0; i < n; i++) {
		int64_t ns = 0;

		(void)read_cpu(&r->workers[i], &ns);
		seconds[i] = (double)ns / 1e9;
	}
	return n;
}

uint32_t reflector_ports(const struct reflector *r)
{
	return port_count(&r->ports);
}

/* Percent of a CPU since the last call, and the new mark. */
static double measure_busy(struct worker *w, int64_t now)
{
	int64_t cpu, spent, passed = now - w->cpu_at_ns;

	if (!read_cpu(w, &cpu)) {
		return -1;
	}
	spent = cpu - w->cpu_ns;
	w->cpu_ns = cpu;
	if (!w->cpu_at_ns || passed <= 0) {
		w->cpu_at_ns = now;
		return -1;
	}
	w->cpu_at_ns = now;
	return 100. * (double)spent / (double)passed;
}

double reflector_busy(struct reflector *r)
{
	int64_t now = clock_mono().ns;
	double most = -1;

	for (unsigned i = 0; i < r->count; i++) {
		double busy = measure_busy(&r->workers[i], now);

		most = busy > most ? busy : most;
	}
	return most;
}
