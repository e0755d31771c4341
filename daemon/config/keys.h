// SPDX-License-Identifier: BSD-2-Clause
/*
 * The keys file, /etc/twampd/twampd.keys: an entry a line, a KeyID and its passphrase.
 * RFC 4656 3.1, RFC 5357 3.1. What was read stays in one mapping that no core dump contains
 * and that is overwritten before it is given back; no text made here has a passphrase in it.
 */
#pragma once

#include "daemon/config/settings.h"
#include "protocol/keyline.h"

#define KEYS_NAME "twampd.keys"
#define KEYS_MAX 10000
#define KEYS_MAX_OCTETS 1048576

struct keys;

/**
 * Which file holds the keys: $CREDENTIALS_DIRECTORY/twampd.keys if there is one, else @named,
 * else NAME.keys beside the settings file @config, NAME.conf; what does not begin with "/" is
 * beside it, too.
 * @named     "" if the settings do not name one
 * @path      the caller's to free
 * @explicit  somebody says that there is such a file
 * Return 0 or -ENOMEM.
 */
NODISCARD int keys_place(const char *config, const char *named, char **path, bool *explicit);

/**
 * Read and check a file.
 * @explicit  false: that there is no such file means no keys, @out is NULL
 * Return 0, -ENOMEM or SETTINGS_BAD.
 */
NODISCARD int keys_load(const char *path, bool explicit, struct keys **out,
			struct settings_error *err);
void keys_free(struct keys *k); /* wipes; NULL ok */

/** What the file says, octet for octet; in the mapping. */
const uint8_t *keys_text(const struct keys *k, size_t *len);

size_t keys_count(const struct keys *k); /* NULL ok: none */

/** The @i-th in the order of KeyIDs, pointing into the mapping; NULL = there are not so many. @k NULL ok. */
const struct key *keys_at(const struct keys *k, size_t i);

/** By bisection; NULL if there is none. @k NULL ok. Lives as long as @k. */
const struct key *keys_find(const struct keys *k, const uint8_t *key_id, size_t len);

/** The order of KeyIDs here: by octets. */
int keys_compare_ids(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);
