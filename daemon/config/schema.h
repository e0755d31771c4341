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
	SCHEMA_PERCENT, /* with up to three decimals; kept in thousandths */
	SCHEMA_BOOLEAN, /* true, false */
	SCHEMA_CHOICE, /* one of the names of choices */
	SCHEMA_DSCP, /* array of code points, or "all": a mask */
	SCHEMA_REPLY_DSCP, /* a code point, "zero" or "copy" */
	SCHEMA_MODES, /* array of names of enum mode_bit */
	SCHEMA_LISTEN_LIST, /* list of groups with the keys of SCHEMA_LISTEN */
	SCHEMA_LIGHT_LIST, /* of SCHEMA_LIGHT */
	SCHEMA_CLASS_LIST, /* of SCHEMA_CLASS */
	SCHEMA_FILE, /* a path; "" */
	SCHEMA_CPUS, /* a string: "0-3,5" */
	SCHEMA_PORTS, /* array */
	SCHEMA_NAME, /* of a class */
	SCHEMA_PREFIXES, /* array, of a class */
	SCHEMA_KEY_IDS, /* array */
	SCHEMA_ADDRESS, /* a string; "" = both families */
	SCHEMA_HOST, /* a string, 127.0.0.1 by default: one address */
	SCHEMA_SOCKET, /* a string: the path of a Unix socket; "" = none */
	SCHEMA_DEVICE, /* a string; "" = none */
	SCHEMA_SENDERS, /* array of prefixes, of an entry of "light" */
	SCHEMA_SSIDS, /* array */
	SCHEMA_SET, /* array of names of choices, whose values are bits */
	SCHEMA_ROW_LIST, /* list of groups with the keys of SCHEMA_ROW */
	SCHEMA_ROW_NAME, /* a string */
	SCHEMA_ROW_KEYS, /* array of KeyIDs */
	SCHEMA_RETURNS, /* array of prefixes, may be empty */
	SCHEMA_LINKS, /* list of { device; id; } */
	SCHEMA_TYPES
};

/* Where a key may stand. What may stand in a class and for all is part of struct policy. */
enum schema_scope {
	SCHEMA_SERVER = 1, /* at the top of the file: in struct settings */
	SCHEMA_CLASS = 2, /* in an entry of "clients": struct settings_class */
	SCHEMA_LISTEN = 4, /* in an entry of "listen": struct settings_listen */
	SCHEMA_LIGHT = 8, /* in an entry of "light": struct settings_light */
	SCHEMA_ROW = 16, /* in an entry of "senders" of one of these: struct settings_row */
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
	uint32_t min, max; /* INTEGER, POWER: value; arrays and lists: how many */
	uint32_t class_min; /* INTEGER: instead of min, in a class */
	uint64_t preset; /* the default */
	size_t offset, size; /* where it is kept, in struct settings or in that of an entry */
	const struct schema_choice *choices; /* ended by a NULL name */
	uint32_t accepted; /* MODES: bits that can be offered */
	bool required; /* there is no default: each entry has it */
	bool terse; /* left out of a dump where it says nothing */
	const char *help;
};

/* Those of the server and of classes come first, at most SETTINGS_KEYS_MAX. */
extern const struct schema_row schema_rows[];
extern const size_t schema_n_rows;

/* A value that is kept somewhere. */
struct schema_at {
	const struct settings *settings;
	enum schema_scope where;
	const void *in; /* the struct of @where */
};

/* Longest text of what a key accepts, and of a value that is a number. */
#define SCHEMA_TEXT_LEN 280

struct apply; /* daemon/config/apply.h */
struct config_setting_t; /* libconfig.h */

/* What is done with values of a type. A number is what has a @text: also bits, and choices. */
struct schema_type_row {
	/* Check it and keep it. Return 0, -ENOMEM or SETTINGS_BAD. */
	int (*parse)(struct apply *a, const struct config_setting_t *s,
		     const struct schema_row *row);
	void (*text)(const struct schema_row *row, uint64_t value,
		     char buf[static SCHEMA_TEXT_LEN]);
	/* Of what is no number. */
	void (*print)(const struct schema_row *row, const struct schema_at *at, FILE *to);
	bool (*empty)(const struct schema_row *row, const struct schema_at *at); /* or NULL */
	const char *preset; /* the default, where there is one */
	/* What may be there: one of the two. */
	void (*accepted)(const struct schema_row *row, enum schema_scope where,
			 char buf[static SCHEMA_TEXT_LEN]);
	const char *accepts;
};

extern const struct schema_type_row schema_types[SCHEMA_TYPES];

#define SCHEMA_PORT 862 /* RFC 8545, RFC 8762 4.1 */
#define SCHEMA_LISTEN_MAX 64 /* an entry for both families counts twice, here and below */
#define SCHEMA_LIGHT_MAX 64
#define SCHEMA_LIGHT_PREFIXES_MAX 4096 /* of one entry */
#define SCHEMA_LIGHT_SSIDS_MAX 4096
#define SCHEMA_LIGHT_ROWS_MAX 1024
#define SCHEMA_LIGHT_LINKS_MAX 64
#define SCHEMA_CLASSES_MAX 1024
#define SCHEMA_PREFIXES_MAX 65536 /* of all classes */
#define SCHEMA_KEY_IDS_MAX 10000 /* of all classes */
#define SCHEMA_DSCP_ALL UINT64_MAX /* a bit for each of the 64 code points */

/** NULL if there is no such key there. */
const struct schema_row *schema_find(const char *key, enum schema_scope where);

/** "limits" is a group, "limits.max_sessions" and "listen" are not. */
bool schema_is_group(const char *name, enum schema_scope where);

/** What stands before the keys of a scope: "clients.", "listen.", "light." or "". */
const char *schema_prefix(enum schema_scope where);

/** The key or group that was probably meant, into @buf, or "". Returns @buf. */
char *schema_suggest(const char *key, enum schema_scope where, char buf[static SCHEMA_TEXT_LEN]);

/** All keys of a scope with commas between. Returns @buf. */
char *schema_names(enum schema_scope where, char buf[static SCHEMA_TEXT_LEN]);

/** The row has a number or a set of bits: what schema_text, schema_get and schema_put are for. */
bool schema_is_value(const struct schema_row *row);

/** A change of the key waits for a restart: mostly what the row says. @s: of the start. */
bool schema_is_fixed(const struct schema_row *row, const struct settings *s);

/** The least that an INTEGER or POWER may be. */
uint32_t schema_min(const struct schema_row *row, enum schema_scope where);

/** What the key accepts there: "integer 1..65535". Returns @buf. */
char *schema_accepts(const struct schema_row *row, enum schema_scope where,
		     char buf[static SCHEMA_TEXT_LEN]);

/** A value as it is written in a file. Returns @buf. */
char *schema_text(const struct schema_row *row, uint64_t value, char buf[static SCHEMA_TEXT_LEN]);

/** Where the value is kept: @in is the struct of @where. */
const void *schema_value(const struct schema_row *row, enum schema_scope where, const void *in);

/** The value as the file has it. */
uint64_t schema_get(const struct schema_row *row, enum schema_scope where, const void *in);
void schema_put(const struct schema_row *row, enum schema_scope where, void *in, uint64_t value);

/** The value of every number of a scope that nothing sets. */
void schema_put_presets(enum schema_scope where, void *in);
