// SPDX-License-Identifier: BSD-2-Clause
/*
 * The keys of twampd.conf, a row each. What reads, checks, prints and compares settings goes
 * by these rows; the annotated conf/twampd.conf and the manual page are tested against them.
 */
#pragma once

#include "daemon/config/settings.h"

enum schema_type {
	SCHEMA_INTEGER, /* min..max */
	SCHEMA_CHOICE, /* one of the names of choices */
	SCHEMA_MODES, /* array of names of enum mode_bit */
	SCHEMA_LISTEN, /* list of groups with address and port */
};

struct schema_choice {
	const char *name;
	uint32_t value;
};

struct schema_row {
	const char *key; /* "limits.max_sessions": at most one point */
	enum schema_type type;
	enum settings_apply apply;
	uint32_t min, max; /* INTEGER: value; MODES: how many */
	uint32_t preset; /* the default */
	size_t offset, size; /* in struct settings; not for LISTEN */
	const struct schema_choice *choices; /* ended by a NULL name */
	uint32_t accepted; /* MODES: bits that this version can offer */
	const char *help;
};

#define SCHEMA_ROWS 22
extern const struct schema_row schema_rows[SCHEMA_ROWS];

#define SCHEMA_LISTEN_MAX 64
#define SCHEMA_LISTEN_PORT 862

/** NULL if there is no such key. */
const struct schema_row *schema_find(const char *key);

/** "limits" is a group, "limits.max_sessions" and "listen" are not. */
bool schema_is_group(const char *name);

/** The key or group that was probably meant, or NULL. */
const char *schema_suggest(const char *key);

/* Longest text of what a key accepts or holds, but for listen. */
#define SCHEMA_TEXT_LEN 200

/** What the key accepts: "integer 1..65535". Returns @buf. */
char *schema_accepts(const struct schema_row *row, char buf[static SCHEMA_TEXT_LEN]);

/** A value as it is written in a file. Not for LISTEN. Returns @buf. */
char *schema_text(const struct schema_row *row, uint32_t value, char buf[static SCHEMA_TEXT_LEN]);

/** The value of a key. Not for LISTEN. */
uint32_t schema_get(const struct schema_row *row, const struct settings *s);
void schema_put(const struct schema_row *row, struct settings *s, uint32_t value);
