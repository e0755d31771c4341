// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/orders.h"

#include "daemon/control/resume.h"
#include "daemon/server/conn.h"
#include "daemon/server/ends.h"
#include "daemon/server/host.h"
#include "daemon/server/report.h"
#include "daemon/server/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

struct order_session {
	struct session session; /* first: control hands out pointers to it */
	struct server *server;
	struct conn *conn; /* NULL when that is gone */
	struct client *client;
	struct admit_class *class; /* that it is counted in */
	struct udp_session *udp;
	struct place *place; /* while there is udp */
	struct address peer; /* of the control connection */
};

static struct order_session *owner_of(struct session *s)
{
	return (struct order_session *)(void *)s;
}

/* --- keys ----------------------------------------------------------------------------- */

static bool refuse_key(struct control_in *in, enum reason why)
{
	in->kind = CONTROL_KEY_REFUSED;
	in->reason = why;
	return true;
}

bool orders_derive(struct conn *c, struct control_in *in)
{
	const struct control *control = &c->control;
	struct kdf_request r = {
		.settings = c->settings,
		.challenge = control->challenge,
		.salt = control->salt,
		.token = control->setup.token,
		.count = control->count,
	};
	size_t len;
	int rc;

	if (!c->control.keyed) { /* else it was taken over */
		c->control.keyed = vault_take(&c->server->keyed);
	}
	if (!c->control.keyed) {
		return refuse_key(in, REASON_MEMORY_LOW);
	}
	if (!crypt_key_id_len(control->setup.key_id, &len)) {
		r.key = keys_find(c->settings->keys, control->setup.key_id, len);
	}
	rc = kdf_submit(c->server->kdf, &r, c, &c->job);
	if (rc == -EAGAIN) {
		return refuse_key(in, REASON_KDF_QUEUE);
	}
	return rc ? refuse_key(in, REASON_MEMORY_LOW) : false;
}

void orders_derived(void *owner, const struct crypt_keys *keys, bool known)
{
	struct conn *c = owner;
	struct control_in in = { .kind = CONTROL_KEY_READY, .keys = keys };
	enum reason why = keys ? conn_choose_class(c) : REASON_AUTH_FAILED;

	c->job = NULL;
	if (!keys) {
		report_auth_failed(c->server->log, &c->control, known);
	}
	if (why != REASON_OK) {
		refuse_key(&in, why);
	} else if (getrandom(in.random, sizeof in.random, 0) != sizeof in.random) {
		refuse_key(&in, REASON_INTERNAL);
	}
	conn_feed(c, &in);
	conn_go_on(c);
}

/* --- sessions ------------------------------------------------------------------------- */

/* With memory for its place. */
static struct order_session *new_session(struct server *s)
{
	struct order_session *o = calloc(1, sizeof *o);

	if (o) {
		o->server = s;
		o->place = place_new(&s->places);
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

	o->place = place_take(&o->server->places, o->place, &s->spec.local, s->port,
			      s->spec.device);
}

static int open_port(struct conn *c, struct order_session *o)
{
	const struct policy *p = conn_policy(c);

	return udp_open(c->server->reflector, &o->session.spec, p->port_first, p->port_last, o,
			&o->udp, &o->session.port);
}

/*
 * One packet between two of our own sessions would go to and fro for ever. In a VRF an address of
 * ours may be somebody else's. Who has a connection from there has shown it to be so; else it
 * counts as ours, for routes may lead from one VRF to another.
 */
static bool is_loop(const struct conn *opener, const struct address *remote)
{
	bool shown = address_same_host(remote, &opener->control.remote);

	return place_is_taken(&opener->server->places, remote, shown ? &opener->device : NULL);
}

void orders_open(struct conn *c, struct control_in *in)
{
	const struct session_spec *spec = control_spec(&c->control);
	struct order_session *o;

	in->kind = CONTROL_PORT_REFUSED;
	in->wall = server_wall();
	in->error = 0;
	in->reason = REASON_INTERNAL;
	if (getrandom(in->random, sizeof in->random, 0) != sizeof in->random) {
		return;
	}
	in->reason = REASON_ADDRESS_NOT_LOCAL;
	if (!address_same_host(&spec->local, &c->control.local) &&
	    !host_has(&c->server->host, &spec->local, c->device)) {
		return;
	}
	in->reason = REASON_LOOP;
	if (is_loop(c, &spec->remote)) {
		return;
	}
	o = new_session(c->server);
	in->error = -ENOMEM;
	if (!o) {
		return;
	}
	o->session.spec = *spec;
	o->session.spec.device = c->device;
	o->conn = c;
	o->peer = c->control.remote;
	in->error = open_port(c, o);
	if (in->error) {
		place_drop(o->place);
		free(o);
		return;
	}
	take_place(o);
	udp_police(o->udp, c->usage ? &c->usage->police : NULL);
	o->client = clients_ref(c->client);
	o->class = c->control.class;
	in->kind = CONTROL_PORT_READY;
	in->session = &o->session;
}

void orders_carry_out(struct conn *c)
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

void orders_forget(struct conn *c)
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

static const char *class_name(const struct server *s, const struct admit_class *class)
{
	const struct usage *u = s->usages;

	while (u && &u->admit != class) {
		u = u->next;
	}
	return u ? u->name : "";
}

void orders_session_ended(void *context, void *owner, enum udp_end why,
			  const struct udp_counters *counters)
{
	struct server *s = context;
	struct order_session *o = owner;
	struct control_in in = { .kind = CONTROL_SESSION_ENDED, .session = &o->session };

	if (why != UDP_END_HANDED_OVER) {
		ends_add(s->ends, &o->peer, &o->session, class_name(s, o->class), why, counters);
	}
	admit_session_end(&s->admit, o->class, &o->client->admit);
	clients_put(s->clients, o->client);
	place_leave(&s->places, o->place);
	o->place = NULL;
	o->udp = NULL;
	if (o->conn) { /* not when it was handed over */
		conn_feed(o->conn, &in);
	}
	if (!o->session.kept) {
		free(o);
	}
}

static void recount_conn(struct conn *c, struct mono now)
{
	struct client *client = clients_get(c->server->clients, &c->control.remote, now);

	if (client) { /* else it stays where it is */
		c->client->admit.connections -= c->control.counted;
		client->admit.connections += c->control.counted;
		clients_put(c->server->clients, c->client);
		c->client = client;
		c->control.client = &client->admit;
	}
}

void orders_recount(struct server *s)
{
	struct mono now = server_mono();
	struct udp_session *u = NULL;

	for (struct conn *c = s->conns; c; c = c->next) {
		recount_conn(c, now);
	}
	while ((u = udp_next(s->reflector, u))) {
		struct order_session *o = udp_owner(u);
		struct client *client = clients_get(s->clients, &o->peer, now);

		if (client) {
			o->client->admit.sessions--;
			client->admit.sessions++;
			clients_put(s->clients, o->client);
			o->client = client;
		}
	}
}

/* --- for the next process ------------------------------------------------------------- */

struct past {
	char class[SETTINGS_CLASS_NAME_MAX + 1];
	uint64_t cookie; /* of the socket; 0 on a shared port */
	bool live; /* it has not ended */
};

static void carry_session(struct carry *k, struct order_session *o, struct past *p)
{
	p->live = carry_small(k, p->live, 1);
	CARRY(k, p->cookie);
	CARRY(k, p->class);
	resume_session(k, &o->session);
	resume_address(k, &o->peer);
	k->bad |= k->way == CARRY_LOAD && p->class[sizeof p->class - 1];
}

static void save_session(struct carry *k, const struct server *s, struct order_session *o)
{
	struct carry record = carry_open(k);
	struct past p = { .live = o->udp };

	snprintf(p.class, sizeof p.class, "%s", class_name(s, o->class));
	if (o->udp && udp_fd(o->udp) >= 0) {
		p.cookie = passed_cookie(udp_fd(o->udp));
	}
	carry_session(&record, o, &p);
	if (o->udp) {
		udp_carry(&record, o->udp);
	}
	carry_close(k, &record);
}

/* Its connection is gone, or will not come along. */
static bool is_orphan(const struct udp_session *u)
{
	const struct order_session *o = udp_owner(u);

	return !o->conn || !conn_at_rest(o->conn);
}

static uint32_t count_orphans(const struct server *s)
{
	struct udp_session *u = NULL;
	uint32_t n = 0;

	while ((u = udp_next(s->reflector, u))) {
		n += is_orphan(u);
	}
	return n;
}

void orders_carry(struct carry *k, const struct server *s, const struct conn *c)
{
	uint32_t n = c ? c->control.sessions : count_orphans(s);
	struct udp_session *u = NULL;

	CARRY(k, n);
	for (struct session *i = c ? c->control.first : NULL; i; i = i->next) {
		save_session(k, s, owner_of(i));
	}
	while (!c && (u = udp_next(s->reflector, u))) {
		if (is_orphan(u)) {
			save_session(k, s, udp_owner(u));
		}
	}
}

/* Its socket and its places. */
static bool adopt(struct carry *k, struct order_session *o, const struct past *p)
{
	struct server *s = o->server;
	struct usage *u = usage_get(&s->usages, p->class);
	int fd = p->cookie ? passed_socket(&s->passed, p->cookie) : -1;

	if (u && (!p->cookie || fd >= 0)) {
		o->class = &u->admit;
		o->client = clients_get(s->clients, &o->peer, server_mono());
	}
	if (!o->client) {
		if (fd >= 0) {
			close(fd);
		}
		return false;
	}
	if (udp_adopt(s->reflector, &o->session.spec, o->session.port, fd, k, o, &u->police,
		      &o->udp) < 0) {
		clients_put(s->clients, o->client);
		return false;
	}
	take_place(o);
	admit_session_resume(&s->admit, o->class, &o->client->admit);
	return true;
}

static bool load_session(struct carry *k, struct server *s, struct conn *c)
{
	struct order_session *o = new_session(s);
	struct past p = { 0 };

	if (!o) {
		return false;
	}
	o->conn = c;
	carry_session(k, o, &p);
	if (k->bad || (!c && !p.live) || (p.live && !adopt(k, o, &p))) {
		place_drop(o->place);
		free(o);
		return false;
	}
	if (!p.live) {
		place_drop(o->place);
		o->place = NULL;
	}
	if (c) {
		resume_link(&c->control, &o->session);
	}
	return true;
}

void orders_adopt(struct carry *k, struct server *s, struct conn *c, uint32_t *taken,
		  uint32_t *lost)
{
	uint32_t n = 0;

	CARRY(k, n);
	for (; n && !k->bad; n--) {
		struct carry record = carry_open(k);
		bool good = load_session(&record, s, c);

		*taken += good;
		*lost += !good;
		carry_close(k, &record);
	}
}
