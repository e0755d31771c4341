// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/steer.h"

#include "base/clock.h"
#include "daemon/admin/tell.h"
#include "daemon/admin/tell_change.h"
#include "daemon/server/server.h"
#include "daemon/server/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_LEN 800
#define NAMES_LEN 600
#define CONFIRM_MAX_S 86400
#define END \
	{ \
		NULL, ASK_TEXT, false \
	}

const struct ask_arg steer_reload_args[] = { { "confirm_s", ASK_NUMBER, false }, END };
const struct ask_arg steer_drain_args[] = { { "light", ASK_FLAG, false },
					    { "wait", ASK_FLAG, false },
					    { "timeout_s", ASK_NUMBER, false },
					    END };
const struct ask_arg steer_log_args[] = { { "level", ASK_TEXT, true },
					  { "client", ASK_TEXT, false },
					  { "for_s", ASK_NUMBER, false },
					  END };

void steer_say(const struct task *t, const char *what, const char *about)
{
	char text[400];

	(void)snprintf(text, sizeof text, "%s%s%s (user %ld, process %ld)", what, *about ? " " : "",
		       about, (long)t->uid, (long)t->pid);
	log_say(server_log(t->server), LOG_EVENT_ADMIN_COMMAND, text);
}

/* --- reload --------------------------------------------------------------------------------- */

static void forget_before(struct steer *st)
{
	ev_timer_stop(server_loop(st->server), &st->go_back);
	settings_unref(st->before);
	st->before = NULL;
}

static void on_go_back(struct ev_loop *loop, ev_timer *w, int events)
{
	struct steer *st = w->data;
	char why[WHY_LEN];

	(void)server_restore(st->server, st->before,
			     "the reload was not confirmed in time, and the settings of before it "
			     "are in force again",
			     why, sizeof why); /* the log has it */
	forget_before(st);
}

static void refuse(struct task *t, const char *why)
{
	reply_error(t->reply, REPLY_REFUSED, "%s", why);
}

static void finish_reload(struct task *t, struct settings *old, uint64_t confirm_s)
{
	struct steer *st = t->owner;
	json_t *o = json_object();

	char names[NAMES_LEN];

	tell_put(o, "changed", tell_changes(old, view_settings(t->server)));
	(void)settings_changed(old, view_settings(t->server), names, sizeof names);
	tell_put(o, "summary", tell_text(names));
	(void)settings_restart_needed(view_started_settings(t->server), view_settings(t->server),
				      names, sizeof names);
	tell_put(o, "restart", tell_text(names));
	tell_put(o, "confirm_s", confirm_s ? tell_number(confirm_s) : json_null());
	if (confirm_s) {
		/* Of several that nobody has confirmed the first one counts. */
		st->before = st->before ? st->before : settings_ref(old);
		ev_timer_stop(server_loop(t->server), &st->go_back);
		ev_timer_set(&st->go_back, (double)confirm_s, 0.);
		ev_timer_start(server_loop(t->server), &st->go_back);
	}
	reply_result(t->reply, o);
}

enum task_next steer_reload(struct task *t)
{
	struct settings *old = settings_ref(view_settings(t->server));
	uint64_t confirm_s = ask_number(&t->ask, "confirm_s", 0);
	struct steer *st = t->owner;
	char why[WHY_LEN];

	if (confirm_s > CONFIRM_MAX_S) {
		reply_error(t->reply, REPLY_BAD_REQUEST, "confirm_s: 0..%d is expected",
			    CONFIRM_MAX_S);
	} else if (st->before && !confirm_s) {
		refuse(t,
		       "a reload waits to be confirmed: twampctl confirm, or reload with --confirm");
	} else {
		steer_say(t, "reload", confirm_s ? "to be confirmed" : "");
		if (server_reload(t->server, why, sizeof why)) {
			finish_reload(t, old, confirm_s);
		} else {
			refuse(t, why);
		}
	}
	settings_unref(old);
	return TASK_DONE;
}

enum task_next steer_confirm(struct task *t)
{
	struct steer *st = t->owner;

	if (!st->before) {
		refuse(t, "no reload waits to be confirmed");
		return TASK_DONE;
	}
	steer_say(t, "confirm", "");
	forget_before(st);
	reply_result(t->reply, json_object());
	return TASK_DONE;
}

/* --- drain ---------------------------------------------------------------------------------- */

struct drain {
	struct mono end; /* 0 = none */
};

static json_t *tell_left(const struct view_status *v)
{
	json_t *o = json_object();

	tell_put(o, "draining", json_boolean(v->draining));
	tell_put(o, "drain_light", json_boolean(v->drain_light));
	tell_put(o, "connections", tell_number(v->connections));
	tell_put(o, "sessions", tell_number(v->sessions));
	return o;
}

static enum task_next wait_for_drain(struct task *t)
{
	const struct drain *d = t->state;
	struct view_status v;

	view_status(t->server, &v);
	if (!v.sessions || !v.draining) {
		reply_result(t->reply, tell_left(&v));
		return TASK_DONE;
	}
	if (d->end.ns && clock_mono().ns >= d->end.ns) {
		reply_error(t->reply, REPLY_REFUSED,
			    "%u sessions are left, and the time is over; the drain goes on",
			    v.sessions);
		return TASK_DONE;
	}
	return TASK_WAIT;
}

static void end_wait(struct task *t)
{
	free(t->state);
}

enum task_next steer_drain(struct task *t)
{
	uint64_t timeout_s = ask_number(&t->ask, "timeout_s", 0);
	bool light = ask_flag(&t->ask, "light");
	struct view_status v;
	struct drain *d;

	steer_say(t, "drain", light ? "--light" : "");
	server_drain(t->server, true, light);
	if (!ask_flag(&t->ask, "wait")) {
		view_status(t->server, &v);
		reply_result(t->reply, tell_left(&v));
		return TASK_DONE;
	}
	d = calloc(1, sizeof *d);
	if (!d) {
		reply_error(t->reply, REPLY_NO_MEMORY, "out of memory; the drain goes on");
		return TASK_DONE;
	}
	if (timeout_s && timeout_s < CONFIRM_MAX_S * 365u) {
		d->end.ns = clock_mono().ns + (int64_t)timeout_s * TS_NS_PER_S;
	}
	t->state = d;
	t->step = wait_for_drain;
	t->end = end_wait;
	return TASK_MORE;
}

enum task_next steer_undrain(struct task *t)
{
	struct view_status v;

	steer_say(t, "undrain", "");
	server_drain(t->server, false, false);
	view_status(t->server, &v);
	reply_result(t->reply, tell_left(&v));
	return TASK_DONE;
}

/* --- log ------------------------------------------------------------------------------------ */

static void on_calm(struct ev_loop *loop, ev_timer *w, int events)
{
	struct steer *st = w->data;

	log_set_level(server_log(st->server), (int)view_settings(st->server)->log_level);
	log_set_client_level(server_log(st->server), NULL, 0);
}

static int find_level(const char *name)
{
	static const char *const names[] = { "error", "warning", "notice", "info", "debug" };

	for (int i = 0; i < 5; i++) {
		if (!strcmp(names[i], name)) {
			return SETTINGS_LEVEL_ERROR + i;
		}
	}
	return -1;
}

enum task_next steer_log(struct task *t)
{
	struct steer *st = t->owner;
	const char *client = ask_text(&t->ask, "client"), *name = ask_text(&t->ask, "level");
	uint64_t for_s = ask_number(&t->ask, "for_s", 0);
	struct prefix who;
	int level = find_level(name);

	if (level < 0 || for_s > CONFIRM_MAX_S || (client && prefix_parse(client, &who))) {
		reply_error(t->reply, REPLY_BAD_REQUEST, "%s",
			    level < 0 ? "level: error, warning, notice, info or debug is expected"
			    : for_s > CONFIRM_MAX_S ? "for_s: 0..86400 is expected"
						    : "client: an address or prefix is expected");
		return TASK_DONE;
	}
	steer_say(t, "log", name);
	if (client) {
		(void)prefix_mask(&who);
		log_set_client_level(server_log(t->server), &who, level);
	} else {
		server_log_level(t->server, level);
	}
	ev_timer_stop(server_loop(t->server), &st->calm);
	if (for_s) {
		ev_timer_set(&st->calm, (double)for_s, 0.);
		ev_timer_start(server_loop(t->server), &st->calm);
	}
	reply_result(t->reply, json_object());
	return TASK_DONE;
}

/* --- what is left behind -------------------------------------------------------------------- */

static void forget_flat(struct steer *st)
{
	settings_unref(st->flat_of);
	free(st->flat);
	st->flat_of = NULL;
	st->flat = NULL;
}

char *steer_flat(struct steer *st)
{
	struct settings *now = view_settings(st->server);

	if (st->flat_of != now) {
		forget_flat(st);
		st->flat = tell_flat(now, view_started_settings(st->server));
		st->flat_of = st->flat ? settings_ref(now) : NULL;
	}
	return st->flat ? strdup(st->flat) : NULL;
}

void steer_init(struct steer *st, struct server *s)
{
	*st = (struct steer){ .server = s };
	ev_init(&st->go_back, on_go_back);
	ev_init(&st->calm, on_calm);
	st->go_back.data = st->calm.data = st;
}

void steer_wipe(struct steer *st)
{
	if (st->server) {
		forget_before(st);
		forget_flat(st);
		ev_timer_stop(server_loop(st->server), &st->calm);
	}
	*st = (struct steer){ 0 };
}
