// SPDX-License-Identifier: BSD-2-Clause
/* What entries of "listen" and of "light" have in common: an address and a network device. */
#pragma once

#include "daemon/config/apply.h"

/** An address without a port; "" leaves the family 0. Return 0 or SETTINGS_BAD. */
NODISCARD int addrconf_put_address(struct apply *a, const config_setting_t *s,
				   const struct schema_row *row);

/** The same, but one there must be. */
NODISCARD int addrconf_put_host(struct apply *a, const config_setting_t *s,
				const struct schema_row *row);

/** The path of a Unix socket, or "". Return 0 or SETTINGS_BAD. */
NODISCARD int addrconf_put_socket(struct apply *a, const config_setting_t *s,
				  const struct schema_row *row);

/**
 * The name of a network device. Whether there is such a device is not asked: it may come later.
 * Return 0 or SETTINGS_BAD.
 */
NODISCARD int addrconf_put_device(struct apply *a, const config_setting_t *s,
				  const struct schema_row *row);
