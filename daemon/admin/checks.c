// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/checks.h"

#include "daemon/admin/tell.h"
#include "daemon/server/view.h"

#include <stdio.h>
#include <string.h>

#define TEXT_LEN 900

const struct ask_arg checks_args[] = { { "check", ASK_TEXT, false }, { NULL, ASK_TEXT, false } };

struct facts {
	const struct server *server;
	const struct view_status *status;
};

struct check {
	const char *name;
	bool usual; /* asked about where nothing is named */
	bool critical; /* clients are not served, or not long any more; else the operator should look */
	/* Is it as it should be? @text: why, either way. */
	bool (*is_well)(const struct facts *f, char text[static TEXT_LEN]);
};

static bool is_serving(const struct facts *f, char text[static TEXT_LEN])
{
	struct view_listener l;
	unsigned open = 0;

	for (size_t i = 0; view_listener(f->server, i, &l); i++) {
		open += !l.absent;
	}
	(void)snprintf(text, TEXT_LEN, "%u addresses are listened on%s", open,
		       f->status->stopping ? ", and it is stopping" : "");
	return open && !f->status->stopping;
}

static bool is_not_draining(const struct facts *f, char text[static TEXT_LEN])
{
	(void)snprintf(text, TEXT_LEN, "it is %sdraining", f->status->draining ? "" : "not ");
	return !f->status->draining;
}

static bool is_not_overloaded(const struct facts *f, char text[static TEXT_LEN])
{
	struct view_measure all[VIEW_MEASURES];
	size_t n = 0;

	view_overload(f->server, all);
	(void)snprintf(text, TEXT_LEN, "it is %soverloaded", f->status->overloaded ? "" : "not ");
	for (size_t i = 0; i < VIEW_MEASURES; i++) {
		n = strlen(text);
		if (all[i].above) {
			(void)snprintf(text + n, TEXT_LEN - n, "; %s is %.0f %s, the limit %u",
				       all[i].key, all[i].value, all[i].unit, all[i].limit);
		}
	}
	return !f->status->overloaded;
}

static bool has_room(const struct facts *f, char text[static TEXT_LEN])
{
	const struct view_status *v = f->status;

	(void)snprintf(text, TEXT_LEN, "%u of %u connections and %u of %u sessions are in use",
		       v->connections, v->max_connections, v->sessions, v->max_sessions);
	return v->connections < v->max_connections && v->sessions < v->max_sessions;
}

static bool has_settings(const struct facts *f, char text[static TEXT_LEN])
{
	const struct reload_result *r = &f->status->reload;

	(void)snprintf(text, TEXT_LEN, "%s",
		       *r->why ? r->why : "the settings of the files are in force");
	return !*r->why;
}

static bool has_clock(const struct facts *f, char text[static TEXT_LEN])
{
	(void)snprintf(text, TEXT_LEN, "the clock is %ssynchronized",
		       f->status->synchronized ? "" : "not ");
	return f->status->synchronized;
}

static bool has_timestamps(const struct facts *f, char text[static TEXT_LEN])
{
	(void)snprintf(text, TEXT_LEN, "receive times come from %s",
		       f->status->cards_used	      ? "network cards"
		       : f->status->kernel_timestamps ? "the kernel"
						      : "twampd itself, later than they should");
	return f->status->cards_used || f->status->kernel_timestamps;
}

static bool needs_no_restart(const struct facts *f, char text[static TEXT_LEN])
{
	char names[400];
	unsigned n = settings_restart_needed(view_started_settings(f->server),
					     view_settings(f->server), names, sizeof names);

	(void)snprintf(text, TEXT_LEN, "%s%s",
		       n ? "these settings wait for a restart: " : "no setting waits for a restart",
		       names);
	return !n;
}

static const struct check checks[] = {
	{ "serving", true, true, is_serving },
	{ "draining", true, true, is_not_draining },
	{ "overload", true, true, is_not_overloaded },
	{ "room", true, true, has_room },
	{ "settings", false, false, has_settings },
	{ "restart", false, false, needs_no_restart },
	{ "clock", false, false, has_clock },
	{ "timestamps", false, false, has_timestamps },
};
#define CHECKS (sizeof checks / sizeof *checks)

/* In a list with commas between; "all"; NULL = the usual ones. */
static bool is_wanted(const struct check *c, const char *list)
{
	size_t len = strlen(c->name);

	if (!list || !strcmp(list, "all")) {
		return list || c->usual;
	}
	for (const char *at = list; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
		if (strcspn(at, ",") == len && !strncmp(at, c->name, len)) {
			return true;
		}
	}
	return false;
}

static bool is_known(const char *name, size_t len)
{
	for (size_t i = 0; i < CHECKS; i++) {
		if (strlen(checks[i].name) == len && !strncmp(checks[i].name, name, len)) {
			return true;
		}
	}
	return false;
}

static bool are_known(const char *list)
{
	if (!list || !strcmp(list, "all")) {
		return true;
	}
	for (;;) {
		size_t len = strcspn(list, ",");

		if (!is_known(list, len)) {
			return false;
		}
		if (!list[len]) {
			return true;
		}
		list += len + 1;
	}
}

enum task_next checks_begin(struct task *t)
{
	const char *list = ask_text(&t->ask, "check");
	json_t *o = json_object(), *all = json_array();
	struct view_status v;
	const struct facts f = { t->server, &v };
	char text[TEXT_LEN];
	bool well = true;

	if (!are_known(list)) {
		json_decref(o);
		json_decref(all);
		reply_error(t->reply, REPLY_BAD_REQUEST,
			    "check: all, or some of serving, draining, overload, room, settings, "
			    "restart, clock, timestamps with commas between them is expected");
		return TASK_DONE;
	}
	view_status(t->server, &v);
	for (size_t i = 0; i < CHECKS; i++) {
		const struct check *c = &checks[i];
		bool ok = c->is_well(&f, text);
		json_t *one;

		if (!is_wanted(c, list)) {
			continue;
		}
		one = json_object();
		tell_put(one, "check", json_string(c->name));
		tell_put(one, "ok", json_boolean(ok));
		tell_put(one, "critical", json_boolean(c->critical));
		tell_put(one, "text", tell_text(text));
		(void)json_array_append_new(all, one);
		well &= ok;
	}
	tell_put(o, "ok", json_boolean(well));
	tell_put(o, "checks", all);
	tell_put(o, "connections", tell_room(v.connections, v.max_connections));
	tell_put(o, "sessions", tell_room(v.sessions, v.max_sessions));
	tell_put(o, "packets",
		 tell_number(v.totals.n[COUNTER_RECEIVED] + v.light.n[COUNTER_RECEIVED]));
	tell_put(o, "dropped",
		 tell_number(counters_dropped(&v.totals) + counters_dropped(&v.light)));
	reply_result(t->reply, o);
	return TASK_DONE;
}
