// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a file says, checked against the schema and put into settings that are being made.
 * Every setting of the file is looked at, not every key of the schema: nothing is ignored.
 */
#pragma once

#include "daemon/config/schema.h"

#include <libconfig.h>

struct apply {
	struct settings *settings;
	struct settings_error *err; /* NULL = tell nobody */
	bool exact; /* columns are wanted, and what is wrong with the syntax */
	const char *as, *candidate; /* of settings_check() */
	bool kept; /* settings_load_kept(): no other file is read */
	const char *kept_keys;
	bool as_used; /* it is one of the files */
	const char *config; /* the main file; NULL = defaults only */
	const char *file; /* being read; lives as long as this */
	char key[176]; /* being read, as it is told: "clients.modes" */
	enum schema_scope where; /* and the struct that it goes into */
	void *in;
	struct settings_class *class; /* that one, or NULL */
	const char *class_name; /* its name, or NULL: it may come later in the file */
	uint64_t bad; /* a bit for each schema row with a fault */
	bool keys_unknown; /* the keys file could not be read */
	unsigned order
		[SETTINGS_KEYS_MAX]; /* in which each key was set last, from 1 on; 0 = not set */
	unsigned n_set;
};

/** The value of every key that no file sets. Return 0 or -ENOMEM. */
NODISCARD int apply_defaults(struct settings *s);

/** What comes of two steps that are both to be done: memory first, then faults. */
static inline int apply_both(int r, int next)
{
	return r < 0 || !next ? r : next;
}

/** All of a file: it goes on behind a fault. Return 0, -ENOMEM or SETTINGS_BAD. */
NODISCARD int apply_file(struct apply *a, const char *path);

/**
 * The keys of one entry of a list, put into @in, the struct of @where; and that all are there that
 * must be. Return 0, -ENOMEM or SETTINGS_BAD.
 */
NODISCARD int apply_entry(struct apply *a, const config_setting_t *s, enum schema_scope where,
			  void *in);

/**
 * The keys file, what follows from all settings together, and what can be checked only then.
 * Return 0, -ENOMEM or SETTINGS_BAD.
 */
NODISCARD int apply_finish(struct apply *a);
