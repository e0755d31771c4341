// SPDX-License-Identifier: BSD-2-Clause
/*
 * The keys of twampd.conf, a row each. What reads, checks, prints and compares settings goes
 * by these rows; the annotated conf/twampd.conf and the manual page are tested against them.
 */
#pragma once

#include "daemon/config/settings.h"

enum schema_type {
	SCHEMA_INTEGER, /* min..max */
	SCHEMA_POWER, /* a power of two, min..max */
	SCHEMA_BOOLEAN, /* true, false */
	SCHEMA_CHOICE, /* one of the names of choices */
	SCHEMA_DSCP, /* array of code points, or "all": a mask */
	SCHEMA_MODES, /* array of names of enum mode_bit */
	SCHEMA_LISTEN, /* list of groups with address and port */
	SCHEMA_LIGHT, /* list of groups, see lightconf.h */
	SCHEMA_FILE, /* a path; "" */
	SCHEMA_CPUS, /* a string: "0-3,5" */
	SCHEMA_PORTS, /* array */
	SCHEMA_CLASSES, /* list of groups with the keys of SCHEMA_CLASS */
	SCHEMA_NAME, /* of a class */
	SCHEMA_PREFIXES, /* array */
	SCHEMA_KEY_IDS, /* array */
};

/* Where a key may stand. What may stand in a class and for all is part of struct policy. */
enum schema_scope {
	SCHEMA_SERVER = 1, /* at the top of the file */
	SCHEMA_CLASS = 2, /* in an entry of "clients" */
};

struct schema_choice {
	const char *name;
	uint32_t value;
};

struct schema_row {
	const char *key; /* "limits.max_sessions": at most one point */
	enum schema_type type;
	unsigned scope; /* of enum schema_scope */
	enum settings_apply apply;
	uint32_t min, max; /* INTEGER, POWER: value; MODES: how many */
	uint32_t class_min; /* INTEGER: instead of min, in a class */
	uint64_t preset; /* the default */
	size_t offset, size; /* in struct settings, of a value */
	const struct schema_choice *choices; /* ended by a NULL name */
	uint32_t accepted; /* MODES: bits that can be offered */
	const char *help;
};

#define SCHEMA_ROWS 54
extern const struct schema_row schema_rows[SCHEMA_ROWS];
_Static_assert(SCHEMA_ROWS <= SETTINGS_KEYS_MAX, "a place for each");

#define SCHEMA_LISTEN_MAX 64
#define SCHEMA_LISTEN_PORT 862
#define SCHEMA_LIGHT_MAX 64 /* an entry for both families counts twice */
#define SCHEMA_LIGHT_PREFIXES_MAX 4096 /* of one entry */
#define SCHEMA_LIGHT_SSIDS_MAX 4096
#define SCHEMA_CLASSES_MAX 1024
#define SCHEMA_PREFIXES_MAX 65536 /* of all classes */
#define SCHEMA_KEY_IDS_MAX 10000 /* of all classes */
#define SCHEMA_DSCP_ALL UINT64_MAX /* a bit for each of the 64 code points */

/** NULL if there is no such key there. */
const struct schema_row *schema_find(const char *key, enum schema_scope where);

/** "limits" is a group, "limits.max_sessions" and "listen" are not. */
bool schema_is_group(const char *name, enum schema_scope where);

/** The key or group that was probably meant, or NULL. */
const char *schema_suggest(const char *key, enum schema_scope where);

/** The row has a number or a set of bits: what the functions below are for. */
bool schema_is_value(const struct schema_row *row);

/* Longest text of what a key accepts, and of a value. */
#define SCHEMA_TEXT_LEN 280

/** The least that an INTEGER or POWER may be. */
uint32_t schema_min(const struct schema_row *row, enum schema_scope where);

/** What the key accepts there: "integer 1..65535". Returns @buf. */
char *schema_accepts(const struct schema_row *row, enum schema_scope where,
		     char buf[static SCHEMA_TEXT_LEN]);

/** A value as it is written in a file. Returns @buf. */
char *schema_text(const struct schema_row *row, uint64_t value, char buf[static SCHEMA_TEXT_LEN]);

/** The value as the file has it. */
uint64_t schema_get(const struct schema_row *row, const struct settings *s);
void schema_put(const struct schema_row *row, struct settings *s, uint64_t value);

/** The same for rows that may stand in a class. */
uint64_t schema_class_get(const struct schema_row *row, const struct policy *configured);
void schema_class_put(const struct schema_row *row, struct policy *configured, uint64_t value);
