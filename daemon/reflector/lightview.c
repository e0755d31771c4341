// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/lightview.h"

#include "base/localaddr.h"
#include "daemon/reflector/light.h"
#include "daemon/reflector/ownhost.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void lightview_drops(struct light_port *p)
{
	uint32_t now;

	if (p->fd >= 0 && sock_read_drops(p->fd, &now)) {
		party_drop(&p->party, COUNTER_DROP_RCVBUF, sock_new_drops(&p->drops_seen, now));
	}
}

void lightview_look(struct worker *w)
{
	struct light_view *view = w->light ? w->light->view : NULL;

	for (size_t i = 0; view && i < view->n; i++) {
		struct light_port *p = &view->entries[i]->ports[w->light->index];

		lightview_drops(p);
		memset(p->refused, 0, sizeof(p->refused)); /* a route may be another one by now */
	}
}

/* --- views ---------------------------------------------------------------------------- */

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	lightpath_burst(io->data);
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

/* What has arrived is still answered; then the port is free. */
static void stop(struct light_worker *lw, struct light_port *p)
{
	if (p->fd < 0) {
		return;
	}
	lightpath_burst(p);
	lightview_drops(p);
	ev_io_stop(lw->worker->loop, &p->io);
	if (!p->passed) {
		close(p->fd);
	}
	p->fd = -1;
}

static void start(struct light_worker *lw, struct light_port *p)
{
	if (p->fd < 0) {
		return;
	}
	ev_io_init(&p->io, on_readable, p->fd, EV_READ);
	p->io.data = p;
	ev_io_start(lw->worker->loop, &p->io);
}

static void take_view(struct light_worker *lw)
{
	struct light_view *old = lw->view;
	struct light_view *view = atomic_load_explicit(&lw->posted, memory_order_acquire);
	struct reflector *r = lw->worker->reflector;

	if (view == old) {
		return;
	}
	for (size_t i = 0; old && i < old->n; i++) {
		if (!has(view, old->entries[i])) {
			stop(lw, &old->entries[i]->ports[lw->index]);
		}
	}
	lw->view = view;
	for (size_t i = 0; i < view->n; i++) {
		struct light_port *p = &view->entries[i]->ports[lw->index];

		lightpath_obey(p, &view->settings->light[i], view->links ? &view->links[i] : NULL);
		if (!has(old, view->entries[i])) {
			start(lw, p);
		}
	}
	atomic_store_explicit(&lw->adopted, view->generation, memory_order_release);
	ev_async_send(r->loop, &r->light_wakeup);
}

static void on_wakeup(struct ev_loop *loop, ev_async *a, int events)
{
	take_view(a->data);
	census_answer(a->data);
}

/* --- life ------------------------------------------------------------------------------ */

int lightview_attach(struct worker *w)
{
	struct light_worker *lw = calloc(1, sizeof(*lw));

	w->light = lw;
	if (!lw) {
		return -ENOMEM;
	}
	lw->worker = w;
	lw->index = (unsigned)(w - w->reflector->workers);
	ev_async_init(&lw->wakeup, on_wakeup);
	lw->wakeup.data = lw;
	ev_async_start(w->loop, &lw->wakeup);
	return 0;
}

void lightview_detach(struct worker *w)
{
	free(w->light);
	w->light = NULL;
}

size_t light_count(const struct reflector *r)
{
	return r->light_view ? r->light_view->n : 0;
}

void light_drain(struct reflector *r, enum light_drain which)
{
	atomic_store_explicit(&r->draining, which, memory_order_relaxed);
}

void light_strangers(struct reflector *r, void (*each)(void *context, const struct stranger *s),
		     void *context)
{
	struct stranger found[STRANGERS + 1];

	for (unsigned i = 0; i < 2 * r->count; i++) {
		struct light_worker *lw = r->workers[i / 2].light;
		unsigned n = strangers_take(i % 2 ? &lw->forgers : &lw->strangers, found);

		for (unsigned k = 0; k < n; k++) {
			found[k].forged = i % 2;
			each(context, &found[k]);
		}
	}
}

void light_hosts(struct reflector *r, const struct localaddr *addresses)
{
	if (r->hosts) {
		ownhost_begin(r->hosts);
		localaddr_each(addresses, OWNHOST_MAX, ownhost_add, r->hosts);
		ownhost_publish(r->hosts);
	}
}
