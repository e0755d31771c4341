// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/headroom.h"

#include "daemon/admin/tell.h"
#include "daemon/reflector/reflector.h"
#include "daemon/server/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who holds most. */
struct top {
	struct prefix client;
	uint32_t held;
};

struct of_class {
	struct view_class view;
	struct top connections, sessions;
};

struct survey {
	struct view_walk walk;
	bool walked;
	struct settings *settings; /* that held when it began: the classes are of these */
	size_t n, told; /* classes */
	struct of_class classes[];
};

/* --- who uses it ---------------------------------------------------------------------------- */

static void compare(struct top *top, const struct prefix *client, uint32_t held)
{
	if (held > top->held) {
		*top = (struct top){ *client, held };
	}
}

static void note_client(struct survey *s, const struct view_client *c)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!strcmp(s->classes[i].view.name, c->class)) {
			compare(&s->classes[i].connections, &c->client, c->connections);
			compare(&s->classes[i].sessions, &c->client, c->sessions);
			return;
		}
	}
}

static bool walk_clients(struct survey *s, const struct task *t)
{
	struct view_client c;

	while (!s->walked && !task_is_enough(t)) {
		if (view_client(&s->walk, &c)) {
			note_client(s, &c);
		} else {
			s->walked = true;
		}
	}
	return s->walked;
}

/* --- what is told --------------------------------------------------------------------------- */

struct row {
	const char *limit, *of;
	const struct settings_class *class; /* NULL = of the server */
	uint64_t used, max; /* 0 = there is none */
	const char *user; /* who uses most of it; NULL = it is @top */
	const struct top *top;
	uint64_t top_used;
	bool no_setting; /* the limit is the system's */
};

static json_t *tell_origin(const struct settings *now, const struct row *r)
{
	struct settings_place at;
	char text[400];

	if (r->no_setting) {
		return json_null();
	}
	at = settings_origin(now, r->limit, r->class);
	if (!at.file) {
		return json_string("the default");
	}
	(void)snprintf(text, sizeof text, "%s:%u", at.file, at.line);
	return tell_text(text);
}

static void put_user(json_t *o, const struct row *r)
{
	if (r->user) {
		tell_put(o, "top", json_string(r->user));
		tell_put(o, "top_used", tell_number(r->top_used));
	} else if (r->top && r->top->held) {
		tell_put(o, "top", tell_prefix(&r->top->client));
		tell_put(o, "top_used", tell_number(r->top->held));
	} else {
		tell_put(o, "top", json_null());
		tell_put(o, "top_used", json_null());
	}
}

static void put_row(struct task *t, const struct row *r)
{
	const struct survey *s = t->state;
	json_t *o = json_object();

	tell_put(o, "limit", json_string(r->limit));
	tell_put(o, "of", json_string(r->of));
	tell_put(o, "used", tell_number(r->used));
	tell_put(o, "max", r->max ? tell_number(r->max) : json_null());
	tell_put(o, "left",
		 r->max ? tell_number(r->max > r->used ? r->max - r->used : 0) : json_null());
	tell_put(o, "percent",
		 r->max ? json_real(100. * (double)r->used / (double)r->max) : json_null());
	put_user(o, r);
	tell_put(o, "setting", tell_origin(s->settings, r));
	reply_item(t->reply, o);
}

static const struct of_class *busiest(const struct survey *s, bool sessions)
{
	const struct of_class *best = NULL;
	uint32_t most = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct view_class *v = &s->classes[i].view;
		uint32_t held = sessions ? v->sessions : v->connections;

		if (held > most) {
			most = held;
			best = &s->classes[i];
		}
	}
	return best;
}

static void put_server(struct task *t, const struct survey *s)
{
	const struct settings *now = s->settings;
	const struct of_class *c = busiest(s, false), *k = busiest(s, true);
	struct view_status v;
	char user[2][80] = { "", "" };

	view_status(t->server, &v);
	if (c) {
		(void)snprintf(user[0], sizeof user[0], "class %s", c->view.name);
	}
	if (k) {
		(void)snprintf(user[1], sizeof user[1], "class %s", k->view.name);
	}
	put_row(t, &(struct row){ .limit = "limits.max_connections",
				  .of = "server",
				  .used = v.connections,
				  .max = v.max_connections,
				  .user = c ? user[0] : NULL,
				  .top_used = c ? c->view.connections : 0 });
	put_row(t, &(struct row){ .limit = "limits.max_sessions",
				  .of = "server",
				  .used = v.sessions,
				  .max = v.max_sessions,
				  .user = k ? user[1] : NULL,
				  .top_used = k ? k->view.sessions : 0 });
	put_row(t, &(struct row){ .limit = "ports.last",
				  .of = "server",
				  .used = reflector_ports(view_reflector(t->server)),
				  .max = (uint64_t)now->policy.port_last - now->policy.port_first +
					 1 });
	put_row(t, &(struct row){ .limit = "LimitNOFILE",
				  .of = "server",
				  .used = v.descriptors,
				  .max = v.max_descriptors,
				  .no_setting = true });
}

static void put_class(struct task *t, const struct of_class *c)
{
	const struct policy *p = c->view.policy;
	char of[80];

	if (!p) {
		return; /* what runs for clients in no class has no limit of its own */
	}
	(void)snprintf(of, sizeof of, "class %s", c->view.name);
	put_row(t, &(struct row){ "limits.max_connections", of, c->view.class, c->view.connections,
				  p->max_connections, NULL, &c->connections, 0, false });
	put_row(t, &(struct row){ "limits.max_sessions", of, c->view.class, c->view.sessions,
				  p->max_sessions, NULL, &c->sessions, 0, false });
	(void)snprintf(of, sizeof of, "one client of %s", c->view.name);
	put_row(t, &(struct row){ "limits.max_connections_per_client", of, c->view.class,
				  c->connections.held, p->max_connections_per_client, NULL,
				  &c->connections, 0, false });
	put_row(t, &(struct row){ "limits.max_sessions_per_client", of, c->view.class,
				  c->sessions.held, p->max_sessions_per_client, NULL, &c->sessions,
				  0, false });
}

/* --- in pieces ------------------------------------------------------------------------------ */

static enum task_next step(struct task *t)
{
	struct survey *s = t->state;

	if (!walk_clients(s, t)) {
		return TASK_MORE;
	}
	if (!s->told) {
		put_server(t, s);
	}
	for (; s->told < s->n; s->told++) {
		if (task_is_enough(t) && s->told) {
			return TASK_MORE;
		}
		put_class(t, &s->classes[s->told]);
	}
	reply_result(t->reply, json_object());
	return TASK_DONE;
}

static void end(struct task *t)
{
	struct survey *s = t->state;

	view_stop(&s->walk);
	settings_unref(s->settings);
	free(s);
}

/* With classes only these have clients; without them, "default" has all. */
static void take_classes(struct survey *s, const struct server *server, size_t room)
{
	struct view_class v;

	for (size_t i = 0; i < room && view_class(server, i, &v); i++) {
		if (v.policy && (i < room - 2 || room == 2)) {
			s->classes[s->n++].view = v;
		}
	}
}

enum task_next headroom_begin(struct task *t)
{
	size_t room = view_settings(t->server)->n_classes + 2;
	struct survey *s = calloc(1, sizeof *s + room * sizeof s->classes[0]);

	if (!s) {
		reply_error(t->reply, REPLY_NO_MEMORY, "out of memory");
		return TASK_DONE;
	}
	s->settings = settings_ref(view_settings(t->server));
	take_classes(s, t->server, room);
	view_begin(&s->walk, t->server, VIEW_CLIENTS);
	t->state = s;
	t->step = step;
	t->end = end;
	return TASK_MORE;
}
