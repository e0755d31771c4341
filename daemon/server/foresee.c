// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/foresee.h"

#include "base/clock.h"
#include "base/endpoint.h"
#include "daemon/config/keys.h"
#include "daemon/server/evict.h"
#include "daemon/server/server_parts.h"
#include "daemon/server/standing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM 1024
#define PORTS_TRIED 512 /* as udp_open does */

_Static_assert(ROOM >= CONTROL_ROOM_USUAL, "answers to the messages below");

/* A connection that nobody has, with everything that it would be counted in, copied. */
struct play {
	struct conns *conns;
	const struct foresee_question *q;
	struct foresee_answer *a;
	struct admit_total total;
	struct admit_class by_address, by_key; /* of the classes */
	struct admit_client client;
	struct standing standing;
	struct conn conn;
	struct control_keyed keyed;
	struct mono now;
	struct control_out out;
	uint8_t octets[ROOM];
};

/* --- what is copied ------------------------------------------------------------------------- */

static struct admit_class copy_class(struct conns *cs, const struct settings_class *class)
{
	return class ? class_use_of(&cs->class_uses, cs->settings, class)->admit
		     : (struct admit_class){ 0 };
}

static void set_class(struct play *p, const struct settings_class *class, struct admit_class *use)
{
	p->standing.class = class;
	p->conn.control.class = class ? use : NULL;
	p->a->class = class;
}

/* The address of ours that the client's packets would come to, by the routes back. */
static void find_local(struct play *p)
{
	struct address to = p->q->client;
	union endpoint e;
	int fd;

	to.port = 9;
	e = endpoint_of(&to);
	fd = socket(e.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return;
	}
	if (!connect(fd, &e.any, endpoint_len(&e)) && endpoint_bound(fd, &p->a->local) < 0) {
		p->a->local.family = 0;
	}
	close(fd);
}

/* Who sits there without a Set-Up-Response makes room for who comes. */
static void make_way(struct play *p)
{
	struct class_use *use = class_use_of(&p->conns->class_uses, p->conns->settings,
					     p->standing.class);
	const struct conn *surplus;

	p->conn.control.class = p->standing.class ? &use->admit : NULL;
	surplus = evict_surplus(&p->conn);
	if (surplus && surplus->control.counted) {
		p->total.connections--;
		p->by_address.connections -= surplus->control.charged == &use->admit;
	}
}

static void prepare(struct play *p)
{
	struct conns *cs = p->conns;
	const struct client *known = clients_look(cs->clients, &p->q->client);
	struct address local;

	p->now = clock_mono();
	conns_measure(cs);
	p->total = cs->admit;
	admit_client_init(&p->client, p->now);
	if (known) {
		p->client = known->admit;
	}
	p->a->by_address = settings_class_by_address(cs->settings, &p->q->client);
	p->by_address = copy_class(cs, p->a->by_address);
	find_local(p);
	local = p->a->local;
	local.port = 0;
	p->standing = (struct standing){ .peer = p->q->client };
	p->conn = (struct conn){ .conns = cs, .standing = &p->standing };
	control_init(&p->conn.control, &local, &p->q->client, &p->total, &p->client);
	p->conn.control.keyed = &p->keyed;
	p->standing.class = p->a->by_address;
	make_way(p);
	set_class(p, p->a->by_address, &p->by_address);
}

/* --- the conversation ----------------------------------------------------------------------- */

static void feed(struct play *p, struct control_in *in)
{
	p->out = (struct control_out){ .octets = p->octets, .size = sizeof p->octets };
	control_feed(&p->conn.control, standing_policy(&p->conn), in, p->now, &p->out);
}

/* A message, in the pieces in which it is wanted. */
static void say(struct play *p, uint8_t *message, size_t len)
{
	size_t want;

	while (len && (want = control_want(&p->conn.control)) && want <= len) {
		struct control_in in = { .kind = CONTROL_OCTETS, .octets = message, .len = want };

		feed(p, &in);
		message += want;
		len -= want;
	}
}

static bool is_refused(struct play *p, enum control_fact fact, enum foresee_step step)
{
	for (unsigned i = 0; i < p->out.n_reports; i++) {
		const struct control_report *r = &p->out.reports[i];

		if (r->fact == fact) {
			p->a->step = step;
			p->a->reason = r->reason;
			p->a->code = r->code;
			return true;
		}
	}
	return false;
}

static bool refuse(struct play *p, enum foresee_step step, enum reason why)
{
	p->a->step = step;
	p->a->reason = why;
	p->a->code = admit_code(&p->total, why);
	return false;
}

/* As clients do: what was asked for, else with a key the best that is offered. 0 = it has none. */
static uint32_t choose_mode(const struct play *p)
{
	static const uint32_t best[] = { MODE_ENCRYPTED, MODE_AUTHENTICATED, MODE_MIXED };
	size_t len;

	if (p->q->mode) {
		return p->q->mode;
	}
	if (crypt_key_id_len(p->q->key_id, &len)) {
		return p->a->offered & MODE_UNAUTHENTICATED;
	}
	for (size_t i = 0; i < sizeof best / sizeof *best; i++) {
		if (p->a->offered & best[i]) {
			return best[i];
		}
	}
	return 0;
}

static bool greet(struct play *p)
{
	struct control_in in = { .kind = CONTROL_OPENED };

	feed(p, &in);
	p->a->offered = p->conn.control.modes_offered;
	p->a->mode = choose_mode(p);
	if (p->a->offered && p->a->mode) {
		return true;
	}
	(void)refuse(p, FORESEE_GREETING, p->a->by_address ? REASON_NO_MODE : REASON_NO_CLASS);
	p->a->code = ACCEPT_OK; /* the client finds no mode that it can use, and no code is sent */
	return false;
}

/* With the right passphrase, if there is one for that KeyID. */
static bool prove(struct play *p)
{
	struct conns *cs = p->conns;
	const struct settings_class *class = NULL;
	struct crypt_keys none = { 0 };
	struct control_in in = { .kind = CONTROL_KEY_READY, .keys = &none };
	size_t len;

	if (!crypt_key_id_len(p->q->key_id, &len)) {
		p->a->key_known = keys_find(cs->settings->keys, p->q->key_id, len);
		class = settings_class_by_key(cs->settings, p->q->key_id, len);
	}
	if (!p->a->key_known) {
		return refuse(p, FORESEE_SETUP, REASON_AUTH_FAILED);
	}
	if (class && class != p->a->by_address) {
		p->by_key = copy_class(cs, class);
		set_class(p, class, &p->by_key);
	}
	feed(p, &in);
	return !is_refused(p, CONTROL_FACT_REFUSED_CONNECTION, FORESEE_SETUP);
}

static bool set_up(struct play *p)
{
	struct msg_setup m = { .mode = p->a->mode };
	uint8_t octets[MSG_SETUP_LEN];

	memcpy(m.key_id, p->q->key_id, sizeof m.key_id);
	msg_put_setup(octets, &m);
	say(p, octets, sizeof octets);
	if (is_refused(p, CONTROL_FACT_REFUSED_CONNECTION, FORESEE_SETUP)) {
		return false;
	}
	return !p->out.derive || prove(p);
}

/* In clear: what is decided does not depend on how it was sealed. */
static bool request(struct play *p)
{
	struct control *c = &p->conn.control;
	const struct address *to = p->q->receiver.family ? &p->q->receiver : &c->local;
	struct msg_request m = { .ipvn = to->family,
				 .sender_port = 1,
				 .padding = p->q->padding,
				 .type_p = msg_type_p(p->q->dscp) };
	uint8_t octets[MSG_REQUEST_LEN];

	if (!c->local.family) {
		return refuse(p, FORESEE_REQUEST, REASON_NO_ROUTE);
	}
	c->modes = (c->modes & ~MODE_KEYED_MASK) | MODE_UNAUTHENTICATED;
	if (p->q->receiver.family) {
		memcpy(m.receiver_address, to->ip, to->family == 4 ? 4 : 16);
	}
	msg_put_request(octets, &m);
	say(p, octets, sizeof octets);
	return !is_refused(p, CONTROL_FACT_REFUSED_REQUEST, FORESEE_REQUEST);
}

/* --- what the server does with an order OPEN ------------------------------------------------- */

static bool is_free(const struct address *local, uint16_t port)
{
	struct address at = *local;
	union endpoint e;
	int fd;
	bool free_port;

	at.port = port;
	e = endpoint_of(&at);
	fd = socket(e.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	free_port = fd < 0 || !bind(fd, &e.any, endpoint_len(&e)) || errno != EADDRINUSE;
	if (fd >= 0) {
		close(fd);
	}
	return free_port;
}

static bool has_port(const struct play *p, const struct address *local)
{
	const struct policy *policy = standing_policy(&p->conn);
	unsigned range = (unsigned)(policy->port_last - policy->port_first) + 1;

	if (p->conns->shared_ports) {
		return true;
	}
	for (unsigned i = 0; i < range && i < PORTS_TRIED; i++) {
		/* From the far end: there the server itself comes last. */
		if (is_free(local, (uint16_t)(policy->port_last - i))) {
			return true;
		}
	}
	return range > PORTS_TRIED;
}

static bool open_session(struct play *p)
{
	const struct session_spec *spec = control_spec(&p->conn.control);

	if (!address_same_host(&spec->local, &p->conn.control.local) &&
	    !host_has(&p->conns->host, &spec->local, 0)) {
		return refuse(p, FORESEE_REQUEST, REASON_ADDRESS_NOT_LOCAL);
	}
	if (!has_port(p, &spec->local)) {
		return refuse(p, FORESEE_REQUEST, REASON_NO_PORT);
	}
	p->a->step = FORESEE_ACCEPTED;
	return true;
}

/* --- why ------------------------------------------------------------------------------------ */

/* The setting that decides where no limit is reached; NULL = none. */
static const char *find_setting(enum reason r)
{
	switch ((int)r) {
	case REASON_NO_CLASS:
		return "clients";
	case REASON_NO_MODE:
	case REASON_MODE_NOT_OFFERED:
		return "modes";
	case REASON_FEATURE_NOT_OFFERED:
		return "features";
	case REASON_DSCP:
		return "dscp";
	case REASON_POLICY_ADDRESS:
		return "third_party";
	case REASON_AUTH_FAILED:
	case REASON_KEY_REMOVED:
		return "keys_file";
	default:
		return NULL;
	}
}

static void put_place(char *to, const char *key, const struct settings_place *at)
{
	if (at->file) {
		(void)snprintf(to, REACHED_SETTING_LEN, "%s, %s:%u", key, at->file, at->line);
	} else {
		(void)snprintf(to, REACHED_SETTING_LEN, "%s, the default", key);
	}
}

static void explain(struct play *p)
{
	const struct conns *cs = p->conns;
	struct reached_rules rules = { cs->settings, p->standing.class, standing_policy(&p->conn) };
	const char *key = find_setting(p->a->reason);
	struct settings_place at;

	if (reached_find(p->a->reason, &p->conn.control, &rules, &p->a->reached)) {
		memcpy(p->a->setting, p->a->reached.setting, sizeof p->a->setting);
	} else if (key) {
		at = settings_origin(cs->settings, key, p->standing.class);
		put_place(p->a->setting, key, &at);
	} else if (p->a->step == FORESEE_ACCEPTED && cs->settings->n_classes) {
		put_place(p->a->setting, "clients", &p->standing.class->place);
	}
}

static void add_limits(struct play *p)
{
	const struct policy *policy = standing_policy(&p->conn);
	const struct settings_class *class = p->standing.class;
	struct admit_class held = copy_class(p->conns, class);
	const struct client *known = clients_look(p->conns->clients, &p->q->client);
	const struct admit_total *t = &p->conns->admit;
	uint32_t connections = known ? known->admit.connections : 0;
	uint32_t sessions = known ? known->admit.sessions : 0;
	const struct foresee_limit all[FORESEE_LIMITS] = {
		{ "limits.max_connections", "server", t->connections, t->max_connections, { 0 } },
		{ "limits.max_connections",
		  "class",
		  held.connections,
		  policy->max_connections,
		  { 0 } },
		{ "limits.max_connections_per_client",
		  "client",
		  connections,
		  policy->max_connections_per_client,
		  { 0 } },
		{ "limits.max_sessions", "server", t->sessions, t->max_sessions, { 0 } },
		{ "limits.max_sessions", "class", held.sessions, policy->max_sessions, { 0 } },
		{ "limits.max_sessions_per_client",
		  "client",
		  sessions,
		  policy->max_sessions_per_client,
		  { 0 } },
		{ "limits.max_sessions_per_connection",
		  "connection",
		  0,
		  policy->max_sessions_per_connection,
		  { 0 } },
	};

	for (size_t i = 0; class && i < FORESEE_LIMITS; i++) {
		p->a->limits[i] = all[i];
		p->a->limits[i].place = settings_origin(
			p->conns->settings, all[i].key,
			strcmp(all[i].of, "server") != 0 ? class : NULL);
	}
}

void foresee(struct server *s, const struct foresee_question *q, struct foresee_answer *a)
{
	struct play p = { .conns = &s->conns, .q = q, .a = a };

	*a = (struct foresee_answer){ 0 };
	prepare(&p);
	if (greet(&p) && set_up(&p) && request(&p)) {
		(void)open_session(&p);
	}
	explain(&p);
	add_limits(&p);
}
