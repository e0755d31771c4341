// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/keys.h"
#include "daemon/config/schema.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* --- two texts of settings_flat() --- */

/* A line "KEY = VALUE". */
struct line {
	const char *at, *value, *end;
	size_t key_len;
	bool found; /* the other text has the key, too */
};

struct lines {
	struct line *line; /* in the order of the text */
	struct line **by_key; /* sorted */
	size_t n;
};

static void read_line(const char *at, struct line *l)
{
	const char *equals;

	l->at = at;
	l->end = at + strcspn(at, "\n");
	equals = memmem(at, (size_t)(l->end - at), " = ", 3);
	l->key_len = (size_t)((equals ? equals : l->end) - at);
	l->value = equals ? equals + 3 : l->end;
	l->found = false;
}

static int compare_keys_of(const struct line *a, const struct line *b)
{
	size_t n = a->key_len < b->key_len ? a->key_len : b->key_len;
	int order = memcmp(a->at, b->at, n);

	return order ? order : (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

static int compare_lines(const void *a, const void *b)
{
	return compare_keys_of(*(struct line *const *)a, *(struct line *const *)b);
}

static void wipe_lines(struct lines *all)
{
	free(all->line);
	free(all->by_key);
}

static int read_lines(const char *text, struct lines *all)
{
	size_t n = 1;

	for (const char *c = text; *c; c++) {
		n += *c == '\n';
	}
	*all = (struct lines){ .line = calloc(n, sizeof(*all->line)),
			       .by_key = calloc(n, sizeof(struct line *)) };
	if (!all->line || !all->by_key) {
		return -ENOMEM;
	}
	while (*text) {
		struct line *l = &all->line[all->n];

		read_line(text, l);
		all->by_key[all->n++] = l;
		text = *l->end ? l->end + 1 : l->end;
	}
	qsort(all->by_key, all->n, sizeof(struct line *), compare_lines);
	return 0;
}

static struct line *find_line(const struct lines *all, const struct line *l)
{
	struct line **found = all->n ? bsearch(&l, all->by_key, all->n, sizeof(struct line *),
					       compare_lines)
				     : NULL;

	return found ? *found : NULL;
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
	/* As schema_is_fixed(). */
	if (!in_class && !strcmp(key, "ports.first") && strstr(old, "ports.mode = \"shared\"\n") &&
	    strstr(old, "ports.shared_port = 0\n")) {
		return SETTINGS_RESTART;
	}
	row = in_class ? NULL : schema_find(key, SCHEMA_SERVER);
	return row ? row->apply : SETTINGS_NEXT;
}

/* @key: one of the two, for its name; the other may be NULL. */
static void tell(const char *old, const struct line *key, const struct line *from,
		 const struct line *now,
		 void (*each)(void *to, const struct settings_change *change), void *to)
{
	struct settings_change c = { 0 };

	(void)snprintf(c.key, sizeof(c.key), "%.*s", (int)key->key_len, key->at);
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

int settings_changes(const char *old, const char *now,
		     void (*each)(void *to, const struct settings_change *change), void *to)
{
	struct lines a, b = { 0 };
	int r = read_lines(old, &a);

	r = r ? r : read_lines(now, &b);
	for (size_t i = 0; !r && i < b.n; i++) {
		const struct line *l = &b.line[i];
		struct line *was = find_line(&a, l);
		size_t len = (size_t)(l->end - l->value);

		if (was) {
			was->found = true;
		}
		if (!was || len != (size_t)(was->end - was->value) ||
		    memcmp(was->value, l->value, len) != 0) {
			tell(old, l, was, l, each, to);
		}
	}
	for (size_t i = 0; !r && i < a.n; i++) {
		if (!a.line[i].found) {
			tell(old, &a.line[i], &a.line[i], NULL, each, to);
		}
	}
	wipe_lines(&a);
	wipe_lines(&b);
	return r;
}

/* --- names of what differs --- */

struct names {
	char *buf;
	size_t size, len;
	unsigned n;
	const struct settings *old, *now;
	const char *class; /* the last one that is new or gone: it is named once */
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

/* The class of "clients.lab.limits.max_sessions"; its name may have points, too. */
static const struct settings_class *class_of(const struct settings *s, const char *key)
{
	for (size_t i = 0; !strncmp(key, "clients.", 8) && i < s->n_classes; i++) {
		size_t len = strlen(s->classes[i].name);

		if (!strncmp(key + 8, s->classes[i].name, len) && key[8 + len] == '.' &&
		    schema_find(key + 8 + len + 1, SCHEMA_CLASS)) {
			return &s->classes[i];
		}
	}
	return NULL;
}

static void name_change(void *to, const struct settings_change *change)
{
	struct names *names = to;
	const struct settings_class *old = class_of(names->old, change->key);
	const struct settings_class *now = class_of(names->now, change->key);

	if (!old == !now) {
		add(names, "%s", change->key);
		return;
	}
	now = now ? now : old;
	if (!names->class || strcmp(names->class, now->name) != 0) {
		add(names, "clients.%s (%s)", now->name, old ? "gone" : "new");
	}
	names->class = now->name;
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

/* NULL = no memory. */
static char *flat_text(const struct settings *s)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int r = f ? settings_flat(s, NULL, f) : -ENOMEM;

	if (f && fclose(f)) {
		r = -ENOMEM;
	}
	if (r) {
		free(text);
		return NULL;
	}
	return text;
}

unsigned settings_changed(const struct settings *old, const struct settings *now, char *buf,
			  size_t size)
{
	struct names to = { .buf = buf, .size = size, .old = old, .now = now };
	char *a = flat_text(old), *b = flat_text(now);

	if (size) {
		buf[0] = '\0';
	}
	if (!a || !b || settings_changes(a, b, name_change, &to)) {
		add(&to, "...");
	}
	free(a);
	free(b);
	compare_keys(&to, old->keys, now->keys);
	return to.n;
}

/* @running has no more than numbers: settings_scalars(). */
static bool differs(const struct schema_row *row, const struct settings *running,
		    const struct settings *now)
{
	if (row->type == SCHEMA_CPUS) {
		return !CPU_EQUAL(&running->reflector_cpus, &now->reflector_cpus);
	}
	return schema_is_value(row) &&
	       schema_get(row, SCHEMA_SERVER, running) != schema_get(row, SCHEMA_SERVER, now);
}

unsigned settings_restart_needed(const struct settings *running, const struct settings *now,
				 char *buf, size_t size)
{
	unsigned n = 0;
	size_t len = 0;

	if (size) {
		buf[0] = '\0';
	}
	for (size_t i = 0; i < schema_n_rows; i++) {
		const struct schema_row *row = &schema_rows[i];

		if (!(row->scope & SCHEMA_SERVER) || !schema_is_fixed(row, running) ||
		    !differs(row, running, now)) {
			continue;
		}
		if (len < size) {
			len += (size_t)snprintf(buf + len, size - len, "%s%s", n ? ", " : "",
						row->key);
		}
		n++;
	}
	return n;
}

size_t settings_count(const struct settings *s)
{
	size_t n = 0;

	for (size_t i = 0; i < SETTINGS_KEYS_MAX; i++) {
		n += s->places[i].file != NULL;
		for (size_t c = 0; c < s->n_classes; c++) {
			n += s->classes[c].places[i].file != NULL;
		}
	}
	return n;
}
