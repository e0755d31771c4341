// SPDX-License-Identifier: BSD-2-Clause
/*
 * How a fault in a settings file is told: "FILE:LINE:COLUMN: KEY: what is wrong". Names and
 * values come from the file, so what cannot be printed is escaped (protocol/quote.h). All formats
 * may begin with the key and ": ".
 */
#pragma once

#include "daemon/config/settings.h"

/** Tell it to @err (NULL ok). @line 0 = the file as a whole. Return SETTINGS_BAD. */
int conf_error(struct settings_error *err, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** The same with a column; @class is the name of the class that it is about, or NULL. */
int conf_error_at(struct settings_error *err, const struct settings_place *at, const char *class,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));

/** What makes no file bad. */
void conf_error_warn(struct settings_error *err, const struct settings_place *at, const char *class,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));
