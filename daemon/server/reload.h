// SPDX-License-Identifier: BSD-2-Clause
/*
 * Settings that come to hold: at the start, and with SIGHUP.
 */
#pragma once

#include "daemon/config/settings.h"
#include "daemon/server/reload_result.h"

struct server;

/** Open what @settings want. Return 0, or negative errno with @why; then nothing has changed. */
NODISCARD int reload_listen(struct server *s, struct settings *settings, char *why, size_t size);

/** Log it, and show it in STATUS until the next good reload. */
void reload_trouble(struct server *s, enum reload_trouble t, const char *why);

/** They hold from now on; the reference is taken over. To be called after class_use_prepare(). */
void reload_use(struct server *s, struct settings *settings);

/** Log the listeners and ports that were not told yet. */
void reload_say_listening(struct server *s);

/** Warn of a count that clients refuse. R-006 */
void reload_say_count(struct server *s);

/**
 * Prepare all that can fail, then swap. Tells the service manager. False with @why: nothing has
 * changed.
 */
NODISCARD bool reload_now(struct server *s, char *why, size_t size);

/**
 * The settings of before hold again, for a @reason that status tells until the next good reload.
 * Return as reload_now().
 */
bool reload_back(struct server *s, struct settings *before, const char *reason, char *why,
		 size_t size);
