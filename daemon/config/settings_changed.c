// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/classes.h"
#include "daemon/config/keys.h"
#include "daemon/config/settings_dump.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct names {
	char *buf;
	size_t size, len;
	unsigned n;
};

static void add(struct names *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What does not fit ends with "..." */
static void add(struct names *to, const char *format, ...)
{
	char name[256];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	if (len > 0 && to->len + (size_t)len + sizeof(", , ...") <= to->size) {
		to->len += (size_t)snprintf(to->buf + to->len, to->size - to->len, "%s%s",
					    to->n ? ", " : "", name);
	} else if (to->len + sizeof(", ...") <= to->size) {
		(void)snprintf(to->buf + to->len, to->size - to->len, ", ...");
		to->size = to->len; /* no more */
	}
	to->n++;
}

/* As in a file; NULL = no memory. */
static char *text_of(const struct settings *s, const struct settings_class *c,
		     const struct schema_row *row)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f) {
		return NULL;
	}
	settings_dump_value(s, c, c ? SCHEMA_CLASS : SCHEMA_SERVER, row, f);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

/* Where it cannot be told it counts as different. */
static bool same(const struct schema_row *row, const struct settings *old,
		 const struct settings_class *old_class, const struct settings *now,
		 const struct settings_class *now_class)
{
	char *a = text_of(old, old_class, row), *b = text_of(now, now_class, row);
	bool equal = a && b && !strcmp(a, b);

	free(a);
	free(b);
	return equal;
}

static const struct settings_class *find(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n_classes; i++) {
		if (!strcmp(s->classes[i].name, name)) {
			return &s->classes[i];
		}
	}
	return NULL;
}

static void compare_class(struct names *to, const struct settings *old,
			  const struct settings_class *a, const struct settings *now,
			  const struct settings_class *b)
{
	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		const struct schema_row *row = &schema_rows[i];
		bool set_a = settings_dump_is_set(a, row), set_b = settings_dump_is_set(b, row);

		if ((row->scope & SCHEMA_CLASS) && (set_a || set_b) &&
		    (set_a != set_b || !same(row, old, a, now, b))) {
			add(to, "clients.%s.%s", a->name, row->key);
		}
	}
}

static void compare_classes(struct names *to, const struct settings *old,
			    const struct settings *now)
{
	for (size_t i = 0; i < now->n_classes; i++) {
		const struct settings_class *a = find(old, now->classes[i].name);

		if (a) {
			compare_class(to, old, a, now, &now->classes[i]);
		} else {
			add(to, "clients.%s (new)", now->classes[i].name);
		}
	}
	for (size_t i = 0; i < old->n_classes; i++) {
		if (!find(now, old->classes[i].name)) {
			add(to, "clients.%s (gone)", old->classes[i].name);
		}
	}
}

/* KeyIDs and passphrases: how many, for the rest is nobody's business. */
static void compare_keys(struct names *to, const struct keys *old, const struct keys *now)
{
	size_t both = 0, changed = 0;
	const struct key *a, *b;

	for (size_t i = 0; (b = keys_at(now, i)); i++) {
		a = keys_find(old, b->key_id, b->key_id_len);
		both += a != NULL;
		changed += a && (a->passphrase_len != b->passphrase_len ||
				 memcmp(a->passphrase, b->passphrase, a->passphrase_len) != 0);
	}
	if (changed || keys_count(old) != both || keys_count(now) != both) {
		add(to, "keys (%zu new, %zu gone, %zu changed)", keys_count(now) - both,
		    keys_count(old) - both, changed);
	}
}

unsigned settings_changed(const struct settings *old, const struct settings *now, char *buf,
			  size_t size)
{
	struct names to = { .buf = buf, .size = size };

	if (size) {
		buf[0] = '\0';
	}
	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		const struct schema_row *row = &schema_rows[i];

		if (row->type == SCHEMA_CLASSES) {
			compare_classes(&to, old, now);
		} else if ((row->scope & SCHEMA_SERVER) && !same(row, old, NULL, now, NULL)) {
			add(&to, "%s", row->key);
		}
	}
	compare_keys(&to, old->keys, now->keys);
	return to.n;
}
