// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/view.h"

#include "base/clock.h"
#include "daemon/reflector/estimate.h"
#include "daemon/reflector/light.h"
#include "daemon/server/conn.h"
#include "daemon/server/server_parts.h"
#include "daemon/server/session_orders.h"
#include "daemon/server/standing.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* --- one page ------------------------------------------------------------------------- */

static void put_clock(const struct server *s, struct view_status *out)
{
	struct estimate e;

	estimate_read(&e);
	out->synchronized = e.synchronized;
	out->clock_error_ms = e.maxerror_ns < 0 ? -1. : (double)e.maxerror_ns / 1e6;
	out->kernel_timestamps = s->conns.settings->timestamps != SETTINGS_TIMESTAMPS_USER &&
				 reflector_kernel_timestamps(s->conns.reflector);
	out->cards_used = reflector_hardware(s->conns.reflector, out->cards, sizeof out->cards);
}

void view_status(const struct server *s, struct view_status *out)
{
	const struct admit_total *t = &s->conns.admit;

	*out = (struct view_status){
		.config_path = s->config_path,
		.started = ts_decode(TS_NTP, s->conns.start_time, clock_wall()),
		.took_over = s->taken_over,
		.draining = t->draining,
		.drain_light = s->conns.drain_light,
		.stopping = s->stopping,
		.overloaded = t->cpu_load || t->memory_low || t->net_buffers || t->descriptors_low,
		.reload = s->reload_result,
		.control_passed = s->inherited.n_control > 0,
		.light_passed = s->inherited.n_light > 0,
		.connections = t->connections,
		.max_connections = t->max_connections,
		.idle = s->conns.idlers.n,
		.refused = s->conns.refused.n,
		.sessions = t->sessions,
		.max_sessions = t->max_sessions,
		.clients = clients_number(s->conns.clients),
		.light_ports = light_count(s->conns.reflector),
	};
	out->descriptors = conns_descriptors(&s->conns, &out->max_descriptors);
	put_clock(s, out);
	reflector_totals(s->conns.reflector, &out->totals);
	light_totals(s->conns.reflector, &out->light);
}

struct settings *view_settings(const struct server *s)
{
	return s->conns.settings;
}

struct settings *view_started_settings(const struct server *s)
{
	return s->started;
}

struct reflector *view_reflector(const struct server *s)
{
	return s->conns.reflector;
}

void view_overload(const struct server *s, struct view_measure out[static VIEW_MEASURES])
{
	const struct overload *limits = &s->conns.settings->overload;
	const struct overload_sample *now = &s->load.sample;
	const struct overload_marks *marks = &s->load.marks;
	const struct view_measure all[VIEW_MEASURES] = {
		{ "overload.loop_lag", "ms", now->loop_lag_ms, limits->loop_lag_ms,
		  marks->loop_lag },
		{ "overload.reflector_busy", "percent", now->reflector_busy, limits->reflector_busy,
		  marks->reflector_busy },
		{ "overload.memory_used", "percent", now->memory_used, limits->memory_used,
		  marks->memory_used },
		{ "overload.memory_pressure", "percent", now->memory_pressure,
		  limits->memory_pressure, marks->memory_pressure },
		{ "overload.send_drops", "per second", now->send_drops, limits->send_drops,
		  marks->send_drops },
		{ "overload.receive_drops", "per second", now->receive_drops, limits->receive_drops,
		  marks->receive_drops },
	};

	memcpy(out, all, sizeof all);
}

bool view_listener(const struct server *s, size_t i, struct view_listener *out)
{
	const struct listener *l = s->listeners.list;

	for (; l && i; i--) {
		l = l->next;
	}
	if (l) {
		*out = (struct view_listener){
			.address = l->fd < 0 ? l->wanted : l->bound,
			.device = l->device,
			.absent = l->fd < 0,
		};
	}
	return l;
}

/* --- classes and refusals ------------------------------------------------------------- */

bool view_class(const struct server *s, size_t i, struct view_class *out)
{
	const struct settings *now = s->conns.settings;
	const struct settings_class *class = i < now->n_classes	   ? &now->classes[i]
					     : i == now->n_classes ? &now->fallback
								   : NULL;
	const struct class_use *use;

	if (i > now->n_classes + 1) {
		return false;
	}
	use = class ? s->conns.class_uses.of[i] : &s->conns.class_uses.nobody;
	*out = (struct view_class){
		.connections = use->admit.connections,
		.sessions = use->admit.sessions,
		.policy = class ? &class->policy : NULL,
		.class = class,
		.tally = use->tally,
	};
	memcpy(out->name, use->name, sizeof out->name);
	return true;
}

bool view_class_sums(const struct server *s, size_t i, struct class_sums_values *out)
{
	const struct class_uses *u = &s->conns.class_uses;
	size_t n = s->conns.settings->n_classes;

	*out = (struct class_sums_values){ 0 };
	if (i > n + 1) {
		return false;
	}
	class_sums_read(i <= n ? u->of[i]->sums : u->nobody.sums, out);
	return true;
}

void view_tally(const struct server *s, struct refusals_tally *out)
{
	*out = *refusals_total(s->conns.refusals);
}

uint64_t view_recent(const struct server *s, enum reason reason, unsigned minutes)
{
	return refusals_recent(s->conns.refusals, reason, minutes);
}

bool view_denial(const struct server *s, size_t i, struct view_denial *out)
{
	for (size_t k = 0; k <= DENIALS; k++) {
		const struct denial *d = &s->denials.table[k];

		if (d->all && !d->forged && !i--) {
			*out = (struct view_denial){ d->who, d->at, d->all, d->last };
			return true;
		}
	}
	return false;
}

/* --- walks ---------------------------------------------------------------------------- */

void view_begin(struct view_walk *w, struct server *s, enum view_what what)
{
	struct roll *of = NULL;

	switch (what) {
	case VIEW_CONNECTIONS:
		of = &s->conns.all;
		break;
	case VIEW_SESSIONS:
		of = &s->conns.sessions;
		break;
	case VIEW_CLIENTS:
		of = clients_roll(s->conns.clients);
		break;
	case VIEW_REFUSALS:
		of = refusals_roll(s->conns.refusals);
		break;
	}
	w->server = s;
	w->what = what;
	roll_begin(of, &w->at);
}

void view_stop(struct view_walk *w)
{
	roll_end(&w->at);
}

static struct roll_node *next(struct view_walk *w, enum view_what what)
{
	return w->what == what && w->at.of ? roll_next(&w->at) : NULL;
}

static void put_class(const struct settings_class *class, char to[SETTINGS_CLASS_NAME_MAX + 1])
{
	(void)snprintf(to, SETTINGS_CLASS_NAME_MAX + 1, "%s", class ? class->name : "none");
}

bool view_connection(struct view_walk *w, struct view_connection *out)
{
	const struct conn *c = (const void *)next(w, VIEW_CONNECTIONS);
	const struct control *k = c ? &c->control : NULL;

	if (!c) {
		return false;
	}
	*out = (struct view_connection){
		.client = k->remote,
		.local = k->local,
		.device = c->device,
		.state = k->state,
		.barred = k->barred,
		.counted = k->counted,
		.modes = k->modes,
		.sessions = k->sessions - k->kept,
		.age_s = (double)(clock_mono().ns - c->since.ns) / 1e9,
	};
	put_class(c->standing->class, out->class);
	memcpy(out->key_id, c->standing->key_id, sizeof out->key_id);
	return true;
}

/* From its SID: there the time of acceptance stands behind an address. RFC 4656 3.5 */
static struct wall accepted_at(const uint8_t sid[static MSG_SID_LEN])
{
	struct wire_in w = wire_in(sid + 4, sizeof(ts_wire));

	return ts_decode(TS_NTP, wire_get64(&w), clock_wall());
}

static int64_t idle_ns(const struct udp_session *u)
{
	int64_t last = udp_last_packet(u).ns, now = clock_mono().ns;

	return !last ? -1 : now > last ? now - last : 0;
}

bool view_session(struct view_walk *w, struct view_session *out)
{
	struct roll_node *n = next(w, VIEW_SESSIONS);
	const struct order_session *o = n ? session_orders_of(n) : NULL;
	const struct session_spec *spec = n ? &o->session.spec : NULL;

	if (!n) {
		return false;
	}
	*out = (struct view_session){
		.state = o->session.state,
		.connected = o->conn,
		.client = o->standing->peer,
		.local = spec->local,
		.remote = spec->remote,
		.device = spec->device,
		.modes = spec->modes,
		.padding = spec->padding,
		.dscp = spec->dscp,
		.timeout_ns = spec->timeout_ns,
		.refwait_ns = spec->refwait_ns,
		.accepted = accepted_at(o->session.sid),
	};
	memcpy(out->sid, o->session.sid, sizeof out->sid);
	out->local.port = o->session.port;
	out->server = o->conn ? o->conn->control.local : (struct address){ 0 };
	put_class(o->standing->class, out->class);
	memcpy(out->key_id, o->standing->key_id, sizeof out->key_id);
	out->idle_ns = idle_ns(o->udp);
	udp_counters(o->udp, &out->n);
	return true;
}

bool view_client(struct view_walk *w, struct view_client *out)
{
	const struct client *c = (const void *)next(w, VIEW_CLIENTS);
	const struct settings_class *class;
	struct address at = { 0 };

	if (!c) {
		return false;
	}
	at.family = c->key.family;
	memcpy(at.ip, c->key.ip, sizeof at.ip);
	class = settings_class_by_address(w->server->conns.settings, &at);
	*out = (struct view_client){
		.client = c->key,
		.connections = c->admit.connections,
		.sessions = c->admit.sessions,
		.packets_per_s = meter_rate(&w->server->meter, &c->pace),
		.refused = c->refused,
		.auth_failed = c->auth_failed,
		.refused_last = c->refused_last,
		.refused_at = c->refused_at,
		.seen = c->seen,
	};
	if (class) {
		out->max_connections = class->policy.max_connections_per_client;
		out->max_sessions = class->policy.max_sessions_per_client;
	}
	put_class(class, out->class);
	return true;
}

bool view_refusal(struct view_walk *w, struct refusal *out)
{
	const struct refusal *r = (const void *)next(w, VIEW_REFUSALS);

	if (r) {
		*out = *r;
	}
	return r;
}

bool view_forward(const struct view_walk *w, struct forward *out)
{
	struct roll_node *n = w->what == VIEW_SESSIONS ? w->at.last : NULL;

	if (n) {
		udp_forward(session_orders_of(n)->udp, out);
	}
	return n;
}

bool view_greeting(const struct view_walk *w, struct view_greeting *out)
{
	const struct conn *c = w->what == VIEW_CONNECTIONS ? (const void *)w->at.last : NULL;
	const struct control *k = c ? &c->control : NULL;
	int tos = 0;
	socklen_t len = sizeof tos;

	if (!c) {
		return false;
	}
	*out = (struct view_greeting){ .count = k->count };
	memcpy(out->salt, k->salt, sizeof out->salt);
	memcpy(out->challenge, k->challenge, sizeof out->challenge);
	if (!getsockopt(c->io.fd, k->remote.family == 4 ? IPPROTO_IP : IPPROTO_IPV6,
			k->remote.family == 4 ? IP_TOS : IPV6_TCLASS, &tos, &len)) {
		out->dscp = (uint8_t)(tos >> 2 & 63);
	}
	return true;
}

bool view_end_connection(struct view_walk *w)
{
	struct conn *c = w->what == VIEW_CONNECTIONS ? (void *)w->at.last : NULL;

	if (!c || c->lingering) {
		return false;
	}
	conn_end(c);
	return true;
}

bool view_end_session(struct view_walk *w)
{
	struct roll_node *n = w->what == VIEW_SESSIONS ? w->at.last : NULL;

	if (n) {
		udp_end(session_orders_of(n)->udp);
	}
	return n;
}
