// SPDX-License-Identifier: BSD-2-Clause
/* What the tests of the keys file share. */
#pragma once

#include "daemon/config/keys.h"

#include <check.h>

/* A directory of the test's own, and where twampd.keys is in it. Set up before each test. */
extern char room[64];
extern char path[96];

void set_up(void);
void tear_down(void);

/** With mode 0600. */
void write_file(const char *name, const void *data, size_t len);
void write_in_room(const char *name, const char *text);

/** A keys file with this in it; it must be good. */
struct keys *load_octets(const void *data, size_t len);
struct keys *load(const char *text);

/** It must be refused, with @part and no passphrase in the message. */
void refuse_octets(const void *data, size_t len, const char *part);

/** The KeyID has this passphrase; NULL: there is no such KeyID. */
void expect(const struct keys *k, const char *key_id, const char *passphrase);

/** The settings of the room. */
struct settings *load_settings(struct settings_error *err);

void add_settings(TCase *settings);
void add_memory(TCase *memory);
