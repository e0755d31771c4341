// SPDX-License-Identifier: BSD-2-Clause
/* twampd --check-config: what is wrong with the settings, what would not work here, what changes. */
#pragma once

#include <stdbool.h>

struct checkconf_options {
	const char *config; /* the settings file; NULL = the one that @as belongs to */
	const char *as, *candidate; /* of settings_check() */
	bool live, strict, json, dump;
};

/** Return the exit status: 0, or 2 for errors and, if strict, for warnings. */
int checkconf(const struct checkconf_options *o);
