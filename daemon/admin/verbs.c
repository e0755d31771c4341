// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/verbs.h"

#include "daemon/admin/checks.h"
#include "daemon/admin/ending.h"
#include "daemon/admin/headroom.h"
#include "daemon/admin/lightlist.h"
#include "daemon/admin/lists.h"
#include "daemon/admin/metrics_text.h"
#include "daemon/admin/steer.h"
#include "daemon/admin/tell_config.h"
#include "daemon/admin/tell_status.h"
#include "daemon/admin/tell_sums.h"
#include "daemon/admin/why.h"
#include "daemon/admin/yang.h"
#include "daemon/log/log.h"
#include "daemon/reflector/light.h"
#include "daemon/server/server.h"
#include "daemon/server/view.h"

#include <stdlib.h>

#define EVENTS_MAX 256

static enum task_next begin_counters(struct task *t)
{
	reply_result(t->reply, tell_counted(t->server));
	return TASK_DONE;
}

static void put_light(void *context, const struct light_info *l)
{
	reply_item(context, tell_light(l));
}

/* 128 at most. */
static enum task_next begin_light(struct task *t)
{
	json_t *o = json_object();

	light_walk(view_reflector(t->server), put_light, t->reply);
	tell_put(o, "denied", tell_denied(t->server));
	reply_result(t->reply, o);
	return TASK_DONE;
}

/* 256 at most; the oldest first, as in a log. */
static enum task_next begin_events(struct task *t)
{
	static const char *const levels[] = { "emergency", "alert",  "critical", "error",
					      "warning",   "notice", "info",	 "debug" };
	const struct log *log = server_log(t->server);
	uint64_t last = ask_number(&t->ask, "last", EVENTS_MAX);
	struct log_line line;
	unsigned n = 0;

	while (n < last && n < EVENTS_MAX && log_recent(log, n, &line)) {
		n++;
	}
	while (n-- && log_recent(log, n, &line)) {
		json_t *o = json_object();

		tell_put(o, "time", tell_time(line.at));
		tell_put(o, "level", json_string(levels[line.level & 7]));
		tell_put(o, "event", json_string(line.event));
		tell_put(o, "text", tell_text(line.text));
		reply_item(t->reply, o);
	}
	reply_result(t->reply, json_object());
	return TASK_DONE;
}

static const struct ask_arg events_args[] = { { "last", ASK_NUMBER, false },
					      { NULL, ASK_TEXT, false } };

static enum task_next begin_status(struct task *t)
{
	reply_result(t->reply, tell_status(t->server));
	return TASK_DONE;
}

static enum task_next step_metrics(struct task *t)
{
	struct metrics_text *m = t->state;
	int rc = metrics_text_go_on(&m, t->server, true);
	json_t *o;
	char *text;
	size_t len;

	t->state = m;
	if (rc < 0) {
		reply_error(t->reply, REPLY_NO_MEMORY, "out of memory");
		return TASK_DONE;
	}
	if (!rc) {
		return TASK_MORE;
	}
	text = metrics_text_take(m, &len);
	o = json_object();
	tell_put(o, "text", json_stringn(text, len));
	free(text);
	reply_result(t->reply, o);
	return TASK_DONE;
}

static void end_metrics(struct task *t)
{
	metrics_text_free(t->state);
}

static enum task_next begin_metrics(struct task *t)
{
	t->step = step_metrics;
	t->end = end_metrics;
	return step_metrics(t);
}

const struct task_verb verbs_table[] = {
	{ .name = "status", .begin = begin_status },
	{ .name = "sessions", .args = lists_sessions_args, .begin = lists_sessions },
	{ .name = "session", .args = lists_session_args, .begin = lists_session },
	{ .name = "clients", .args = lists_clients_args, .begin = lists_clients },
	{ .name = "connections", .args = lists_connections_args, .begin = lists_connections },
	{ .name = "refused", .args = lists_refused_args, .begin = lists_refused },
	{ .name = "limits", .begin = headroom_begin },
	{ .name = "light", .begin = begin_light },
	{ .name = "light-senders", .begin = lightlist_begin },
	{ .name = "counters", .begin = begin_counters },
	{ .name = "metrics", .begin = begin_metrics },
	{ .name = "events", .args = events_args, .begin = begin_events },
	{ .name = "health", .args = checks_args, .begin = checks_begin },
	{ .name = "config", .args = tell_config_args, .begin = tell_config_begin },
	{ .name = "why", .args = why_args, .begin = why_begin },
	{ .name = "reload", .args = steer_reload_args, .changes = true, .begin = steer_reload },
	{ .name = "confirm", .changes = true, .begin = steer_confirm },
	{ .name = "drain", .args = steer_drain_args, .changes = true, .begin = steer_drain },
	{ .name = "undrain", .changes = true, .begin = steer_undrain },
	{ .name = "end-session",
	  .args = ending_session_args,
	  .changes = true,
	  .begin = ending_session },
	{ .name = "end-client",
	  .args = ending_client_args,
	  .changes = true,
	  .begin = ending_client },
	{ .name = "end-class", .args = ending_class_args, .changes = true, .begin = ending_class },
	{ .name = "log", .args = steer_log_args, .changes = true, .begin = steer_log },
	{ .name = "yang-state", .begin = yang_state },
	{ .name = "yang-config", .begin = yang_config },
	{ .name = NULL },
};
