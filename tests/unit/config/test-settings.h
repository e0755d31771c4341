// SPDX-License-Identifier: BSD-2-Clause
/* What the tests of the settings share. */
#pragma once

#include "daemon/config/settings.h"

#include <check.h>

/* A directory of the test's own, and twampd.conf in it. Set up before each test. */
extern char room[64];
extern char file[128];

void room_set_up(void);
void room_tear_down(void);

/** Write @len octets to a file of the room; folders as needed. Returns its path. */
const char *write_file(const char *name, const void *data, size_t len);
const char *write_text(const char *name, const char *text);

/** Load twampd.conf of the room with @text in it; it must be good. */
struct settings *load_good(const char *text);

/** Load it; it must be refused with @part in the message. */
void load_bad(const char *text, const char *part);

/** What settings_dump prints, to be freed. */
char *dump(const struct settings *s);

/** A whole file, to be freed. */
char *slurp(const char *path);

/** The settings are those of settings_load(NULL). */
void assert_defaults(const struct settings *s);

/** What settings_schema prints, cut up. Each part is a pointer into @text. */
struct schema_line {
	char *key, *accepts, *preset, *apply, *help;
};
size_t schema_lines(char **text, struct schema_line *lines, size_t max);

/** Writes twampd.keys into the room, with mode 0600. */
const char *write_keys(const char *text);

/* Text of a class that is not finished. */
#define CLASS_HEAD "clients = ( { name = \"x\"; prefixes = [ \"10.0.0.0/8\" ]; "

TCase *barred_cases(void);
TCase *changes_cases(void);
TCase *files_cases(void);
TCase *manual_cases(void);
TCase *classes_cases(void);
TCase *kept_cases(void);
TCase *light_cases(void);
