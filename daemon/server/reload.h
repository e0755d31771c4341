// SPDX-License-Identifier: BSD-2-Clause
/*
 * Settings that come to hold: at the start, and with SIGHUP.
 */
#pragma once

#include "daemon/config/settings.h"
#include "protocol/ts.h"

#include <ev.h>

struct server;

/** Open what @settings want. Return 0, or negative errno with @why; then nothing has changed. */
NODISCARD int reload_listen(struct server *s, struct settings *settings, char *why, size_t size);

#define RELOAD_ASKED_LEN 256

/**
 * Which setting asked for what cannot be had: " (light of FILE:LINE)". @entry: its place, if it is
 * an entry of a list; NULL ok. Returns @buf.
 */
const char *reload_asked(const struct settings *settings, const char *key,
			 const struct settings_place *entry, char buf[static RELOAD_ASKED_LEN]);

#define RELOAD_WHY_LEN 800

enum reload_trouble {
	RELOAD_NONE,
	RELOAD_FAILED, /* the settings stay as they are */
	RELOAD_KEPT, /* after a restart: they stay as they were */
};

/* What became of the last reload, or of the start. */
struct reload_result {
	enum reload_trouble trouble;
	char why[RELOAD_WHY_LEN]; /* "" = the settings of the files are in force */
	struct wall at;
	struct wall settings_since; /* those in force came to hold */
};

/** Log it, and show it in STATUS until the next good reload. */
void reload_trouble(struct server *s, enum reload_trouble t, const char *why);

/** They hold from now on; the reference is taken over. To be called after class_use_prepare(). */
void reload_use(struct server *s, struct settings *settings);

/** Log the listeners and ports that were not told yet. */
void reload_say_listening(struct server *s);

/** Warn of a count that clients refuse. R-006 */
void reload_say_count(struct server *s);

/** SIGHUP: prepare all that can fail, then swap. */
void reload_on_hup(struct ev_loop *loop, ev_signal *w, int events);
