// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a file says, checked against the schema and put into settings that are being made.
 * Every setting of the file is looked at, not every key of the schema: nothing is ignored.
 */
#pragma once

#include "daemon/config/schema.h"

struct apply_place {
	const char *file;
	unsigned line;
	unsigned order; /* of what was set, 0 = not set */
};

struct apply {
	struct settings *settings;
	struct settings_error *err;
	const char *file; /* being read; lives as long as this */
	unsigned order;
	struct apply_place place[SCHEMA_ROWS]; /* where each key was set last */
};

/** The value of every key that no file sets. Return 0 or -ENOMEM. */
NODISCARD int apply_defaults(struct settings *s);

/** Return 0, -ENOMEM or SETTINGS_BAD. */
NODISCARD int apply_file(struct apply *a, const char *path);

/** What can be checked only when all files are read. Return 0 or SETTINGS_BAD. */
NODISCARD int apply_finish(struct apply *a);
