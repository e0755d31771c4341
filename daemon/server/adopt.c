// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/adopt.h"

#include "base/clock.h"
#include "base/sock.h"
#include "daemon/control/resume.h"
#include "daemon/server/conn.h"
#include "daemon/server/conns.h"
#include "daemon/server/evict.h"
#include "daemon/server/inherited.h"
#include "daemon/server/session_orders.h"
#include "daemon/server/standing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DETAIL_LEN 160

void adopt_say(struct log *l, enum log_event e, uint32_t connections, uint32_t sessions)
{
	char detail[DETAIL_LEN];

	snprintf(detail, sizeof detail, "%" PRIu32 " connection%s and %" PRIu32 " session%s",
		 connections, connections == 1 ? "" : "s", sessions, sessions == 1 ? "" : "s");
	log_say(l, e, detail);
}

/* --- what goes ------------------------------------------------------------------------ */

static void carry_conn(struct carry *k, struct conn *c)
{
	uint64_t cookie = sock_cookie(c->stream.fd);

	CARRY(k, cookie);
	resume_control(k, &c->control);
	stream_carry(k, &c->stream);
}

static void carry_tallies(struct carry *k, struct conns *cs)
{
	refusals_carry(k, cs->refusals);
	class_use_carry(k, &cs->class_uses, cs->reflector);
}

static void save_conns(struct carry *k, struct conns *cs)
{
	uint32_t n = 0;

	for (const struct conn *c = conns_first(cs); c; c = conns_next(c)) {
		n += conn_at_rest(c);
	}
	CARRY(k, n);
	for (struct conn *c = conns_first(cs); c; c = conns_next(c)) {
		if (conn_at_rest(c)) {
			struct carry record = carry_open(k);

			carry_conn(&record, c);
			session_orders_carry(&record, cs, c);
			carry_close(k, &record);
		}
	}
}

void adopt_save(struct carry *k, void *context)
{
	struct conns *cs = ((const struct adopt *)context)->conns;
	struct carry record;

	(void)carry_small(k, cs->admit.draining ? 1 + cs->drain_light : 0, 2);
	save_conns(k, cs);
	record = carry_open(k);
	session_orders_carry(&record, cs, NULL);
	carry_close(k, &record);
	record = carry_open(k);
	reflector_carry(&record, cs->reflector);
	carry_close(k, &record);
	record = carry_open(k);
	carry_tallies(&record, cs);
	carry_close(k, &record);
}

/* --- taking it up --------------------------------------------------------------------- */

struct taken {
	uint32_t connections, lost;
	struct session_orders_tally sessions;
};

/* A connection as it was saved, that nobody knows yet. NULL = no memory. */
static struct conn *load_conn(const struct adopt *a, struct carry *k)
{
	struct conns *cs = a->conns;
	struct conn *c = calloc(1, sizeof *c);
	uint64_t cookie = 0;

	if (!c) {
		return NULL;
	}
	CARRY(k, cookie);
	stream_init(&c->stream, inherited_socket(a->from, cookie));
	c->control.keyed = vault_take(&cs->keyed);
	resume_control(k, &c->control);
	if (!(c->control.modes & MODE_KEYED_MASK)) {
		vault_give(&cs->keyed, c->control.keyed);
		c->control.keyed = NULL;
	}
	stream_carry(k, &c->stream);
	c->conns = cs;
	c->control.total = &cs->admit;
	return c;
}

static void discard(struct conn *c)
{
	control_wipe(&c->control);
	vault_give(&c->conns->keyed, c->control.keyed);
	stream_close(&c->stream);
	free(c);
}

/* Class and client are found as for any other that comes. */
static struct standing *place(struct conn *c)
{
	struct standing *st = standing_new(c->conns, &c->control.remote);

	if (st && (c->control.modes & MODE_KEYED_MASK) && c->control.state != CONTROL_DERIVING) {
		standing_prove(c->conns, st, c->control.setup.key_id);
	}
	return st;
}

static void enlist(struct conn *c, struct standing *st)
{
	c->standing = standing_ref(st);
	conn_enlist(c);
	if (c->control.counted) {
		c->control.charged = c->control.class;
		admit_connection_resume(&c->conns->admit, c->control.charged, c->control.client);
	}
}

/* Who may not be here any more goes. */
static void resume_conn(struct conn *c)
{
	struct control_in in = { .kind = CONTROL_RESUMED };

	resume_settle(&c->control, clock_mono());
	c->control.barred = standing_judge(c->conns, c);
	evict_sort(c);
	conn_feed(c, &in);
	if (c->control.state == CONTROL_DERIVING && session_orders_derive(c, &in)) {
		conn_feed(c, &in);
	}
	conn_go_on(c);
}

static void take_connection(const struct adopt *a, struct carry *k, struct taken *t)
{
	const struct session_orders_to to = { a->conns, a->from };
	struct conn *c = load_conn(a, k);
	struct standing *st = c && !k->bad ? place(c) : NULL;
	bool lost = !st || c->stream.fd < 0;

	t->connections += !lost;
	t->lost += lost;
	if (c && lost) {
		discard(c);
		c = NULL;
	} else if (c) {
		enlist(c, st);
	}
	if (st) {
		session_orders_adopt(k, &to, st, c, &t->sessions);
		standing_put(a->conns, st);
	}
}

void adopt_go_on(struct conns *cs)
{
	for (struct conn *c = conns_first(cs), *next; c; c = next) {
		next = conns_next(c);
		resume_conn(c);
	}
}

static void say_taken(struct log *l, const struct taken *t)
{
	char detail[DETAIL_LEN];

	if (t->lost || t->sessions.lost) {
		snprintf(detail, sizeof detail,
			 "%" PRIu32 " connections and %" PRIu32
			 " sessions: their sockets or ports are not there any more",
			 t->lost, t->sessions.lost);
		log_say(l, LOG_EVENT_HANDOVER_LOST, detail);
	}
	adopt_say(l, LOG_EVENT_TAKEN_OVER, t->connections, t->sessions.taken);
}

bool adopt_load(struct carry *k, void *context)
{
	struct adopt *a = context;
	const struct session_orders_to to = { a->conns, a->from };
	struct taken t = { 0 };
	struct carry record;
	uint32_t n = 0;
	unsigned drain;
	bool bad;

	drain = carry_small(k, 0, 2);
	a->draining = drain;
	a->drain_light = drain > 1;
	CARRY(k, n);
	for (; n && !k->bad; n--) {
		record = carry_open(k);
		take_connection(a, &record, &t);
		carry_close(k, &record);
	}
	record = carry_open(k);
	session_orders_adopt(&record, &to, NULL, NULL, &t.sessions);
	say_taken(a->conns->log, &t);
	bad = record.bad;
	carry_close(k, &record);
	record = carry_open(k);
	reflector_carry(&record, a->conns->reflector);
	bad |= record.bad;
	carry_close(k, &record);
	record = carry_open(k);
	carry_tallies(&record, a->conns);
	return !k->bad && !record.bad && !bad;
}
