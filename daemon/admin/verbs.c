// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/verbs.h"

#include "daemon/admin/ending.h"
#include "daemon/admin/lists.h"
#include "daemon/admin/steer.h"
#include "daemon/admin/tell_status.h"
#include "daemon/admin/why.h"

static enum task_next begin_status(struct task *t)
{
	reply_result(t->reply, tell_status(t->server));
	return TASK_DONE;
}

const struct task_verb verbs_table[] = {
	{ .name = "status", .begin = begin_status },
	{ .name = "sessions", .args = lists_sessions_args, .begin = lists_sessions },
	{ .name = "session", .args = lists_session_args, .begin = lists_session },
	{ .name = "clients", .args = lists_clients_args, .begin = lists_clients },
	{ .name = "connections", .args = lists_connections_args, .begin = lists_connections },
	{ .name = "refused", .args = lists_refused_args, .begin = lists_refused },
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
	{ .name = NULL },
};
