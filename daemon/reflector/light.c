// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/light.h"

#include "base/device.h"
#include "base/endpoint.h"
#include "daemon/reflector/lightsock.h"
#include "daemon/reflector/lightview.h"
#include "daemon/reflector/ownhost.h"
#include "daemon/reflector/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct light_plan {
	const struct light_view *current; /* when it was made */
	struct light_view *view;
};

static void add_entry(struct counters_values *t, const struct light_entry *e)
{
	struct counters_values one;

	for (unsigned i = 0; i < e->count; i++) {
		party_read(&e->ports[i].party, &one);
		counters_sum(t, &one);
	}
}

static struct light_info describe(const struct light_entry *e)
{
	struct light_info info = {
		.address = e->address,
		.device = e->device,
		.stamp = e->type == SETTINGS_LIGHT_STAMP,
		.stateful = e->stateful,
		.passed = e->passed >= 0,
		.absent = e->absent,
	};

	add_entry(&info.sums, e);
	return info;
}

/* --- entries -------------------------------------------------------------------------- */

static void free_entry(struct light_entry *e)
{
	for (unsigned i = 0; i < e->count; i++) {
		if (e->ports[i].fd >= 0 && !e->ports[i].passed) {
			close(e->ports[i].fd);
		}
		senders_free(e->ports[i].table);
	}
	throttle_free(e->throttle);
	free(e);
}

static bool is_taken(const struct light_view *view, int passed)
{
	for (size_t i = 0; view && i < view->n; i++) {
		if (view->entries[i]->passed == passed) {
			return true;
		}
	}
	return false;
}

bool light_reads(const struct reflector *r, int fd)
{
	for (const struct light_view *v = r->light_oldest; v; v = v->next) {
		if (is_taken(v, fd)) {
			return true;
		}
	}
	return false;
}

/* @alone: no socket of ours has the port, so nobody else's may either */
static int open_socket(struct reflector *r, const struct light_entry *e, bool alone)
{
	bool stamps = !r->config.user_timestamps;
	int fd = -1, error;

	if (e->passed >= 0) {
		return lightsock_take(r, e->passed,
				      r->light_view && !is_taken(r->light_view, e->passed));
	}
	if (r->config.old) { /* with what came meanwhile */
		fd = r->config.old(r->config.context, &e->address, e->device);
	}
	if (fd >= 0) {
		error = udpsock_adopt_light(fd, true, stamps, &r->defaults);
		if (error) {
			close(fd);
		}
		return error ? error : fd;
	}
	alone = alone && fd != -EEXIST;
	error = alone ? udpsock_probe_port(&e->address, e->device, e->freebind) : 0;
	if (error) {
		return error;
	}
	fd = udpsock_open_light(&e->address, e->device, e->freebind, stamps);
	if (fd >= 0 && r->phc) {
		sock_ask_hardware(fd);
	}
	return fd;
}

/* The kernel spreads senders over the threads, by chance. */
static uint32_t share_of(uint32_t senders, unsigned threads)
{
	return threads > 1 ? senders / threads + senders / 8 + 1 : senders;
}

static int open_port(struct reflector *r, struct light_entry *e, unsigned i, bool alone)
{
	struct light_port *p = &e->ports[i];
	int error = 0;

	p->owner = r->workers[i].light;
	p->address = e->address;
	p->throttle = e->throttle;
	p->party.total = &e->total;
	p->unverified = &e->unverified;
	p->passed = e->passed >= 0;
	p->fd = -1;
	e->count++;
	if (e->passed >= 0 && (unsigned)e->passed % r->count != i) {
		return 0;
	}
	if (e->stateful) {
		error = senders_new(&p->table, share_of(e->max_senders, r->count));
	}
	if (error) {
		return error;
	}
	p->fd = open_socket(r, e, alone);
	if (p->fd < 0) {
		return p->fd;
	}
	if (e->passed < 0) { /* numbers are in the table of one thread, wherever packets arrive */
		udpsock_steer(p->fd, e->stateful ? -1 : r->workers[i].cpu);
	}
	(void)sock_read_drops(p->fd, &p->drops_seen); /* one that is not new has some */
	return 0;
}

/* What an entry of the settings comes to here. */
struct wish {
	const struct settings_light *l;
	uint32_t device;
	int passed;
	bool alone; /* no socket of ours has the port, so nobody else's may either */
};

static int open_entry(struct reflector *r, const struct wish *w, struct light_entry **out)
{
	size_t octets = sizeof(*out[0]) + r->count * sizeof(out[0]->ports[0]);
	struct light_entry *e = aligned_alloc(_Alignof(struct light_entry), octets);
	int error;

	if (!e) {
		return -ENOMEM;
	}
	memset(e, 0, octets);
	error = throttle_new(&e->throttle);
	e->address = w->l->address;
	e->type = w->l->type;
	e->stateful = w->l->stateful;
	e->mode = w->l->mode;
	e->max_senders = w->l->max_senders;
	e->freebind = w->l->freebind;
	e->device = w->device;
	e->passed = w->passed;
	for (unsigned i = 0; !error && i < r->count; i++) {
		error = open_port(r, e, i, w->alone && !i);
	}
	if (w->l->implied && (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL)) {
		e->absent = true; /* already the first could not be opened */
		for (unsigned i = 0; i < r->count; i++) {
			e->ports[i].fd = -1;
		}
	} else if (error) {
		free_entry(e);
		return error;
	}
	*out = e;
	return 0;
}

static bool is_same(const struct light_entry *e, const struct wish *w)
{
	return address_same_port(&e->address, &w->l->address) && e->device == w->device &&
	       e->passed == w->passed && e->type == w->l->type && e->stateful == w->l->stateful &&
	       e->mode == w->l->mode && (!e->stateful || e->max_senders == w->l->max_senders);
}

static struct light_entry *find(const struct light_view *view, const struct wish *w)
{
	for (size_t i = 0; view && i < view->n; i++) {
		if (is_same(view->entries[i], w)) {
			return view->entries[i];
		}
	}
	return NULL;
}

static bool has(const struct light_view *view, const struct light_entry *e)
{
	for (size_t i = 0; view && i < view->n; i++) {
		if (view->entries[i] == e) {
			return true;
		}
	}
	return false;
}

int light_fd(const struct reflector *r, size_t n)
{
	const struct light_view *v = r->light_view;

	for (size_t i = 0; v && i < v->n; i++) {
		const struct light_entry *e = v->entries[i];

		for (unsigned k = 0; k < e->count && e->passed < 0; k++) {
			if (e->ports[k].fd >= 0 && n-- == 0) {
				return e->ports[k].fd;
			}
		}
	}
	return -1;
}

/* --- views ---------------------------------------------------------------------------- */

static void free_view(struct light_view *v)
{
	free(v->links);
	settings_unref(v->settings);
	free(v);
}

/* Sockets of ours may have the port: also such as are about to be closed. */
static bool is_ours(const struct reflector *r, uint16_t port)
{
	for (const struct light_view *v = r->light_oldest; v; v = v->next) {
		if (v->own[port / 64] >> (port % 64) & 1) {
			return true;
		}
	}
	return false;
}

/* One that is there, or a new one. */
static int get_entry(struct reflector *r, const struct settings *s, const struct settings_light *l,
		     struct light_entry **out)
{
	struct wish w = { .l = l, .alone = !is_ours(r, l->address.port) };
	int error = device_find(l->device, &w.device);

	if (error) {
		return error;
	}
	w.passed = lightsock_find(r, s, l, w.device);
	if (w.passed >= 0 && shared_reads(r, w.passed)) {
		return -EADDRINUSE;
	}
	if (w.passed >= 0) {
		w.device = device_of(w.passed);
	}
	*out = find(r->light_view, &w);
	return *out ? 0 : open_entry(r, &w, out);
}

/* Member links are known by name; a device that is not there comes by nobody. */
static int find_links(struct light_view *v)
{
	const struct settings *s = v->settings;
	bool any = false;

	for (size_t i = 0; i < s->n_light; i++) {
		any |= s->light[i].n_links > 0;
	}
	if (!any) {
		return 0;
	}
	v->links = calloc(s->n_light, sizeof(*v->links));
	for (size_t i = 0; v->links && i < s->n_light; i++) {
		for (size_t k = 0; k < s->light[i].n_links; k++) {
			struct light_link *to = &v->links[i].link[v->links[i].n];

			to->id = s->light[i].links[k].id;
			v->links[i].n += !device_find(s->light[i].links[k].device, &to->device);
		}
	}
	return v->links ? 0 : -ENOMEM;
}

static int fill(struct reflector *r, struct light_view *v, struct settings_listen *fault)
{
	for (size_t i = 0; i < v->settings->n_light; i++) {
		const struct settings_light *l = &v->settings->light[i];
		uint16_t port = l->address.port;
		struct light_entry *e;
		int error = get_entry(r, v->settings, l, &e);

		if (error) {
			fault->address = l->address;
			memcpy(fault->device, l->device, sizeof(fault->device));
			fault->place = l->place;
			return error;
		}
		v->entries[v->n++] = e;
		v->own[port / 64] |= UINT64_C(1) << (port % 64);
	}
	return 0;
}

int light_prepare(struct reflector *r, struct settings *now, struct light_plan **out,
		  struct settings_listen *fault)
{
	struct light_plan *plan = calloc(1, sizeof(*plan));
	struct light_view *v = calloc(1, sizeof(*v) + now->n_light * sizeof(void *));
	int error = -ENOMEM;

	*fault = (struct settings_listen){ .address.family = 4 };
	if (!plan || !v) {
		free(plan);
		free(v);
		return error;
	}
	v->settings = settings_ref(now);
	plan->current = r->light_view;
	plan->view = v;
	error = find_links(v);
	error = error ? error : fill(r, v, fault);
	if (error) {
		light_discard(plan);
		return error;
	}
	*out = plan;
	return 0;
}

void light_discard(struct light_plan *plan)
{
	if (!plan) {
		return;
	}
	for (size_t i = 0; i < plan->view->n; i++) {
		if (!has(plan->current, plan->view->entries[i])) {
			free_entry(plan->view->entries[i]);
		}
	}
	free_view(plan->view);
	free(plan);
}

void light_apply(struct reflector *r, struct light_plan *plan)
{
	struct light_view *v = plan->view;

	free(plan);
	v->generation = r->light_view ? r->light_view->generation + 1 : 1;
	if (r->light_view) {
		r->light_view->next = v;
	} else {
		r->light_oldest = v;
	}
	r->light_view = v;
	for (size_t i = 0; i < v->n; i++) {
		const struct settings_light *l = &v->settings->light[i];

		police_total_set(&v->entries[i]->total, l->total_packet_rate, l->total_octet_rate);
		police_total_set(&v->entries[i]->unverified, l->unverified_rate, 0);
	}
	for (unsigned i = 0; i < r->count; i++) {
		struct light_worker *lw = r->workers[i].light;

		atomic_store_explicit(&lw->posted, v, memory_order_release);
		ev_async_send(r->workers[i].loop, &lw->wakeup);
	}
}

/* No thread looks at @v any more. */
static void retire(struct reflector *r, struct light_view *v)
{
	for (size_t i = 0; i < v->n; i++) {
		struct light_entry *e = v->entries[i];

		if (!has(v->next, e)) {
			struct light_info info;

			for (unsigned k = 0; k < e->count; k++) { /* else its thread did */
				lightview_drops(&e->ports[k]);
			}
			info = describe(e);
			add_entry(&r->light_past, e);
			if (r->config.light_ended && !e->absent) {
				r->config.light_ended(r->config.context, &info);
			}
			free_entry(e);
		}
	}
	free_view(v);
}

static void reap(struct reflector *r)
{
	uint64_t adopted = UINT64_MAX;

	for (unsigned i = 0; i < r->count; i++) {
		uint64_t a = atomic_load_explicit(&r->workers[i].light->adopted,
						  memory_order_acquire);

		adopted = a < adopted ? a : adopted;
	}
	while (r->light_oldest && r->light_oldest->next &&
	       r->light_oldest->next->generation <= adopted) {
		struct light_view *v = r->light_oldest;

		r->light_oldest = v->next;
		retire(r, v);
	}
}

static void on_adopted(struct ev_loop *loop, ev_async *a, int events)
{
	reap(a->data);
}

void light_init(struct reflector *r)
{
	r->hosts = ownhost_new(); /* without memory TLVs know the address that was asked */
	ev_async_init(&r->light_wakeup, on_adopted);
	r->light_wakeup.data = r;
	ev_async_start(r->loop, &r->light_wakeup);
}

void light_wipe(struct reflector *r)
{
	ownhost_free(r->hosts);
	r->hosts = NULL;
	ev_async_stop(r->loop, &r->light_wakeup);
	r->light_view = NULL;
	while (r->light_oldest) {
		struct light_view *v = r->light_oldest;

		r->light_oldest = v->next;
		retire(r, v);
	}
}

/* --- counters ------------------------------------------------------------------------- */

void light_walk(struct reflector *r, void (*each)(void *context, const struct light_info *info),
		void *context)
{
	for (size_t i = 0; r->light_view && i < r->light_view->n; i++) {
		struct light_entry *e = r->light_view->entries[i];
		struct light_info info = describe(e);

		info.fresh = !e->said;
		e->said = true;
		each(context, &info);
	}
}

void light_walk_unused(const struct reflector *r,
		       void (*each)(void *context, const struct address *at, uint32_t device),
		       void *context)
{
	for (size_t i = 0; i < r->config.n_light_fds; i++) {
		int fd = r->config.light_fds[i];
		struct address at;

		/* one of ports.also is for sessions */
		if (!is_taken(r->light_view, fd) && !endpoint_bound(fd, &at) &&
		    !(address_is_any(&at) && portmap_is_reserved(&r->ports, at.port))) {
			each(context, &at, device_of(fd));
		}
	}
}

void light_totals(const struct reflector *r, struct counters_values *t)
{
	*t = r->light_past;
	/* Each entry once: in the last view that has it. */
	for (const struct light_view *v = r->light_oldest; v; v = v->next) {
		for (size_t i = 0; i < v->n; i++) {
			if (!has(v->next, v->entries[i])) {
				add_entry(t, v->entries[i]);
			}
		}
	}
}
