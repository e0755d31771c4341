// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/schema.h"

#include "protocol/mode.h"

#include <inttypes.h>
#include <string.h>

static const char *const groups[] = { "auth",	  "limits",    "ports", "timers",
				      "overload", "reflector", "log" };
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

const struct schema_row *schema_find(const char *key, enum schema_scope where)
{
	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		if ((schema_rows[i].scope & where) && !strcmp(schema_rows[i].key, key)) {
			return &schema_rows[i];
		}
	}
	return NULL;
}

bool schema_is_group(const char *name, enum schema_scope where)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
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

const char *schema_suggest(const char *key, enum schema_scope where)
{
	const char *best = NULL;
	unsigned fewest = 3;

	if (strlen(key) >= KEY_MAX) {
		return NULL;
	}
	for (size_t i = 0; i < SCHEMA_ROWS + GROUPS; i++) {
		const char *candidate = i < SCHEMA_ROWS ? schema_rows[i].key
							: groups[i - SCHEMA_ROWS];
		unsigned n = edits(key, candidate);

		if (i < SCHEMA_ROWS ? !(schema_rows[i].scope & where)
				    : !schema_is_group(candidate, where)) {
			continue;
		}
		/* The right name in the wrong group, or in none. */
		if (!strcmp(last_name(key), last_name(candidate))) {
			n = 0;
		}
		if (n < fewest) {
			fewest = n;
			best = candidate;
		}
	}
	return best;
}

/* Adds to the text in @buf what fits. */
static void add(char buf[static SCHEMA_TEXT_LEN], const char *before, const char *name)
{
	size_t len = strlen(buf);

	(void)snprintf(buf + len, SCHEMA_TEXT_LEN - len, "%s\"%s\"", before, name);
}

static void add_modes(char buf[static SCHEMA_TEXT_LEN], uint32_t modes)
{
	const char *before = "";

	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (!(modes & bit)) {
			continue;
		}
		add(buf, before, mode_name(bit));
		before = ", ";
	}
}

bool schema_is_value(const struct schema_row *row)
{
	return row->type <= SCHEMA_MODES;
}
_Static_assert(SCHEMA_INTEGER < SCHEMA_MODES && SCHEMA_POWER < SCHEMA_MODES &&
		       SCHEMA_BOOLEAN < SCHEMA_MODES && SCHEMA_CHOICE < SCHEMA_MODES &&
		       SCHEMA_DSCP < SCHEMA_MODES && SCHEMA_LISTEN > SCHEMA_MODES,
	       "the values come first");

uint32_t schema_min(const struct schema_row *row, enum schema_scope where)
{
	return where == SCHEMA_CLASS ? row->class_min : row->min;
}

char *schema_accepts(const struct schema_row *row, enum schema_scope where,
		     char buf[static SCHEMA_TEXT_LEN])
{
	const struct schema_choice *c = row->choices;
	const char *text = "";

	switch (row->type) {
	case SCHEMA_INTEGER:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "integer %u..%u", schema_min(row, where),
			       row->max);
		return buf;
	case SCHEMA_POWER:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "power of two %u..%u", row->min, row->max);
		return buf;
	case SCHEMA_BOOLEAN:
		text = "true or false";
		break;
	case SCHEMA_DSCP:
		text = "array of integers 0..63, or \"all\"";
		break;
	case SCHEMA_CHOICE:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "one of \"%s\"", c->name);
		while ((++c)->name) {
			add(buf, ", ", c->name);
		}
		return buf;
	case SCHEMA_MODES:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "array of ");
		add_modes(buf, row->accepted);
		return buf;
	case SCHEMA_LISTEN:
		text = "list of 1 to 64 { address = \"...\"; port = 0..65535; device = \"...\"; "
		       "freebind = true; }";
		break;
	case SCHEMA_LIGHT:
		text = "list of 0 to 64 { address = \"...\"; port = 1..65535; type = \"...\"; "
		       "clients = [ ... ]; ... }";
		break;
	case SCHEMA_FILE:
		text = "path of a file";
		break;
	case SCHEMA_CPUS:
		text = "CPUs 0..1023 like \"0-3,5\"";
		break;
	case SCHEMA_PORTS:
		text = "array of at most 16 integers 1..65535";
		break;
	case SCHEMA_CLASSES:
		text = "list of 0 to 1024 { name = \"...\"; prefixes = [ ... ]; ... }";
		break;
	case SCHEMA_NAME:
		text = "1 to 31 letters, digits, \"_\", \".\", \"-\"";
		break;
	case SCHEMA_PREFIXES:
		text = "array of prefixes, at most 65536 of all classes";
		break;
	case SCHEMA_KEY_IDS:
		text = "array of KeyIDs, at most 10000 of all classes";
		break;
	}
	(void)snprintf(buf, SCHEMA_TEXT_LEN, "%s", text);
	return buf;
}
_Static_assert(SCHEMA_LISTEN_MAX == 64 && SCHEMA_LIGHT_MAX == 64 && SCHEMA_CLASSES_MAX == 1024 &&
		       SETTINGS_CLASS_NAME_MAX == 31 && SCHEMA_PREFIXES_MAX == 65536 &&
		       SCHEMA_KEY_IDS_MAX == 10000 && CPU_SETSIZE == 1024 &&
		       SETTINGS_ALSO_MAX == 16,
	       "named in the texts above");

/* At worst 10 digits and 53 pairs of them: 244 octets. */
static void add_dscp(char buf[static SCHEMA_TEXT_LEN], uint64_t mask)
{
	const char *before = "[ ";

	if (mask == SCHEMA_DSCP_ALL) {
		add(buf, "", "all");
		return;
	}
	for (unsigned n = 0; n < 64; n++) {
		size_t len = strlen(buf);

		if (!(mask >> n & 1)) {
			continue;
		}
		(void)snprintf(buf + len, SCHEMA_TEXT_LEN - len, "%s%u", before, n);
		before = ", ";
	}
	(void)snprintf(buf + strlen(buf), SCHEMA_TEXT_LEN - strlen(buf), " ]");
}

char *schema_text(const struct schema_row *row, uint64_t value, char buf[static SCHEMA_TEXT_LEN])
{
	buf[0] = '\0';
	switch (row->type) {
	case SCHEMA_INTEGER:
	case SCHEMA_POWER:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "%" PRIu64, value);
		break;
	case SCHEMA_BOOLEAN:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "%s", value ? "true" : "false");
		break;
	case SCHEMA_DSCP:
		add_dscp(buf, value);
		break;
	case SCHEMA_CHOICE:
		for (const struct schema_choice *c = row->choices; c->name; c++) {
			if (c->value == value) {
				add(buf, "", c->name);
			}
		}
		break;
	case SCHEMA_MODES:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "[ ");
		add_modes(buf, (uint32_t)value);
		(void)snprintf(buf + strlen(buf), SCHEMA_TEXT_LEN - strlen(buf),
			       value ? " ]" : "]");
		break;
	case SCHEMA_LISTEN:
	case SCHEMA_LIGHT:
	case SCHEMA_FILE:
	case SCHEMA_CPUS:
	case SCHEMA_PORTS:
	case SCHEMA_CLASSES:
	case SCHEMA_NAME:
	case SCHEMA_PREFIXES:
	case SCHEMA_KEY_IDS:
		break;
	}
	return buf;
}

static uint64_t fetch(const char *at, size_t size)
{
	uint16_t small;
	uint32_t value;
	uint64_t large;

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
	uint16_t small = (uint16_t)large;
	uint32_t value = (uint32_t)large;

	if (size == sizeof(small)) {
		memcpy(at, &small, sizeof(small));
	} else if (size == sizeof(value)) {
		memcpy(at, &value, sizeof(value));
	} else {
		memcpy(at, &large, sizeof(large));
	}
}

uint64_t schema_get(const struct schema_row *row, const struct settings *s)
{
	return fetch((const char *)s + row->offset, row->size);
}

void schema_put(const struct schema_row *row, struct settings *s, uint64_t value)
{
	store((char *)s + row->offset, row->size, value);
}

uint64_t schema_class_get(const struct schema_row *row, const struct policy *configured)
{
	return fetch((const char *)configured + row->offset - offsetof(struct settings, configured),
		     row->size);
}

void schema_class_put(const struct schema_row *row, struct policy *configured, uint64_t value)
{
	store((char *)configured + row->offset - offsetof(struct settings, configured), row->size,
	      value);
}
_Static_assert(sizeof(enum settings_timestamps) == sizeof(uint32_t), "schema_put");
_Static_assert(sizeof(enum settings_ports) == sizeof(uint32_t), "schema_put");
_Static_assert(sizeof(enum settings_level) == sizeof(uint32_t), "schema_put");
