// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who the senders of an entry of "light" are: rows of "senders", or what the entry says itself.
 */
#pragma once

#include "daemon/config/apply.h"
#include "protocol/prefix.h"

/* Into the row that is being read, or the entry's own. Each returns 0, -ENOMEM or SETTINGS_BAD. */
NODISCARD int lightrow_put_clients(struct apply *a, const config_setting_t *s,
				   const struct schema_row *row);
NODISCARD int lightrow_put_ssids(struct apply *a, const config_setting_t *s,
				 const struct schema_row *row);
NODISCARD int lightrow_put_keys(struct apply *a, const config_setting_t *s,
				const struct schema_row *row);

/* The list, and the name of a row. */
NODISCARD int lightrow_put(struct apply *a, const config_setting_t *s,
			   const struct schema_row *row);
NODISCARD int lightrow_put_name(struct apply *a, const config_setting_t *s,
				const struct schema_row *row);

/**
 * The entry was read: its rows are whole, do not contradict each other, and can be looked up.
 * Return 0, -ENOMEM or SETTINGS_BAD.
 */
NODISCARD int lightrow_settle(struct apply *a, const config_setting_t *s, struct settings_light *l);

void lightrow_wipe(struct settings *s, struct settings_light *l);
