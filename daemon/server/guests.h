// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who lives on the server's loop and is none of its own: the admin socket, the metrics. All is
 * called in the main thread.
 */
#pragma once

#include "protocol/wire.h"

#include <stdbool.h>
#include <stddef.h>

struct server;
struct settings;

struct guest {
	/* Open what @next want and is not there yet; nothing may be noticed of it. At the start, too.
	 * Return 0, or negative errno with @why: then the settings are refused. NULL ok. */
	int (*prepare)(void *context, struct server *s, const struct settings *next, char *why,
		       size_t size);
	/* What was prepared holds from now on; or not, since something else failed. NULL ok. */
	void (*settle)(void *context, struct server *s, bool taken);
	/* The loop stands still for good, or a start has failed, after which another may be tried:
	 * close all, if anything is open. NULL ok. */
	void (*end)(void *context, struct server *s);
	void *context;
};

#define GUESTS_MAX 4

struct guests {
	struct guest of[GUESTS_MAX];
	unsigned n;
};

/** All of them, or none: then negative errno with @why. */
NODISCARD int guests_prepare(const struct guests *g, struct server *s, const struct settings *next,
			     char *why, size_t size);
void guests_settle(const struct guests *g, struct server *s, bool taken);
void guests_end(const struct guests *g, struct server *s);
