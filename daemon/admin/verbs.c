// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/verbs.h"

#include "daemon/admin/lists.h"
#include "daemon/admin/tell_status.h"
#include "daemon/admin/why.h"

static enum task_next begin_status(struct task *t)
{
	reply_result(t->reply, tell_status(t->owner));
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
	{ .name = NULL },
};
