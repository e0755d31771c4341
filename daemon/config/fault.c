// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/fault.h"

#include "protocol/quote.h"

#include <stdarg.h>
#include <string.h>

/* Of a longer path the end is shown: the text must have room for what is wrong. */
#define FILE_SHOWN 160

int fault(struct settings_error *err, const char *file, unsigned line, const char *format, ...)
{
	size_t len = strlen(file);
	const char *cut = len > FILE_SHOWN ? "..." : "";
	char what[sizeof(err->text) - FILE_SHOWN - 32], text[sizeof(err->text)];
	va_list args;

	if (!err) {
		return SETTINGS_BAD;
	}
	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (len > FILE_SHOWN) {
		file += len - FILE_SHOWN;
	}
	if (line) {
		(void)snprintf(text, sizeof(text), "%s%s:%u: %s", cut, file, line, what);
	} else {
		(void)snprintf(text, sizeof(text), "%s%s: %s", cut, file, what);
	}
	(void)quote_clean(err->text, sizeof(err->text), text);
	return SETTINGS_BAD;
}
