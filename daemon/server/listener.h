// SPDX-License-Identifier: BSD-2-Clause
/*
 * TCP listening sockets for TWAMP-Control, as the settings name them. A reload opens the new
 * ones first and drops the old ones only when all of them are there.
 */
#pragma once

#include "daemon/config/settings.h"

#include <ev.h>
#include <sys/socket.h>

struct server;

struct listener {
	struct server *server;
	struct listener *next;
	struct address wanted; /* as configured; port 0 = any */
	uint32_t device; /* that it is bound to: a VRF; 0 = none */
	struct address bound;
	int fd;
	bool said; /* in the log */
	ev_io io;
};

/**
 * A listener for each entry of @now: those of @old are reused, the others opened. If the service
 * manager passed sockets, they are the listeners, whatever @now says. Nothing of @old is closed.
 * Return 0 with *out, or negative errno with @fault naming address and device.
 */
NODISCARD int listener_prepare(struct server *s, struct listener *old, const struct settings *now,
			       struct listener **out, struct settings_listen *fault);

/** Make @next the list: starts the new, closes those of the old list that are not in it. */
void listener_swap(struct listener **list, struct listener *next);

/** Close and free all. */
void listener_close(struct listener **list);

/** Stop or go on accepting. */
void listener_pause(struct listener *list, bool pause);
