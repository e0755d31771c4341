// SPDX-License-Identifier: BSD-2-Clause
/*
 * The socket on which operators ask: /run/twampd/control.sock. Who may connect, the file's mode
 * says; who may change something, the kernel says who asks. Callers are few, what each may make us
 * hold is bounded, and all together get a share of each turn of the main loop: nobody who
 * asks, floods or does not read can delay anything else.
 */
#pragma once

#include "daemon/admin/task.h"

#include <ev.h>

#define DESK_TURN_NS INT64_C(2000000) /* for all callers together */
#define DESK_RESERVED 4 /* places that only root and the daemon's user have */

struct desk;

struct desk_config {
	const struct task_verb *verbs;
	struct server *server; /* of the tasks */
	void *owner;
	unsigned max_callers; /* besides those that are reserved */
	unsigned idle_s; /* without a complete question, or with an answer that is not read */
};

/** Return 0 or -ENOMEM. */
NODISCARD int desk_new(struct desk **out, struct ev_loop *loop, const struct desk_config *c);

/** Closes the socket and all callers. NULL ok. */
void desk_free(struct desk *d);

/** Other limits from now on. */
void desk_configure(struct desk *d, unsigned max_callers, unsigned idle_s);

/**
 * Listen on @path, with mode 0660: its folder must be there, a socket that nobody listens on is
 * replaced. Return 0 or negative errno; -EADDRINUSE if somebody does.
 */
NODISCARD int desk_listen(struct desk *d, const char *path);

/** On a socket that was passed, which stays open when the desk is gone. Return as desk_listen. */
NODISCARD int desk_take(struct desk *d, int fd);

/** Listen no more; who asks already gets the answer. */
void desk_close(struct desk *d);

/** Somebody is connected already; for tests. */
NODISCARD int desk_serve(struct desk *d, int fd);

/** How many there are now. */
unsigned desk_callers(const struct desk *d);
