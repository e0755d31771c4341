// SPDX-License-Identifier: BSD-2-Clause
/*
 * The entries of "clients": read into classes, and, when all files are read, made into tables
 * to find the class of an address or of a KeyID.
 */
#pragma once

#include "daemon/config/apply.h"
#include "daemon/config/keys.h"
#include "protocol/prefix.h"

struct settings_prefix {
	struct prefix prefix;
	uint32_t class; /* index */
	unsigned line, column;
	const struct settings_prefix *wider; /* the longest other one that covers it, or NULL */
};

struct settings_key_id {
	uint8_t id[KEYLINE_ID_MAX];
	uint8_t len;
	uint32_t class;
	unsigned line, column;
};

/* Each returns 0, -ENOMEM or SETTINGS_BAD; all but the first read into @a->class. */
NODISCARD int classes_put(struct apply *a, const config_setting_t *s, const struct schema_row *row);
NODISCARD int classes_put_name(struct apply *a, const config_setting_t *s,
			       const struct schema_row *row);
NODISCARD int classes_put_prefixes(struct apply *a, const config_setting_t *s,
				   const struct schema_row *row);
NODISCARD int classes_put_key_ids(struct apply *a, const config_setting_t *s,
				  const struct schema_row *row);

/**
 * The policies and the tables. The keys are loaded.
 * @clients, @modes  where these keys were set
 * Return 0, -ENOMEM or SETTINGS_BAD.
 */
NODISCARD int classes_finish(struct apply *a, const struct settings_place *clients,
			     const struct settings_place *modes);

/** Free what @s has of all this. */
void classes_free(struct settings *s);
