// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/census.h"

#include "daemon/reflector/lightpath.h"

#include <string.h>

/* The next port that has a table. False = there is none. */
static bool find_port(const struct light_view *v, struct census_walk *w)
{
	for (; w->entry < v->n; w->entry++, w->thread = 0) {
		const struct light_entry *e = v->entries[w->entry];

		for (; w->thread < e->count; w->thread++) {
			if (e->ports[w->thread].table) {
				return true;
			}
		}
	}
	return false;
}

enum census_result census_ask(struct reflector *r, struct census_walk *w)
{
	const struct light_view *v = r->light_view;
	struct census *c = &r->census;

	if (!v) {
		return CENSUS_END;
	}
	if (!w->begun) {
		w->begun = true;
		w->generation = v->generation;
	}
	if (w->generation != v->generation) {
		return CENSUS_CHANGED;
	}
	if (!find_port(v, w)) {
		return CENSUS_END;
	}
	/* Who gave up may have left a question behind. */
	if (c->held || atomic_load_explicit(&c->asked, memory_order_acquire)) {
		return CENSUS_BUSY;
	}
	c->held = true;
	c->generation = w->generation;
	c->entry = w->entry;
	c->at = w->at;
	atomic_store_explicit(&c->asked, w->thread + 1, memory_order_release);
	ev_async_send(r->workers[w->thread].loop, &r->workers[w->thread].light->wakeup);
	return CENSUS_OK;
}

static void tell(const struct light_entry *e, const struct senders_row *row,
		 void (*each)(void *context, const struct census_sender *s), void *context)
{
	struct census_sender s = { .entry = e->address, .device = e->device, .row = row };

	s.sender.family = s.local.family = e->address.family;
	s.sender.port = row->key.port;
	s.sender.scope = row->key.scope;
	s.local.port = e->address.port;
	memcpy(s.sender.ip, row->key.remote, sizeof s.sender.ip);
	memcpy(s.local.ip, row->key.local, sizeof s.local.ip);
	each(context, &s);
}

enum census_result census_take(struct reflector *r, struct census_walk *w,
			       void (*each)(void *context, const struct census_sender *s),
			       void *context)
{
	struct census *c = &r->census;

	if (atomic_load_explicit(&c->asked, memory_order_acquire)) {
		return CENSUS_BUSY;
	}
	c->held = false;
	if (!c->known || r->light_view->generation != w->generation) {
		return CENSUS_CHANGED;
	}
	for (unsigned i = 0; i < c->n; i++) {
		tell(r->light_view->entries[w->entry], &c->rows[i], each, context);
	}
	w->at = c->at;
	if (c->n < CENSUS_ROWS) {
		w->thread++;
		w->at = 0;
	}
	return CENSUS_OK;
}

void census_drop(struct reflector *r)
{
	r->census.held = false;
}

void census_answer(struct light_worker *lw)
{
	struct census *c = &lw->worker->reflector->census;

	if (atomic_load_explicit(&c->asked, memory_order_acquire) != lw->index + 1) {
		return;
	}
	c->known = lw->view && lw->view->generation == c->generation;
	c->n = c->known ? senders_copy(lw->view->entries[c->entry]->ports[lw->index].table, &c->at,
				       c->rows, CENSUS_ROWS)
			: 0;
	atomic_store_explicit(&c->asked, 0, memory_order_release);
}
