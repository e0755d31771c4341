// SPDX-License-Identifier: BSD-2-Clause
/*
 * The settings: twampd.conf (libconfig), checked and immutable. A reload makes a new one;
 * who still needs the old holds a reference. DESIGN 6; every key is a row of the schema.
 */
#pragma once

#include "daemon/control/address.h"
#include "daemon/control/policy.h"
#include "protocol/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct settings_listen {
	struct address address; /* family 4 or 6; "" in the file makes one of each */
};

enum settings_timestamps {
	SETTINGS_TIMESTAMPS_AUTO, /* the best that works */
	SETTINGS_TIMESTAMPS_KERNEL,
	SETTINGS_TIMESTAMPS_USER,
};

enum settings_level {
	SETTINGS_LEVEL_ERROR = 3, /* as syslog */
	SETTINGS_LEVEL_WARNING = 4,
	SETTINGS_LEVEL_NOTICE = 5,
	SETTINGS_LEVEL_INFO = 6,
	SETTINGS_LEVEL_DEBUG = 7,
};

struct settings {
	struct policy policy;
	struct settings_listen *listen;
	size_t n_listen;
	uint32_t reflector_threads; /* 0 = one per CPU; restart */
	enum settings_timestamps timestamps;
	enum settings_level log_level;
	unsigned refs;
};

#define SETTINGS_PATH "/etc/twampd/twampd.conf"

/* When a changed key holds. */
enum settings_apply {
	SETTINGS_NOW,
	SETTINGS_NEXT, /* for new connections and sessions */
	SETTINGS_RESTART,
};

/* An error in the file, ready to be shown: "twampd.conf:12: limits.max_sessions: 0 is out of
 * range, expected: integer 1..1000000". Printable ASCII. */
struct settings_error {
	char text[512];
};

/**
 * Read and check a file, and then the conf.d/ *.conf beside it in the order of their names: a
 * later file replaces keys of an earlier one. @path NULL gives the built-in defaults (which are
 * those of the annotated conf/twampd.conf). On success one reference is the caller's; references
 * are for the main thread only.
 * Return 0; -ENOMEM; or SETTINGS_BAD with @err (NULL ok) filled in: the first fault.
 */
enum settings_result { SETTINGS_BAD = 1 };
NODISCARD int settings_load(const char *path, struct settings **out, struct settings_error *err);

struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s); /* NULL ok */

/** Every key with its value as it would be written in a file, for --dump. */
void settings_dump(const struct settings *s, FILE *to);

/**
 * Names of keys that differ and need a restart, comma-separated, into @buf (empty if none).
 * Return how many.
 */
unsigned settings_restart_needed(const struct settings *old, const struct settings *now, char *buf,
				 size_t size);

/** One line per key: "limits.max_sessions  integer 1..1000000  default 1000  next  <help>"
 * for tests of the manual page and the sample file. */
void settings_schema(FILE *to);
