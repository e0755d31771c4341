// SPDX-License-Identifier: BSD-2-Clause
/*
 * The text of settings files, made safe for libconfig, which by itself
 * - keeps the low 32 bits of an integer that has no L behind it (4294967301 becomes 5),
 * - takes an unterminated string or comment for the end of the file,
 * - ends the process when @include names a directory,
 * - needs time with the square of the number of settings in a group,
 * - takes 010 for 8 or for 10, as its version is (1.7, 1.5), and
 * - takes a comma too many in an array or a list, or not, likewise.
 * Not cured: a syntax error right behind a string leaks that string, once per broken file.
 */
#pragma once

#include "daemon/config/settings.h"

#define SOURCE_MAX_OCTETS (4 * 1024 * 1024)
#define SOURCE_MAX_SETTINGS 40000 /* of a file */
#define SOURCE_MAX_GROUP 1000 /* of a group */

#define SOURCE_MAIN "twampd.conf" /* its folder is conf.d, that of another FILE is FILE.d */

/* FILE and the *.conf of its folder, in the order in which they are read. */
struct source_list {
	char **path;
	size_t n;
};

/**
 * @as  a file that is read whether it is there or not, if it belongs to them; NULL = none
 * Return 0, -ENOMEM or SETTINGS_BAD. source_list_free() on every path.
 */
NODISCARD int source_list(const char *path, const char *as, struct source_list *list,
			  struct settings_error *err);
void source_list_free(struct source_list *list);

/** Read a file. @raw is the caller's to free in any case. Return 0, -ENOMEM or SETTINGS_BAD. */
NODISCARD int source_read(const char *path, char **raw, size_t *len, struct settings_error *err);

/**
 * What was read, for libconfig. @text is the caller's to free: lines as in the file, large
 * integers marked with L, no @include in it.
 * Return 0, -ENOMEM or SETTINGS_BAD.
 */
NODISCARD int source_make_safe(const char *path, const char *raw, size_t len, char **text,
			       struct settings_error *err);
