// SPDX-License-Identifier: BSD-2-Clause
/*
 * TCP listening sockets for TWAMP-Control, as the settings name them. A reload opens the new
 * ones first and drops the old ones only when all of them are there; so does a restart with those
 * of the process before.
 */
#pragma once

#include "daemon/config/settings.h"

#include <ev.h>

struct inherited;
struct listeners;
struct log;
union endpoint;

struct listener {
	struct listeners *all;
	struct listener *next;
	struct address wanted; /* as configured; port 0 = any */
	uint32_t device; /* that it is bound to: a VRF; 0 = none */
	struct address bound;
	int fd; /* -1 = the host has not got the family */
	bool said; /* in the log */
	bool inherited; /* of the process before */
	bool shares; /* its port, while another one of ours is opened */
	ev_io io;
	ev_timer leave; /* leaving.h */
};

struct listeners {
	struct ev_loop *loop;
	struct log *log;
	struct inherited *inherited;
	/* Who knocks is handed over. False: before the next is taken, those who are in should be
	 * heard. */
	bool (*take)(void *context, int fd, const union endpoint *peer);
	/* There is no descriptor or memory for who knocks: false if nobody can make room. */
	bool (*make_room)(void *context);
	void *context;

	struct listener *list;
	struct listener *leaving; /* leaving.h */
	ev_timer pause; /* for lack of descriptors */
};

/** With all of the first part set. */
void listener_init(struct listeners *ls);

/** At the start: what the process before listened on becomes the list. Return 0 or -ENOMEM. */
NODISCARD int listener_inherit(struct listeners *ls);

/**
 * A listener for each entry of @now: those that there are are reused, the others opened. If the
 * service manager passed sockets, they are the listeners, whatever @now says. Nothing is closed.
 * A family that was only implied and that the host has not got is left out.
 * Return 0 with *out, or negative errno with @fault naming address, device and place.
 */
NODISCARD int listener_prepare(struct listeners *ls, const struct settings *now,
			       struct listener **out, struct settings_listen *fault);

/** Make @next the list: starts the new, closes those that are not in it when who waits is taken. */
void listener_swap(struct listeners *ls, struct listener *next);

/** Close and free all. Zeros ok. */
void listener_close(struct listeners *ls);

/** Accept from its loop. */
void listener_start(struct listener *l);

/** Take some who wait. True if there may be more. */
bool listener_accept(struct listener *l);
