// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/schema.h"

#include <string.h>

/* A line "KEY = VALUE". */
struct line {
	const char *at, *value, *end;
	size_t key_len;
};

/* The line at @at. Return false at the end of the text. */
static bool read_line(const char *at, struct line *l)
{
	const char *equals;

	l->at = at;
	l->end = at + strcspn(at, "\n");
	equals = memmem(at, (size_t)(l->end - at), " = ", 3);
	l->key_len = (size_t)((equals ? equals : l->end) - at);
	l->value = equals ? equals + 3 : l->end;
	return *at != '\0';
}

static const char *next(const struct line *l)
{
	return *l->end ? l->end + 1 : l->end;
}

static bool same_key(const struct line *a, const struct line *b)
{
	return a->key_len == b->key_len && !memcmp(a->at, b->at, a->key_len);
}

/* The line with the key of @l: mostly the one at @guess. */
static bool find(const char *text, const char *guess, const struct line *l, struct line *out)
{
	if (read_line(guess, out) && same_key(out, l)) {
		return true;
	}
	for (; read_line(text, out); text = next(out)) {
		if (same_key(out, l)) {
			return true;
		}
	}
	return false;
}

/* "clients.lab.limits.max_sessions" is the row of "limits.max_sessions". */
static enum settings_apply apply_of(const char *key, const char *old)
{
	bool in_class = !strncmp(key, "clients.", 8);
	const struct schema_row *row;

	for (; in_class && key; key = strchr(key, '.')) {
		row = schema_find(++key, SCHEMA_CLASS);
		if (row) {
			return row->apply;
		}
	}
	/* Shared ports are opened once, from ports.first on. */
	if (!in_class && !strcmp(key, "ports.first") && strstr(old, "ports.mode = \"shared\"\n") &&
	    strstr(old, "ports.shared_port = 0\n")) {
		return SETTINGS_RESTART;
	}
	row = in_class ? NULL : schema_find(key, SCHEMA_SERVER);
	return row ? row->apply : SETTINGS_NEXT;
}

static void tell(const char *old, const struct line *from, const struct line *now,
		 void (*each)(void *to, const struct settings_change *change), void *to)
{
	const struct line *l = now ? now : from;
	struct settings_change c = { 0 };

	(void)snprintf(c.key, sizeof(c.key), "%.*s", (int)l->key_len, l->at);
	if (from) {
		c.from = from->value;
		c.from_len = (size_t)(from->end - from->value);
	}
	if (now) {
		c.to = now->value;
		c.to_len = (size_t)(now->end - now->value);
	}
	c.apply = apply_of(c.key, old);
	each(to, &c);
}

size_t settings_changes(const char *old, const char *now,
			void (*each)(void *to, const struct settings_change *change), void *to)
{
	const char *guess = old;
	struct line a, b;
	size_t n = 0, len;

	for (const char *at = now; read_line(at, &b); at = next(&b)) {
		bool found = find(old, guess, &b, &a);

		len = (size_t)(b.end - b.value);
		guess = found ? next(&a) : guess;
		if (!found || len != (size_t)(a.end - a.value) ||
		    memcmp(a.value, b.value, len) != 0) {
			tell(old, found ? &a : NULL, &b, each, to);
			n++;
		}
	}
	guess = now;
	for (const char *at = old; read_line(at, &a); at = next(&a)) {
		if (find(now, guess, &a, &b)) {
			guess = next(&b);
		} else {
			tell(old, &a, NULL, each, to);
			n++;
		}
	}
	return n;
}

size_t settings_count(const struct settings *s)
{
	size_t n = 0;

	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		n += s->places[i].file != NULL;
		for (size_t c = 0; c < s->n_classes; c++) {
			n += s->classes[c].places[i].file != NULL;
		}
	}
	return n;
}
