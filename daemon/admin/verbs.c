// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/verbs.h"

#include "daemon/admin/tell_status.h"

static enum task_next begin_status(struct task *t)
{
	reply_result(t->reply, tell_status(t->owner));
	return TASK_DONE;
}

const struct task_verb verbs_table[] = {
	{ .name = "status", .begin = begin_status },
	{ .name = NULL },
};
