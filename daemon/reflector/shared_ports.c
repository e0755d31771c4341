// SPDX-License-Identifier: BSD-2-Clause
#include "base/device.h"
#include "base/endpoint.h"
#include "daemon/reflector/light.h"
#include "daemon/reflector/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

/* --- the thread's side -------------------------------------------------------------------- */

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct shared_port *p = io->data;

	(void)shared_burst(p->worker, p);
}

static void look(struct shared_port *p)
{
	struct counters *t = &p->worker->totals;
	uint32_t now, more;

	if (!sock_read_drops(p->fd, &now)) {
		return;
	}
	more = sock_new_drops(&p->drops_seen, now);
	counters_add(t, COUNTER_RECEIVED, more);
	counters_add(t, COUNTER_DROP_RCVBUF, more);
}

void shared_look(struct worker *w)
{
	for (struct shared_port *p = w->shared ? w->shared->served : NULL; p; p = p->next_served) {
		look(p);
	}
}

static void take_ports(struct worker *w)
{
	struct shared_worker *sw = w->shared;
	struct shared_port *p = atomic_exchange_explicit(&sw->fresh_ports, NULL,
							 memory_order_acquire);

	while (p) {
		struct shared_port *next = p->next_fresh;

		ev_io_init(&p->io, on_readable, p->fd, EV_READ);
		p->io.data = p;
		ev_io_start(w->loop, &p->io);
		p->next_served = sw->served;
		sw->served = p;
		p = next;
	}
}

/* From `gone` on it is the main thread's. */
void shared_serve(struct worker *w)
{
	struct shared_port **at = &w->shared->served;
	bool any = false;

	take_ports(w);
	while (*at) {
		struct shared_port *p = *at;

		if (atomic_load_explicit(&p->wanted, memory_order_relaxed)) {
			at = &p->next_served;
			continue;
		}
		*at = p->next_served;
		ev_io_stop(w->loop, &p->io);
		look(p);
		any = true;
		atomic_store_explicit(&p->gone, true, memory_order_release);
	}
	if (any) {
		ev_async_send(w->reflector->loop, &w->reflector->wakeup);
	}
}

/* --- the main thread's -------------------------------------------------------------------- */

static void give(struct shared_port *p)
{
	struct shared_worker *sw = p->worker->shared;

	p->next_fresh = atomic_load_explicit(&sw->fresh_ports, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&sw->fresh_ports, &p->next_fresh, p,
						      memory_order_release, memory_order_relaxed)) {
	}
	ev_async_send(p->worker->loop, &p->worker->wakeup);
}

struct shared_port *shared_port(const struct reflector *r, uint8_t family, uint16_t port)
{
	struct shared_port *p = r->shared->ports;

	while (p && (p->family != family || p->port != port)) {
		p = p->next;
	}
	return p;
}

bool shared_reads(const struct reflector *r, int fd)
{
	const struct shared_port *p = r->shared->ports;

	while (p && p->fd != fd) {
		p = p->next;
	}
	return p;
}

/* One that was passed to us, and is no Light port. */
static int find_passed(const struct reflector *r, const struct address *any)
{
	for (size_t i = 0; i < r->config.n_light_fds; i++) {
		int fd = r->config.light_fds[i];
		struct address at;

		if (!endpoint_bound(fd, &at) && address_same_port(&at, any) && !device_of(fd) &&
		    !light_reads(r, fd)) {
			return fd;
		}
	}
	return -1;
}

/* Return descriptor or negative errno. */
static int open_socket(const struct reflector *r, struct shared_port *p)
{
	const struct address any = { .family = p->family, .port = p->port };
	bool stamps = !r->config.user_timestamps;
	int fd = find_passed(r, &any), error;

	p->passed = fd >= 0;
	if (p->passed) {
		error = udpsock_adopt_shared(fd, p->family, stamps, &p->buffers);
		return error ? error : fd;
	}
	if (r->config.old) {
		fd = r->config.old(r->config.context, &any, 0);
	}
	return udpsock_open_shared(p->family, p->port, stamps, fd, &p->buffers);
}

static void close_socket(const struct shared_port *p)
{
	if (!p->passed) {
		close(p->fd);
	}
}

int shared_port_open(struct reflector *r, struct worker *w, uint8_t family, uint16_t port,
		     struct shared_port **out)
{
	struct shared_port *p = calloc(1, sizeof(*p)), **end = &r->shared->ports;

	if (!p) {
		return -ENOMEM;
	}
	p->port = port;
	p->family = family;
	p->fd = open_socket(r, p);
	if (p->fd < 0) {
		int error = p->fd;

		free(p);
		return error;
	}
	if (r->phc) {
		sock_ask_hardware(p->fd);
	}
	(void)sock_read_drops(p->fd, &p->drops_seen); /* an old one has some */
	p->worker = w;
	atomic_store_explicit(&p->wanted, true, memory_order_relaxed);
	while (*end) {
		end = &(*end)->next;
	}
	*end = p;
	give(p);
	*out = p;
	return 0;
}

void shared_port_join(struct shared_port *p)
{
	p->sessions++;
	/* Its thread may have let go of it: then it comes back by shared_sweep. */
	atomic_store_explicit(&p->wanted, true, memory_order_relaxed);
}

void shared_port_leave(struct shared_port *p)
{
	p->sessions--;
	if (!p->sessions && !p->permanent) {
		atomic_store_explicit(&p->wanted, false, memory_order_relaxed);
		ev_async_send(p->worker->loop, &p->worker->wakeup);
	}
}

void shared_sweep(struct reflector *r)
{
	struct shared_port **at = &r->shared->ports;

	while (*at) {
		struct shared_port *p = *at;

		if (!atomic_load_explicit(&p->gone, memory_order_acquire)) {
			at = &p->next;
		} else if (atomic_load_explicit(&p->wanted, memory_order_relaxed)) {
			atomic_store_explicit(&p->gone, false, memory_order_relaxed);
			give(p);
			at = &p->next;
		} else {
			*at = p->next;
			close_socket(p);
			free(p);
		}
	}
}

int reflector_shared_fd(const struct reflector *r, unsigned i)
{
	struct shared_port *p = r->shared->ports;

	while (p && i--) {
		p = p->next;
	}
	return p ? p->fd : -1;
}

/* --- the beginning and the end ------------------------------------------------------------ */

static int open_one(struct reflector *r, struct worker *w, uint8_t family, uint16_t port)
{
	struct shared_port *p;
	int error = shared_port_open(r, w, family, port, &p);

	if (error) {
		/* a host without one of them serves the other */
		return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL ? 0 : error;
	}
	p->permanent = true;
	return 0;
}

static int open_permanent(struct reflector *r)
{
	const struct reflector_shared *c = &r->config.shared;
	unsigned serving = c->port ? 1 : r->count;
	int error = 0;

	if (!c->on) {
		return 0;
	}
	if (!c->port && c->port_last - c->port_first + 1 < (int)serving) {
		return -ERANGE;
	}
	for (unsigned i = 0; i < serving && !error; i++) {
		uint16_t port = c->port ? c->port : (uint16_t)(c->port_first + i);

		error = open_one(r, &r->workers[i], 4, port);
		error = error ? error : open_one(r, &r->workers[i], 6, port);
	}
	return error ? error : r->shared->ports ? 0 : -EAFNOSUPPORT;
}

int shared_new(struct reflector *r)
{
	r->shared = calloc(1, sizeof(*r->shared));
	if (!r->shared ||
	    getrandom(r->shared->seed, sizeof(r->shared->seed), 0) != sizeof(r->shared->seed)) {
		return -ENOMEM;
	}
	for (unsigned i = 0; i < r->count; i++) {
		struct shared_worker *sw = calloc(1, sizeof(*sw));

		r->workers[i].shared = sw;
		if (!sw) {
			return -ENOMEM;
		}
		memcpy(sw->seed, r->shared->seed, sizeof(sw->seed));
	}
	return open_permanent(r);
}

void shared_free(struct reflector *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		if (r->workers[i].shared) {
			hashmap_wipe(&r->workers[i].shared->sessions);
			free(r->workers[i].shared);
		}
	}
	while (r->shared && r->shared->ports) {
		struct shared_port *p = r->shared->ports;

		r->shared->ports = p->next;
		close_socket(p);
		free(p);
	}
	if (r->shared) {
		hashmap_wipe(&r->shared->claims);
	}
	free(r->shared);
}
