// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/past.h"

#include "base/sock.h"
#include "daemon/reflector/inside.h"
#include "daemon/reflector/light.h"
#include "daemon/reflector/lightpath.h"

/* But for gauges. */
static void carry_values(struct carry *c, struct counters_values *v)
{
	struct counters_values sums = { 0 };

	if (c->way != CARRY_LOAD) {
		counters_sum(&sums, v);
	}
	counters_carry(c, &sums);
	if (c->way == CARRY_LOAD) {
		*v = sums;
	}
}

static void carry_dwell(struct carry *c, struct reflector *r)
{
	struct dwell_values v = { 0 };

	if (c->way != CARRY_LOAD) {
		reflector_dwell(r, &v);
	}
	CARRY(c, v.n);
	CARRY(c, v.sum_ns);
	if (c->way == CARRY_LOAD && !c->bad) {
		r->past_dwell = v;
	}
}

/* --- Light ports ---------------------------------------------------------------------- */

struct place {
	struct address address;
	uint32_t device;
	bool stamp, stateful;
	struct counters_values sums;
};

static void carry_place(struct carry *c, struct place *p)
{
	CARRY(c, p->address.family);
	CARRY(c, p->address.ip);
	CARRY(c, p->address.port);
	CARRY(c, p->address.scope);
	CARRY(c, p->device);
	p->stamp = carry_small(c, p->stamp, 1);
	p->stateful = carry_small(c, p->stateful, 1);
	carry_values(c, &p->sums);
}

static void save_place(void *context, const struct light_info *info)
{
	struct place p = { .address = info->address,
			   .device = info->device,
			   .stamp = info->stamp,
			   .stateful = info->stateful,
			   .sums = info->sums };

	carry_place(context, &p);
}

static struct light_entry *find(const struct reflector *r, const struct place *p)
{
	for (size_t i = 0; r->light_view && i < r->light_view->n; i++) {
		struct light_entry *e = r->light_view->entries[i];

		if (address_same_port(&e->address, &p->address) && e->device == p->device &&
		    (e->type == SETTINGS_LIGHT_STAMP) == p->stamp && e->stateful == p->stateful) {
			return e;
		}
	}
	return NULL;
}

/* To those of its first thread, which stands still; of a port that is not there any more, to those
 * of ports that have ended. */
static void take_place(struct reflector *r, const struct place *p)
{
	struct light_entry *e = find(r, p);

	if (!e) {
		counters_sum(&r->light_past, &p->sums);
		return;
	}
	party_add(&e->ports[0].party, &p->sums);
}

static void carry_light(struct carry *c, struct reflector *r)
{
	struct counters_values ended = r->light_past;
	uint32_t n = (uint32_t)light_count(r);

	carry_values(c, &ended);
	CARRY(c, n);
	if (c->way != CARRY_LOAD) {
		light_walk(r, save_place, c);
		return;
	}
	if (!c->bad) {
		counters_sum(&r->light_past, &ended);
	}
	for (; n && !c->bad; n--) {
		struct place p = { 0 };

		carry_place(c, &p);
		if (!c->bad) {
			take_place(r, &p);
		}
	}
}

/* --- senders of stateful ports ------------------------------------------------------------ */

/* The @n-th port that knows its senders; NULL = no more. */
static struct light_port *next_port(const struct reflector *r, uint32_t n)
{
	for (size_t i = 0; r->light_view && i < r->light_view->n; i++) {
		struct light_entry *e = r->light_view->entries[i];

		for (unsigned k = 0; k < e->count; k++) {
			if (e->ports[k].table && e->ports[k].fd >= 0 && n-- == 0) {
				return &e->ports[k];
			}
		}
	}
	return NULL;
}

static struct senders *find_table(const struct reflector *r, uint64_t cookie)
{
	const struct light_port *p;

	for (uint32_t n = 0; cookie && (p = next_port(r, n)) != NULL; n++) {
		if (sock_cookie(p->fd) == cookie) {
			return p->table;
		}
	}
	return NULL;
}

/* Whom the kernel leads to a socket it goes on leading there, so its senders go with it. */
static void carry_senders(struct carry *c, struct reflector *r)
{
	uint32_t n = 0;

	while (c->way != CARRY_LOAD && next_port(r, n)) {
		n++;
	}
	CARRY(c, n);
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		struct light_port *p = c->way == CARRY_LOAD ? NULL : next_port(r, i);
		uint64_t cookie = p ? sock_cookie(p->fd) : 0;
		struct carry record = carry_open(c);

		CARRY(&record, cookie);
		senders_carry(&record, p ? p->table : find_table(r, cookie));
		carry_close(c, &record);
	}
}

void past_carry(struct carry *c, struct reflector *r)
{
	struct counters_values totals;

	if (c->way != CARRY_LOAD) {
		reflector_totals(r, &totals);
	}
	carry_values(c, &totals);
	if (c->way == CARRY_LOAD && !c->bad) {
		r->past = totals;
	}
	carry_dwell(c, r);
	carry_light(c, r);
	carry_senders(c, r);
}
