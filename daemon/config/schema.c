// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/schema.h"

#include "protocol/mode.h"

#include <string.h>

#define FIELD(name) \
	.offset = offsetof(struct settings, name), .size = sizeof(((struct settings *)NULL)->name)

#define INTEGER(path, field, when, low, high, standard, text) \
	{ \
		.key = (path), .type = SCHEMA_INTEGER, .apply = (when), .min = (low), \
		.max = (high), .preset = (standard), FIELD(field), .help = (text) \
	}

#define CHOICE(path, field, when, names, standard, text) \
	{ \
		.key = (path), .type = SCHEMA_CHOICE, .apply = (when), .choices = (names), \
		.preset = (standard), FIELD(field), .help = (text) \
	}

#define MODES(path, field, least, bits, standard, text) \
	{ \
		.key = (path), .type = SCHEMA_MODES, .apply = SETTINGS_NEXT, .min = (least), \
		.accepted = (bits), .preset = (standard), FIELD(field), .help = (text) \
	}

#define DAY_S 86400

static const struct schema_choice timestamps[] = {
	{ "auto", SETTINGS_TIMESTAMPS_AUTO },
	{ "kernel", SETTINGS_TIMESTAMPS_KERNEL },
	{ "user", SETTINGS_TIMESTAMPS_USER },
	{ NULL, 0 },
};

static const struct schema_choice levels[] = {
	{ "error", SETTINGS_LEVEL_ERROR },   { "warning", SETTINGS_LEVEL_WARNING },
	{ "notice", SETTINGS_LEVEL_NOTICE }, { "info", SETTINGS_LEVEL_INFO },
	{ "debug", SETTINGS_LEVEL_DEBUG },   { NULL, 0 },
};

const struct schema_row schema_rows[SCHEMA_ROWS] = {
	{ .key = "listen",
	  .type = SCHEMA_LISTEN,
	  .apply = SETTINGS_NOW,
	  .min = 1,
	  .max = SCHEMA_LISTEN_MAX,
	  .help = "addresses and TCP ports that TWAMP-Control listens on" },
	MODES("modes", policy.modes, 1, MODE_UNAUTHENTICATED, MODE_UNAUTHENTICATED,
	      "security modes offered to clients"),
	MODES("features", policy.features, 0, 0, 0, "optional features offered to clients"),

	INTEGER("limits.max_connections", policy.max_connections, SETTINGS_NEXT, 1, 1000000, 1000,
		"control connections at once"),
	INTEGER("limits.max_connections_per_client", policy.max_connections_per_client,
		SETTINGS_NEXT, 1, 1000000, 32, "control connections at once from one client"),
	INTEGER("limits.max_sessions", policy.max_sessions, SETTINGS_NEXT, 1, 1000000, 10000,
		"test sessions at once"),
	INTEGER("limits.max_sessions_per_client", policy.max_sessions_per_client, SETTINGS_NEXT, 1,
		1000000, 1000, "test sessions at once of one client"),
	INTEGER("limits.max_sessions_per_connection", policy.max_sessions_per_connection,
		SETTINGS_NEXT, 1, 1000000, 1000, "test sessions at once on one control connection"),
	INTEGER("limits.max_padding", policy.max_padding, SETTINGS_NEXT, 1, 65535, 9000,
		"octets of padding in a test packet"),
	INTEGER("limits.request_rate", policy.request_rate, SETTINGS_NEXT, 0, 1000000, 100,
		"session requests per second of one client; 0 = not limited"),
	INTEGER("limits.request_burst", policy.request_burst, SETTINGS_NEXT, 1, 1000000, 1000,
		"session requests that one client may make at once"),

	INTEGER("ports.first", policy.port_first, SETTINGS_NEXT, 1, 65535, 49152,
		"first UDP port for test sessions"),
	INTEGER("ports.last", policy.port_last, SETTINGS_NEXT, 1, 65535, 65535,
		"last UDP port for test sessions"),

	INTEGER("timers.handshake", policy.handshake_s, SETTINGS_NOW, 1, 3600, 30,
		"seconds from connecting to a complete Set-Up-Response"),
	/* RFC 4656 3: a message is complete within 30 minutes. */
	INTEGER("timers.message", policy.message_s, SETTINGS_NOW, 1, 1800, 60,
		"seconds from the first to the last octet of a message"),
	INTEGER("timers.send_stall", policy.send_stall_s, SETTINGS_NOW, 1, 3600, 30,
		"seconds that a client may leave answers unread"),
	INTEGER("timers.servwait", policy.servwait_s, SETTINGS_NOW, 1, 7 * DAY_S, 900,
		"seconds without a message until a control connection is closed"),
	INTEGER("timers.refwait", policy.refwait_s, SETTINGS_NEXT, 1, 7 * DAY_S, 900,
		"seconds without a test packet until a session is ended"),
	INTEGER("timers.max_timeout", policy.max_timeout_s, SETTINGS_NEXT, 1, 7 * DAY_S, 900,
		"largest Timeout in seconds that a request may ask for"),

	INTEGER("reflector.threads", reflector_threads, SETTINGS_RESTART, 0, 64, 0,
		"threads that answer test packets; 0 = one per CPU"),
	CHOICE("reflector.timestamps", timestamps, SETTINGS_RESTART, timestamps,
	       SETTINGS_TIMESTAMPS_AUTO, "where the receive time of test packets comes from"),

	CHOICE("log.level", log_level, SETTINGS_NOW, levels, SETTINGS_LEVEL_INFO,
	       "least important events that are logged"),
};

static const char *const groups[] = { "limits", "ports", "timers", "reflector", "log" };
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

const struct schema_row *schema_find(const char *key)
{
	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		if (!strcmp(schema_rows[i].key, key))
			return &schema_rows[i];
	}
	return NULL;
}

bool schema_is_group(const char *name)
{
	for (size_t i = 0; i < GROUPS; i++) {
		if (!strcmp(groups[i], name))
			return true;
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

	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
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

const char *schema_suggest(const char *key)
{
	const char *best = NULL;
	unsigned fewest = 3;

	if (strlen(key) >= KEY_MAX)
		return NULL;
	for (size_t i = 0; i < SCHEMA_ROWS + GROUPS; i++) {
		const char *candidate = i < SCHEMA_ROWS ? schema_rows[i].key
							: groups[i - SCHEMA_ROWS];
		unsigned n = edits(key, candidate);

		/* The right name in the wrong group, or in none. */
		if (!strcmp(last_name(key), last_name(candidate)))
			n = 0;
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
		if (!(modes & bit))
			continue;
		add(buf, before, mode_name(bit));
		before = ", ";
	}
}

char *schema_accepts(const struct schema_row *row, char buf[static SCHEMA_TEXT_LEN])
{
	const struct schema_choice *c = row->choices;

	switch (row->type) {
	case SCHEMA_INTEGER:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "integer %u..%u", row->min, row->max);
		break;
	case SCHEMA_CHOICE:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "one of \"%s\"", c->name);
		while ((++c)->name)
			add(buf, ", ", c->name);
		break;
	case SCHEMA_MODES:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "%s",
			       row->accepted ? "array of " : "empty array");
		add_modes(buf, row->accepted);
		break;
	case SCHEMA_LISTEN:
		(void)snprintf(buf, SCHEMA_TEXT_LEN,
			       "list of 1 to %u { address = \"...\"; port = 0..65535; }", row->max);
		break;
	}
	return buf;
}

char *schema_text(const struct schema_row *row, uint32_t value, char buf[static SCHEMA_TEXT_LEN])
{
	buf[0] = '\0';
	switch (row->type) {
	case SCHEMA_INTEGER:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "%u", value);
		break;
	case SCHEMA_CHOICE:
		for (const struct schema_choice *c = row->choices; c->name; c++) {
			if (c->value == value)
				add(buf, "", c->name);
		}
		break;
	case SCHEMA_MODES:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "[ ");
		add_modes(buf, value);
		(void)snprintf(buf + strlen(buf), SCHEMA_TEXT_LEN - strlen(buf),
			       value ? " ]" : "]");
		break;
	case SCHEMA_LISTEN:
		break;
	}
	return buf;
}

uint32_t schema_get(const struct schema_row *row, const struct settings *s)
{
	const char *at = (const char *)s + row->offset;
	uint16_t small;
	uint32_t value;

	if (row->size == sizeof(small)) {
		memcpy(&small, at, sizeof(small));
		return small;
	}
	memcpy(&value, at, sizeof(value));
	return value;
}

void schema_put(const struct schema_row *row, struct settings *s, uint32_t value)
{
	char *at = (char *)s + row->offset;
	uint16_t small = (uint16_t)value;

	if (row->size == sizeof(small))
		memcpy(at, &small, sizeof(small));
	else
		memcpy(at, &value, sizeof(value));
}
_Static_assert(sizeof(enum settings_timestamps) == sizeof(uint32_t), "schema_put");
_Static_assert(sizeof(enum settings_level) == sizeof(uint32_t), "schema_put");
