// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/session_orders.h"

#include "base/clock.h"
#include "base/sock.h"
#include "daemon/control/resume.h"
#include "daemon/server/conn.h"
#include "daemon/server/conns.h"
#include "daemon/server/ends.h"
#include "daemon/server/host.h"
#include "daemon/server/inherited.h"
#include "daemon/server/report.h"
#include "daemon/server/standing.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

static struct order_session *owner_of(struct session *s)
{
	return (struct order_session *)(void *)s;
}

struct order_session *session_orders_of(struct roll_node *n)
{
	return (struct order_session *)(void *)((char *)n - offsetof(struct order_session, node));
}

/* --- keys ----------------------------------------------------------------------------- */

static bool refuse_key(struct control_in *in, enum reason why)
{
	in->kind = CONTROL_KEY_REFUSED;
	in->reason = why;
	return true;
}

bool session_orders_derive(struct conn *c, struct control_in *in)
{
	const struct control *control = &c->control;
	struct kdf_request r = {
		.settings = c->conns->settings,
		.challenge = control->challenge,
		.salt = control->salt,
		.token = control->setup.token,
		.count = control->count,
	};
	size_t len;
	int rc;

	if (!c->control.keyed) { /* else it was taken over */
		c->control.keyed = vault_take(&c->conns->keyed);
	}
	if (!c->control.keyed) {
		return refuse_key(in, REASON_MEMORY_LOW);
	}
	if (!crypt_key_id_len(control->setup.key_id, &len)) {
		r.key = keys_find(c->conns->settings->keys, control->setup.key_id, len);
	}
	standing_mark(c->conns, control, control->keyed->mark);
	rc = kdf_submit(c->conns->kdf, &r, c, &c->job);
	if (rc == -EAGAIN) {
		return refuse_key(in, REASON_KDF_QUEUE);
	}
	return rc ? refuse_key(in, REASON_MEMORY_LOW) : false;
}

/* What was proved is worth nothing if the keys changed meanwhile: then it is asked again. */
void session_orders_derived(void *owner, const struct crypt_keys *keys, bool known)
{
	struct conn *c = owner;
	struct control_in in = { .kind = CONTROL_KEY_READY, .keys = keys };

	c->job = NULL;
	if (!standing_same_key(c->conns, &c->control)) {
		if (session_orders_derive(c, &in)) {
			conn_feed(c, &in);
			conn_go_on(c);
		}
		return;
	}
	if (!keys) {
		c->standing->client->auth_failed++;
		report_auth_failed(c->conns->log, &c->control, known);
		refuse_key(&in, REASON_AUTH_FAILED);
	} else {
		standing_prove(c->conns, c->standing, c->control.setup.key_id);
	}
	if (keys && getrandom(in.random, sizeof in.random, 0) != sizeof in.random) {
		refuse_key(&in, REASON_INTERNAL);
	}
	conn_feed(c, &in);
	conn_go_on(c);
}

/* --- sessions ------------------------------------------------------------------------- */

/* With memory for its place. */
static struct order_session *new_session(struct conns *cs)
{
	struct order_session *o = calloc(1, sizeof *o);

	if (o) {
		o->conns = cs;
		o->place = place_new(&cs->places);
	}
	if (o && !o->place) {
		free(o);
		o = NULL;
	}
	return o;
}

static void take_place(struct order_session *o)
{
	const struct session *s = &o->session;

	o->place = place_take(&o->conns->places, o->place, &s->spec.local, s->port, s->spec.device);
}

/*
 * A session on a shared port that is stopped, of the same client and with the same addresses: it
 * makes room. Clients that begin anew from the same port do not wait for the Timeout of the last
 * test. False if there is none.
 */
static bool end_rival(const struct conn *c, const struct session_spec *spec)
{
	const struct reflector *r = c->conns->reflector;

	for (struct udp_session *u = NULL; (u = udp_rival(r, spec, u));) {
		const struct order_session *other = udp_owner(u);

		if (other->session.state == SESSION_STOPPING &&
		    address_same_host(&other->standing->peer, &c->control.remote)) {
			udp_end(u);
			return true;
		}
	}
	return false;
}

static int try_port(struct conn *c, struct order_session *o)
{
	const struct policy *p = standing_policy(c);

	return udp_open(c->conns->reflector, &o->session.spec, p->port_first, p->port_last, o,
			&o->udp, &o->session.port);
}

static int open_port(struct conn *c, struct order_session *o)
{
	int error = try_port(c, o);

	return error == -EEXIST && end_rival(c, &o->session.spec) ? try_port(c, o) : error;
}

/*
 * One packet between two of our own sessions would go to and fro for ever. In a VRF an address of
 * ours may be somebody else's. Who has a connection from there has shown it to be so; else it
 * counts as ours, for routes may lead from one VRF to another.
 */
static bool is_loop(const struct conn *opener, const struct address *remote)
{
	bool shown = address_same_host(remote, &opener->control.remote);

	return place_is_taken(&opener->conns->places, remote, shown ? &opener->device : NULL);
}

void session_orders_open(struct conn *c, struct control_in *in)
{
	const struct session_spec *spec = control_spec(&c->control);
	struct order_session *o;

	in->kind = CONTROL_PORT_REFUSED;
	in->wall = clock_wall();
	in->error = 0;
	in->reason = REASON_INTERNAL;
	if (getrandom(in->random, sizeof in->random, 0) != sizeof in->random) {
		return;
	}
	in->reason = REASON_ADDRESS_NOT_LOCAL;
	if (!address_same_host(&spec->local, &c->control.local) &&
	    !host_has(&c->conns->host, &spec->local, c->device)) {
		return;
	}
	in->reason = REASON_LOOP;
	if (is_loop(c, &spec->remote)) {
		return;
	}
	o = new_session(c->conns);
	in->error = -ENOMEM;
	if (!o) {
		return;
	}
	o->session.spec = *spec;
	o->session.spec.device = c->device;
	o->conn = c;
	in->error = open_port(c, o);
	if (in->error) {
		place_drop(o->place);
		free(o);
		return;
	}
	take_place(o);
	udp_police(o->udp, &c->standing->use->police);
	udp_class(o->udp, class_use_sums(c->standing->use, c->conns->reflector));
	o->standing = standing_ref(c->standing);
	o->standing->sessions++;
	roll_add(&c->conns->sessions, &o->node);
	in->kind = CONTROL_PORT_READY;
	in->session = &o->session;
}

void session_orders_carry_out(struct conn *c)
{
	enum session_todo todo;
	struct session *s;

	while ((s = control_next_todo(&c->control, &todo))) {
		struct udp_session *udp = owner_of(s)->udp;

		switch (todo) {
		case SESSION_TODO_START:
			s->start_error = udp_start(
				udp, c->control.keyed ? &c->control.keyed->keys : NULL, s->sid);
			break;
		case SESSION_TODO_STOP:
			udp_stop(udp, s->spec.timeout_ns);
			break;
		case SESSION_TODO_END:
			udp_end(udp);
			break;
		case SESSION_TODO_FREE:
			free(owner_of(s));
			break;
		case SESSION_TODO_NONE:
			break;
		}
	}
}

void session_orders_forget(struct conn *c)
{
	for (struct session *s = c->control.first, *next; s; s = next) {
		next = s->next;
		owner_of(s)->conn = NULL;
		if (s->kept) {
			free(owner_of(s));
		}
	}
	if (c->job) {
		kdf_cancel(c->job);
	}
}

void session_orders_recount(struct conns *cs)
{
	struct udp_session *u = NULL;

	while ((u = udp_next(cs->reflector, u))) {
		const struct order_session *o = udp_owner(u);

		/* Who is in no class any more keeps the rates that there were. */
		if (o->standing->class) {
			udp_police(u, &o->standing->use->police);
			udp_class(u, class_use_sums(o->standing->use, cs->reflector));
		}
	}
}

void session_orders_session_ended(struct conns *cs, void *owner, enum udp_end why,
				  const struct counters_values *counters)
{
	struct order_session *o = owner;
	struct control_in in = { .kind = CONTROL_SESSION_ENDED, .session = &o->session };
	struct forward forward;

	if (why != UDP_END_HANDED_OVER) {
		udp_forward(o->udp, &forward);
		ends_add(cs->ends, &o->standing->peer, &o->session, o->standing->use->name, why,
			 counters, &forward);
	}
	roll_remove(&cs->sessions, &o->node);
	standing_end_session(cs, o->standing);
	standing_put(cs, o->standing);
	o->standing = NULL;
	place_leave(&cs->places, o->place);
	o->place = NULL;
	o->udp = NULL;
	if (o->conn) { /* not when it was handed over */
		conn_feed(o->conn, &in);
	}
	if (!o->session.kept) {
		free(o);
	}
}

/* --- for the next process ------------------------------------------------------------- */

struct past {
	uint64_t cookie; /* of the socket; 0 on a shared port */
	bool live; /* it has not ended */
};

static void carry_session(struct carry *k, struct order_session *o, struct past *p)
{
	p->live = carry_small(k, p->live, 1);
	CARRY(k, p->cookie);
	resume_session(k, &o->session);
	for (int i = 0; i < WATCH_LIMITS; i++) { /* what is told stays told */
		o->watch.raised[i] = carry_small(k, o->watch.raised[i], 1);
	}
}

static void save_session(struct carry *k, struct order_session *o)
{
	struct past p = { .live = o->udp };

	if (o->udp && udp_fd(o->udp) >= 0) {
		p.cookie = sock_cookie(udp_fd(o->udp));
	}
	carry_session(k, o, &p);
	if (o->udp) {
		udp_carry(k, o->udp);
	}
}

/* Its connection is gone, or will not come along. */
static bool is_orphan(const struct udp_session *u)
{
	const struct order_session *o = udp_owner(u);

	return !o->conn || !conn_at_rest(o->conn);
}

static uint32_t count_orphans(const struct conns *cs)
{
	struct udp_session *u = NULL;
	uint32_t n = 0;

	while ((u = udp_next(cs->reflector, u))) {
		n += is_orphan(u);
	}
	return n;
}

static void carry_standing(struct carry *k, struct address *peer,
			   uint8_t key_id[static CRYPT_KEY_ID_LEN])
{
	resume_address(k, peer);
	carry(k, key_id, CRYPT_KEY_ID_LEN);
}

static void save_orphan(struct carry *k, struct order_session *o)
{
	carry_standing(k, &o->standing->peer, o->standing->key_id);
	save_session(k, o);
}

void session_orders_carry(struct carry *k, const struct conns *cs, const struct conn *c)
{
	uint32_t n = c ? c->control.sessions : count_orphans(cs);
	struct udp_session *u = NULL;
	struct carry record;

	CARRY(k, n);
	for (struct session *i = c ? c->control.first : NULL; i; i = i->next) {
		record = carry_open(k);
		save_session(&record, owner_of(i));
		carry_close(k, &record);
	}
	while (!c && (u = udp_next(cs->reflector, u))) {
		if (is_orphan(u)) {
			record = carry_open(k);
			save_orphan(&record, udp_owner(u));
			carry_close(k, &record);
		}
	}
}

/* Its socket and its places. */
static bool adopt(struct carry *k, struct order_session *o, struct inherited *from,
		  struct standing *st, const struct past *p)
{
	struct conns *cs = o->conns;
	int fd = p->cookie ? inherited_socket(from, p->cookie) : -1;

	if (p->cookie && fd < 0) {
		return false;
	}
	if (udp_adopt(cs->reflector, &o->session.spec, o->session.port, fd, k, o, &st->use->police,
		      &o->udp) < 0) {
		return false;
	}
	take_place(o);
	udp_class(o->udp, class_use_sums(st->use, cs->reflector));
	o->standing = standing_ref(st);
	standing_resume_session(cs, st);
	roll_add(&cs->sessions, &o->node);
	return true;
}

/* with its connection a session ends, but for one that is stopping. */
static void settle(struct order_session *o, struct conn *c, struct session_orders_tally *t)
{
	if (c) {
		resume_link(&c->control, &o->session);
	} else if (!o->udp) {
		free(o);
		return;
	} else if (o->session.state != SESSION_STOPPING) {
		udp_end(o->udp);
		return;
	}
	t->taken++;
}

static void restore_session(struct carry *k, const struct session_orders_to *to,
			    struct standing *st, struct conn *c, struct session_orders_tally *t)
{
	struct order_session *o = new_session(to->conns);
	struct past p = { 0 };

	if (!o) {
		t->lost++;
		return;
	}
	o->conn = c;
	carry_session(k, o, &p);
	if (k->bad || (p.live && !adopt(k, o, to->from, st, &p))) {
		place_drop(o->place);
		free(o);
		t->lost++;
		return;
	}
	if (!p.live) {
		place_drop(o->place);
		o->place = NULL;
	}
	settle(o, c, t);
}

static void restore_orphan(struct carry *k, const struct session_orders_to *to,
			   struct session_orders_tally *t)
{
	uint8_t key_id[CRYPT_KEY_ID_LEN];
	struct address peer = { 0 };
	struct standing *st;

	carry_standing(k, &peer, key_id);
	st = k->bad ? NULL : standing_new(to->conns, &peer);
	if (!st) {
		t->lost++;
		return;
	}
	standing_prove(to->conns, st, key_id);
	restore_session(k, to, st, NULL, t);
	standing_put(to->conns, st);
}

void session_orders_adopt(struct carry *k, const struct session_orders_to *to, struct standing *st,
			  struct conn *c, struct session_orders_tally *t)
{
	uint32_t n = 0;

	CARRY(k, n);
	for (; n && !k->bad; n--) {
		struct carry record = carry_open(k);

		if (st) {
			restore_session(&record, to, st, c, t);
		} else {
			restore_orphan(&record, to, t);
		}
		carry_close(k, &record);
	}
}
