// SPDX-License-Identifier: BSD-2-Clause
/*
 * The entries of "light". Who is not named gets no reply (T-074), so type and clients must be
 * there.
 */
#pragma once

#include "daemon/config/apply.h"
#include "protocol/prefix.h"

/** Return 0, -ENOMEM or SETTINGS_BAD. */
NODISCARD int lightconf_put(struct apply *a, const config_setting_t *s,
			    const struct schema_row *row);

/** Free what @s has of it. */
void lightconf_free(struct settings *s);
