// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/schema.h"

#include <string.h>

const struct schema_row *schema_find(const char *key, enum schema_scope where)
{
	for (size_t i = 0; i < schema_n_rows; i++) {
		if ((schema_rows[i].scope & where) && !strcmp(schema_rows[i].key, key)) {
			return &schema_rows[i];
		}
	}
	return NULL;
}

bool schema_is_group(const char *name, enum schema_scope where)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < schema_n_rows; i++) {
		const struct schema_row *row = &schema_rows[i];

		if ((row->scope & where) && !strncmp(row->key, name, len) && row->key[len] == '.') {
			return true;
		}
	}
	return false;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

#define KEY_MAX 64

/* Levenshtein. Both are shorter than KEY_MAX. */
static unsigned edits(const char *a, const char *b)
{
	unsigned row[KEY_MAX + 1];
	size_t n = strlen(b);

	for (unsigned j = 0; j <= n; j++) {
		row[j] = j;
	}
	for (size_t i = 0; a[i]; i++) {
		unsigned corner = row[0];

		row[0]++;
		for (size_t j = 0; j < n; j++) {
			unsigned replaced = corner + (a[i] != b[j]);

			corner = row[j + 1];
			row[j + 1] = least(replaced, least(corner, row[j]) + 1);
		}
	}
	return row[n];
}

static const char *last_name(const char *key)
{
	const char *point = strrchr(key, '.');

	return point ? point + 1 : key;
}

/* Better than what was found up to now? The right name in the wrong group, or in none, is best. */
static void consider(const char *key, const char *candidate, unsigned *fewest,
		     char best[static SCHEMA_TEXT_LEN])
{
	unsigned n = strcmp(last_name(key), last_name(candidate)) ? edits(key, candidate) : 0;

	if (n < *fewest) {
		*fewest = n;
		(void)snprintf(best, SCHEMA_TEXT_LEN, "%s", candidate);
	}
}

char *schema_suggest(const char *key, enum schema_scope where, char buf[static SCHEMA_TEXT_LEN])
{
	unsigned fewest = 3;

	buf[0] = '\0';
	for (int groups = 0; groups < 2 && strlen(key) < KEY_MAX; groups++) {
		for (size_t i = 0; i < schema_n_rows; i++) {
			const char *name = schema_rows[i].key, *point = strchr(name, '.');
			char group[KEY_MAX];

			if (!(schema_rows[i].scope & where) || (groups && !point)) {
				continue;
			}
			(void)snprintf(group, sizeof(group), "%.*s",
				       groups ? (int)(point - name) : KEY_MAX, name);
			consider(key, group, &fewest, buf);
		}
	}
	return buf;
}

char *schema_names(enum schema_scope where, char buf[static SCHEMA_TEXT_LEN])
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < schema_n_rows; i++) {
		if ((schema_rows[i].scope & where) && len < SCHEMA_TEXT_LEN) {
			len += (size_t)snprintf(buf + len, SCHEMA_TEXT_LEN - len, "%s%s",
						len ? ", " : "", schema_rows[i].key);
		}
	}
	return buf;
}

const char *schema_prefix(enum schema_scope where)
{
	switch (where) {
	case SCHEMA_SERVER:
		break;
	case SCHEMA_CLASS:
		return "clients.";
	case SCHEMA_LISTEN:
		return "listen.";
	case SCHEMA_LIGHT:
		return "light.";
	case SCHEMA_ROW:
		return "light.senders.";
	}
	return "";
}

bool schema_is_value(const struct schema_row *row)
{
	return schema_types[row->type].text != NULL;
}

/* Shared ports are opened once, one for each thread from ports.first on. */
bool schema_is_fixed(const struct schema_row *row, const struct settings *s)
{
	return row->apply == SETTINGS_RESTART ||
	       (s->ports_mode == SETTINGS_PORTS_SHARED && !s->shared_port &&
		!strcmp(row->key, "ports.first"));
}

uint32_t schema_min(const struct schema_row *row, enum schema_scope where)
{
	return where == SCHEMA_CLASS ? row->class_min : row->min;
}

char *schema_accepts(const struct schema_row *row, enum schema_scope where,
		     char buf[static SCHEMA_TEXT_LEN])
{
	const struct schema_type_row *type = &schema_types[row->type];

	buf[0] = '\0';
	if (type->accepted) {
		type->accepted(row, where, buf);
	} else {
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "%s", type->accepts);
	}
	return buf;
}

char *schema_text(const struct schema_row *row, uint64_t value, char buf[static SCHEMA_TEXT_LEN])
{
	buf[0] = '\0';
	schema_types[row->type].text(row, value, buf);
	return buf;
}

static uint64_t fetch(const char *at, size_t size)
{
	uint8_t tiny;
	uint16_t small;
	uint32_t value;
	uint64_t large;

	if (size == sizeof(tiny)) {
		memcpy(&tiny, at, sizeof(tiny));
		return tiny;
	}
	if (size == sizeof(small)) {
		memcpy(&small, at, sizeof(small));
		return small;
	}
	if (size == sizeof(value)) {
		memcpy(&value, at, sizeof(value));
		return value;
	}
	memcpy(&large, at, sizeof(large));
	return large;
}

static void store(char *at, size_t size, uint64_t large)
{
	uint8_t tiny = (uint8_t)large;
	uint16_t small = (uint16_t)large;
	uint32_t value = (uint32_t)large;

	if (size == sizeof(tiny)) {
		memcpy(at, &tiny, sizeof(tiny));
	} else if (size == sizeof(small)) {
		memcpy(at, &small, sizeof(small));
	} else if (size == sizeof(value)) {
		memcpy(at, &value, sizeof(value));
	} else {
		memcpy(at, &large, sizeof(large));
	}
}

/* What may stand in a class has its offset in the settings, too. */
static size_t offset(const struct schema_row *row, enum schema_scope where)
{
	return where == SCHEMA_CLASS ? row->offset - offsetof(struct settings, configured) +
					       offsetof(struct settings_class, configured)
				     : row->offset;
}

const void *schema_value(const struct schema_row *row, enum schema_scope where, const void *in)
{
	return (const char *)in + offset(row, where);
}

uint64_t schema_get(const struct schema_row *row, enum schema_scope where, const void *in)
{
	return fetch(schema_value(row, where, in), row->size);
}

void schema_put(const struct schema_row *row, enum schema_scope where, void *in, uint64_t value)
{
	store((char *)in + offset(row, where), row->size, value);
}

void schema_put_presets(enum schema_scope where, void *in)
{
	for (const struct schema_row *row = schema_rows; row < schema_rows + schema_n_rows; row++) {
		if ((row->scope & where) && schema_is_value(row)) {
			schema_put(row, where, in, row->preset);
		}
	}
}
_Static_assert(sizeof(enum settings_timestamps) == sizeof(uint32_t), "schema_put");
_Static_assert(sizeof(enum settings_ports) == sizeof(uint32_t), "schema_put");
_Static_assert(sizeof(enum settings_level) == sizeof(uint32_t), "schema_put");
_Static_assert(sizeof(enum settings_light_type) == sizeof(uint32_t), "schema_put");
_Static_assert(sizeof(enum settings_light_mode) == sizeof(uint32_t), "schema_put");
_Static_assert(sizeof(enum settings_key_format) == sizeof(uint32_t), "schema_put");
_Static_assert(sizeof(enum settings_clock_source) == sizeof(uint32_t), "schema_put");
_Static_assert(sizeof(enum ts_format) == sizeof(uint32_t), "schema_put");
_Static_assert(sizeof(bool) == sizeof(uint8_t), "schema_put");
