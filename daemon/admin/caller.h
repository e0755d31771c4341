// SPDX-License-Identifier: BSD-2-Clause
/*
 * Those who are connected to the desk: each asks one thing after the other, and what they ask for
 * is done in turns. Private to desk.c.
 */
#pragma once

#include "daemon/admin/task.h"

#include <ev.h>
#include <sys/socket.h>

struct caller;
struct desk_config;

struct callers {
	struct ev_loop *loop;
	const struct desk_config *config;
	struct caller *first; /* all of them */
	unsigned n;
	struct caller *next_turn, *last_turn; /* those with something to do */
	ev_timer pump;
};

void callers_init(struct callers *all, struct ev_loop *loop, const struct desk_config *c);
void callers_wipe(struct callers *all);

/** @fd is taken over, also where there is no memory. Return 0 or -ENOMEM. */
NODISCARD int caller_new(struct callers *all, int fd, const struct ucred *who, bool may_change);
