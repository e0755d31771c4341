// SPDX-License-Identifier: BSD-2-Clause
/*
 * How a fault in a settings file is told: "FILE:LINE: what is wrong". Names and values come
 * from the file, so what cannot be printed is escaped (protocol/quote.h).
 */
#pragma once

#include "daemon/config/settings.h"

/** Fill in @err (NULL ok). @line 0 = the file as a whole. Return SETTINGS_BAD. */
int fault(struct settings_error *err, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
