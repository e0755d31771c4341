// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/exposition.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 16384
#define NUMBER_LEN 32

void exposition_init(struct exposition *e, bool open)
{
	*e = (struct exposition){ .open = open };
}

void exposition_wipe(struct exposition *e)
{
	free(e->text);
	*e = (struct exposition){ .open = e->open };
}

/* Room for @n octets and the end of the string. */
static bool reserve(struct exposition *e, size_t n)
{
	size_t size = e->size ? e->size : FIRST_SIZE;
	char *more;

	while (size - e->len <= n) {
		size *= 2;
	}
	if (e->failed || size == e->size) {
		return !e->failed;
	}
	more = realloc(e->text, size);
	e->failed = !more;
	if (more) {
		e->text = more;
		e->size = size;
	}
	return more;
}

static void put(struct exposition *e, const char *text, size_t len)
{
	if (reserve(e, len)) {
		memcpy(e->text + e->len, text, len);
		e->len += len;
		e->text[e->len] = '\0';
	}
}

static void say(struct exposition *e, const char *text)
{
	put(e, text, strlen(text));
}

/* Help texts and values of labels have the same escapes but for the quotation mark. */
static void escape(struct exposition *e, const char *text, bool quoted)
{
	for (; *text; text++) {
		if (*text == '\n') {
			say(e, "\\n");
		} else if (*text == '\\' || (*text == '"' && quoted)) {
			put(e, (const char[]){ '\\', *text }, 2);
		} else {
			put(e, text, 1);
		}
	}
}

static void head(struct exposition *e, const char *what, const char *ending, const char *text)
{
	say(e, "# ");
	say(e, what);
	say(e, " ");
	say(e, e->family);
	say(e, ending);
	say(e, " ");
	escape(e, text, e->open);
	say(e, "\n");
}

void exposition_family(struct exposition *e, const char *name, enum exposition_type type,
		       const char *unit, const char *help)
{
	static const char *const types[] = { "gauge", "counter", "histogram" };
	/* The older format knows samples, not families. */
	const char *ending = type == EXPOSITION_COUNTER && !e->open ? "_total" : "";

	e->family = name;
	head(e, "TYPE", ending, types[type]);
	if (unit && e->open) {
		head(e, "UNIT", ending, unit);
	}
	head(e, "HELP", ending, help);
	e->counter = type == EXPOSITION_COUNTER;
}

static void begin(struct exposition *e, const char *ending, const struct exposition_label *labels,
		  const char *le)
{
	const char *next = "{";

	say(e, e->family);
	say(e, ending);
	for (; labels && labels->name; labels++) {
		say(e, next);
		say(e, labels->name);
		say(e, "=\"");
		escape(e, labels->value, true);
		say(e, "\"");
		next = ",";
	}
	if (le) {
		say(e, next);
		say(e, "le=\"");
		say(e, le);
		say(e, "\"");
		next = ",";
	}
	say(e, *next == ',' ? "} " : " ");
}

static void end_number(struct exposition *e, uint64_t value)
{
	char text[NUMBER_LEN];

	(void)snprintf(text, sizeof(text), "%" PRIu64 "\n", value);
	say(e, text);
}

/* A locale is never set, so that the point is a point. */
static const char *real(double value, char text[static NUMBER_LEN])
{
	if (isnan(value) || isinf(value)) {
		return isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
	}
	(void)snprintf(text, NUMBER_LEN, "%.12g", value);
	return text;
}

static void end_real(struct exposition *e, double value)
{
	char text[NUMBER_LEN];

	say(e, real(value, text));
	say(e, "\n");
}

void exposition_number(struct exposition *e, const struct exposition_label *labels, uint64_t value)
{
	begin(e, e->counter ? "_total" : "", labels, NULL);
	end_number(e, value);
}

void exposition_real(struct exposition *e, const struct exposition_label *labels, double value)
{
	begin(e, e->counter ? "_total" : "", labels, NULL);
	end_real(e, value);
}

void exposition_histogram(struct exposition *e, const struct exposition_label *labels,
			  const double *bounds, const uint64_t *counts, size_t n, double sum)
{
	char text[NUMBER_LEN];
	uint64_t below = 0;

	for (size_t i = 0; i <= n; i++) {
		below += counts[i];
		begin(e, "_bucket", labels, i < n ? real(bounds[i], text) : "+Inf");
		end_number(e, below);
	}
	begin(e, "_sum", labels, NULL);
	end_real(e, sum);
	begin(e, "_count", labels, NULL);
	end_number(e, below);
}

int exposition_end(struct exposition *e)
{
	if (e->open) {
		say(e, "# EOF\n");
	}
	if (e->failed) {
		exposition_wipe(e);
		return -ENOMEM;
	}
	return 0;
}
