// SPDX-License-Identifier: BSD-2-Clause
/*
 * The shell around the pure parts: main loop, listeners, signals, reload, systemd. What may run on
 * the main loop, and what it may wait for: docs/loops.md. What it holds is seen through view.h; its
 * parts are known to a few files only (server_parts.h).
 */
#pragma once

#include "daemon/log/log.h"
#include "daemon/server/guests.h"

#include <ev.h>

struct server;
struct settings;

struct server_options {
	const char *config_path;
	enum log_target log_target;
	struct guests guests;
};

/** Run until told to stop. Return the exit status, EXIT_SUCCESS or as start.h has it. */
int server_run(const struct server_options *o);

/* --- for guests: steering. Main thread ------------------------------------------------ */

/** As SIGUSR1: take nothing new, let what runs finish; or SIGUSR2: as before. Says so, if it is
 * news. @light: all ports of light give no replies, until the drain ends. */
void server_drain(struct server *s, bool on, bool light);

/**
 * As SIGHUP. Return true, or false with @why: then the settings are as they were, as view_status()
 * tells, too.
 */
bool server_reload(struct server *s, char *why, size_t size);

/** Go back to settings that held before; status tells the @reason. Return as server_reload(). */
bool server_restore(struct server *s, struct settings *before, const char *reason, char *why,
		    size_t size);

/** Log what is as important as @level (enum settings_level), until the next reload. */
void server_log_level(struct server *s, int level);

struct ev_loop *server_loop(const struct server *s);

/** It serves clients: what comes now is a reload, no start. */
bool server_is_ready(const struct server *s);
struct log *server_log(const struct server *s);

/** The socket that the service manager passed for twampctl; -1 = none. It stays the server's. */
int server_admin_socket(const struct server *s);
