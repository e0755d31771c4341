// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/conf_error.h"

#include "protocol/quote.h"

#include <stdarg.h>
#include <string.h>

/* Of a longer path the end is shown: the text must have room for what is wrong. */
#define FILE_SHOWN 160
#define WHAT_LEN 384

void settings_fault_text(const struct settings_fault *f, char *buf, size_t size)
{
	const char *file = f->file, *cut = "";
	size_t len = strlen(file), n;
	char text[SETTINGS_ERROR_LEN];

	if (len > FILE_SHOWN) {
		cut = "...";
		file += len - FILE_SHOWN;
	}
	n = (size_t)snprintf(text, sizeof(text), "%s%s", cut, file);
	if (f->line && n < sizeof(text)) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, ":%u", f->line);
	}
	if (f->line && f->column && n < sizeof(text)) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, ":%u", f->column);
	}
	if (n < sizeof(text)) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, ": %s%s%s", f->key,
				      *f->key ? ": " : "", f->text);
	}
	if (*f->class && n < sizeof(text)) {
		(void)snprintf(text + n, sizeof(text) - n, " (class \"%s\")", f->class);
	}
	(void)quote_clean(buf, size, text);
}

/* "limits.max_sessions: 0 is ...": the name before the colon, if it is one. */
static const char *split_key(const char *what, char key[static WHAT_LEN])
{
	size_t len = strspn(what, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  "_.*-");

	key[0] = '\0';
	if (!len || what[len] != ':' || what[len + 1] != ' ') {
		return what;
	}
	memcpy(key, what, len);
	key[len] = '\0';
	return what + len + 2;
}

static void __attribute__((format(printf, 5, 0)))
tell(struct settings_error *err, const struct settings_place *at, const char *class, bool warning,
     const char *format, va_list args)
{
	struct settings_fault f = { warning, at->file, at->line, at->column, "", "", "" };
	char raw[WHAT_LEN], what[WHAT_LEN], key[WHAT_LEN];

	(void)vsnprintf(raw, sizeof(raw), format, args);
	(void)quote_clean(what, sizeof(what), raw);
	f.text = split_key(what, key);
	f.key = key;
	f.class = class ? class : "";
	if (warning) {
		err->n_warnings++;
	} else if (!err->n++) {
		settings_fault_text(&f, err->text, sizeof(err->text));
	}
	if (err->tell) {
		err->tell(err->to, &f);
	}
}

int conf_error_at(struct settings_error *err, const struct settings_place *at, const char *class,
		  const char *format, ...)
{
	va_list args;

	if (err) {
		va_start(args, format);
		tell(err, at, class, false, format, args);
		va_end(args);
	}
	return SETTINGS_BAD;
}

int conf_error(struct settings_error *err, const char *file, unsigned line, const char *format, ...)
{
	struct settings_place at = { file, line, 0 };
	va_list args;

	if (err) {
		va_start(args, format);
		tell(err, &at, NULL, false, format, args);
		va_end(args);
	}
	return SETTINGS_BAD;
}

void conf_error_warn(struct settings_error *err, const struct settings_place *at, const char *class,
		     const char *format, ...)
{
	va_list args;

	if (err) {
		va_start(args, format);
		tell(err, at, class, true, format, args);
		va_end(args);
	}
}
