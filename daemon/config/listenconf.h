// SPDX-License-Identifier: BSD-2-Clause
/* The entries of "listen": without an address one is two listeners. */
#pragma once

#include "daemon/config/apply.h"

/** Return 0, -ENOMEM or SETTINGS_BAD. */
NODISCARD int listenconf_put(struct apply *a, const config_setting_t *s,
			     const struct schema_row *row);
