// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/schema.h"

#include "protocol/mode.h"

#include <string.h>

#define FIELD(name) \
	.offset = offsetof(struct settings, name), .size = sizeof(((struct settings *)NULL)->name)

#define INTEGER(path, field, when, low, high, standard, text) \
	{ \
		.key = (path), .type = SCHEMA_INTEGER, .scope = SCHEMA_SERVER, .apply = (when), \
		.min = (low), .max = (high), .preset = (standard), FIELD(field), .help = (text) \
	}

#define CHOICE(path, field, when, names, standard, text) \
	{ \
		.key = (path), .type = SCHEMA_CHOICE, .scope = SCHEMA_SERVER, .apply = (when), \
		.choices = (names), .preset = (standard), FIELD(field), .help = (text) \
	}

#define MODES(path, field, least, bits, text) \
	{ \
		.key = (path), .type = SCHEMA_MODES, .scope = SCHEMA_SERVER | SCHEMA_CLASS, \
		.apply = SETTINGS_NEXT, .min = (least), .accepted = (bits), .preset = (bits), \
		FIELD(field), .help = (text) \
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
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NOW,
	  .min = 1,
	  .max = SCHEMA_LISTEN_MAX,
	  .help = "addresses and TCP ports that TWAMP-Control listens on" },
	MODES("modes", configured.modes, 1, MODE_SECURITY_MASK,
	      "security modes offered to clients; those that need keys only if there are keys"),
	MODES("features", configured.features, 0, MODE_FEATURE_MASK,
	      "optional features offered to clients"),
	{ .key = "keys_file",
	  .type = SCHEMA_FILE,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NEXT,
	  .help = "file with the KeyIDs and passphrases of clients" },
	{ .key = "clients",
	  .type = SCHEMA_CLASSES,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NEXT,
	  .max = SCHEMA_CLASSES_MAX,
	  .help = "classes of clients; who is in none is refused" },
	{ .key = "name",
	  .type = SCHEMA_NAME,
	  .scope = SCHEMA_CLASS,
	  .apply = SETTINGS_NEXT,
	  .min = 1,
	  .max = SETTINGS_CLASS_NAME_MAX,
	  .help = "name of the class, for the log" },
	{ .key = "prefixes",
	  .type = SCHEMA_PREFIXES,
	  .scope = SCHEMA_CLASS,
	  .apply = SETTINGS_NEXT,
	  .max = SCHEMA_PREFIXES_MAX,
	  .help = "addresses of the clients in the class; the longest prefix decides" },
	{ .key = "key_ids",
	  .type = SCHEMA_KEY_IDS,
	  .scope = SCHEMA_CLASS,
	  .apply = SETTINGS_NEXT,
	  .max = SCHEMA_KEY_IDS_MAX,
	  .help = "keys of the clients in the class; a key decides before a prefix" },

	{ .key = "auth.count",
	  .type = SCHEMA_POWER,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_NEXT,
	  .min = 1024,
	  .max = UINT32_C(1) << 31,
	  .preset = 32768,
	  FIELD(configured.kdf_count),
	  .help = "rounds of PBKDF2 between a passphrase and a key" },
	INTEGER("auth.workers", auth_workers, SETTINGS_RESTART, 1, 16, 1,
		"threads that derive keys"),
	INTEGER("auth.queue", auth_queue, SETTINGS_RESTART, 1, 10000, 64,
		"clients that may wait for a key to be derived"),
	INTEGER("auth.failure_rate", configured.failure_rate, SETTINGS_NEXT, 0, 1000000, 30,
		"failed authentications per minute of one client; 0 = not limited"),

	INTEGER("limits.max_connections", configured.max_connections, SETTINGS_NEXT, 1, 1000000,
		1000, "control connections at once"),
	INTEGER("limits.max_connections_per_client", configured.max_connections_per_client,
		SETTINGS_NEXT, 1, 1000000, 32, "control connections at once from one client"),
	INTEGER("limits.max_sessions", configured.max_sessions, SETTINGS_NEXT, 1, 1000000, 10000,
		"test sessions at once"),
	INTEGER("limits.max_sessions_per_client", configured.max_sessions_per_client, SETTINGS_NEXT,
		1, 1000000, 1000, "test sessions at once of one client"),
	INTEGER("limits.max_sessions_per_connection", configured.max_sessions_per_connection,
		SETTINGS_NEXT, 1, 1000000, 1000, "test sessions at once on one control connection"),
	INTEGER("limits.max_padding", configured.max_padding, SETTINGS_NEXT, 1, 65535, 9000,
		"octets of padding in a test packet"),
	INTEGER("limits.request_rate", configured.request_rate, SETTINGS_NEXT, 0, 1000000, 100,
		"session requests per second of one client; 0 = not limited"),
	INTEGER("limits.request_burst", configured.request_burst, SETTINGS_NEXT, 1, 1000000, 1000,
		"session requests that one client may make at once"),

	INTEGER("ports.first", configured.port_first, SETTINGS_NEXT, 1, 65535, 49152,
		"first UDP port for test sessions"),
	INTEGER("ports.last", configured.port_last, SETTINGS_NEXT, 1, 65535, 65535,
		"last UDP port for test sessions"),

	INTEGER("timers.handshake", configured.handshake_s, SETTINGS_NOW, 1, 3600, 30,
		"seconds from connecting to a complete Set-Up-Response"),
	/* RFC 4656 3: a message is complete within 30 minutes. */
	INTEGER("timers.message", configured.message_s, SETTINGS_NOW, 1, 1800, 60,
		"seconds from the first to the last octet of a message"),
	INTEGER("timers.send_stall", configured.send_stall_s, SETTINGS_NOW, 1, 3600, 30,
		"seconds that a client may leave answers unread"),
	INTEGER("timers.servwait", configured.servwait_s, SETTINGS_NOW, 1, 7 * DAY_S, 900,
		"seconds without a message until a control connection is closed"),
	INTEGER("timers.refwait", configured.refwait_s, SETTINGS_NEXT, 1, 7 * DAY_S, 900,
		"seconds without a test packet until a session is ended"),
	INTEGER("timers.max_timeout", configured.max_timeout_s, SETTINGS_NEXT, 1, 7 * DAY_S, 900,
		"largest Timeout in seconds that a request may ask for"),

	INTEGER("reflector.threads", reflector_threads, SETTINGS_RESTART, 0, 64, 0,
		"threads that answer test packets; 0 = one per CPU"),
	{ .key = "reflector.cpus",
	  .type = SCHEMA_CPUS,
	  .scope = SCHEMA_SERVER,
	  .apply = SETTINGS_RESTART,
	  .help = "CPUs for these threads, one for each in turn; \"\" = those of the process" },
	INTEGER("reflector.priority", reflector_priority, SETTINGS_RESTART, 0, 99, 0,
		"real-time priority (SCHED_FIFO) of these threads; 0 = none"),
	CHOICE("reflector.timestamps", timestamps, SETTINGS_RESTART, timestamps,
	       SETTINGS_TIMESTAMPS_AUTO, "where the receive time of test packets comes from"),

	CHOICE("log.level", log_level, SETTINGS_NOW, levels, SETTINGS_LEVEL_INFO,
	       "least important events that are logged"),
};

static const char *const groups[] = { "auth", "limits", "ports", "timers", "reflector", "log" };
#define GROUPS (sizeof(groups) / sizeof(groups[0]))

const struct schema_row *schema_find(const char *key, enum schema_scope where)
{
	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		if ((schema_rows[i].scope & where) && !strcmp(schema_rows[i].key, key))
			return &schema_rows[i];
	}
	return NULL;
}

bool schema_is_group(const char *name, enum schema_scope where)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < SCHEMA_ROWS; i++) {
		const struct schema_row *row = &schema_rows[i];

		if ((row->scope & where) && !strncmp(row->key, name, len) && row->key[len] == '.')
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

		if (i < SCHEMA_ROWS && !(schema_rows[i].scope & SCHEMA_SERVER))
			continue;
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

bool schema_is_value(const struct schema_row *row)
{
	return row->type <= SCHEMA_MODES;
}
_Static_assert(SCHEMA_INTEGER < SCHEMA_MODES && SCHEMA_POWER < SCHEMA_MODES &&
		       SCHEMA_CHOICE < SCHEMA_MODES && SCHEMA_LISTEN > SCHEMA_MODES,
	       "the values come first");

char *schema_accepts(const struct schema_row *row, char buf[static SCHEMA_TEXT_LEN])
{
	const struct schema_choice *c = row->choices;
	const char *text = "";

	switch (row->type) {
	case SCHEMA_INTEGER:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "integer %u..%u", row->min, row->max);
		return buf;
	case SCHEMA_POWER:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "power of two %u..%u", row->min, row->max);
		return buf;
	case SCHEMA_CHOICE:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "one of \"%s\"", c->name);
		while ((++c)->name)
			add(buf, ", ", c->name);
		return buf;
	case SCHEMA_MODES:
		(void)snprintf(buf, SCHEMA_TEXT_LEN, "array of ");
		add_modes(buf, row->accepted);
		return buf;
	case SCHEMA_LISTEN:
		text = "list of 1 to 64 { address = \"...\"; port = 0..65535; }";
		break;
	case SCHEMA_FILE:
		text = "path of a file";
		break;
	case SCHEMA_CPUS:
		text = "CPUs 0..1023 like \"0-3,5\"";
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
_Static_assert(SCHEMA_LISTEN_MAX == 64 && SCHEMA_CLASSES_MAX == 1024 &&
		       SETTINGS_CLASS_NAME_MAX == 31 && SCHEMA_PREFIXES_MAX == 65536 &&
		       SCHEMA_KEY_IDS_MAX == 10000 && CPU_SETSIZE == 1024,
	       "named in the texts above");

char *schema_text(const struct schema_row *row, uint32_t value, char buf[static SCHEMA_TEXT_LEN])
{
	buf[0] = '\0';
	switch (row->type) {
	case SCHEMA_INTEGER:
	case SCHEMA_POWER:
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
	case SCHEMA_FILE:
	case SCHEMA_CPUS:
	case SCHEMA_CLASSES:
	case SCHEMA_NAME:
	case SCHEMA_PREFIXES:
	case SCHEMA_KEY_IDS:
		break;
	}
	return buf;
}

static uint32_t fetch(const char *at, size_t size)
{
	uint16_t small;
	uint32_t value;

	if (size == sizeof(small)) {
		memcpy(&small, at, sizeof(small));
		return small;
	}
	memcpy(&value, at, sizeof(value));
	return value;
}

static void store(char *at, size_t size, uint32_t value)
{
	uint16_t small = (uint16_t)value;

	if (size == sizeof(small))
		memcpy(at, &small, sizeof(small));
	else
		memcpy(at, &value, sizeof(value));
}

uint32_t schema_get(const struct schema_row *row, const struct settings *s)
{
	return fetch((const char *)s + row->offset, row->size);
}

void schema_put(const struct schema_row *row, struct settings *s, uint32_t value)
{
	store((char *)s + row->offset, row->size, value);
}

uint32_t schema_class_get(const struct schema_row *row, const struct policy *configured)
{
	return fetch((const char *)configured + row->offset - offsetof(struct settings, configured),
		     row->size);
}

void schema_class_put(const struct schema_row *row, struct policy *configured, uint32_t value)
{
	store((char *)configured + row->offset - offsetof(struct settings, configured), row->size,
	      value);
}
_Static_assert(sizeof(enum settings_timestamps) == sizeof(uint32_t), "schema_put");
_Static_assert(sizeof(enum settings_level) == sizeof(uint32_t), "schema_put");
