// SPDX-License-Identifier: BSD-2-Clause
/* What entries of "light" need of all settings together, when these were read. */
#pragma once

#include "daemon/config/settings.h"

/**
 * Code points that TLVs may ask for, where an entry does not say it (S-134), and the keys of all
 * rows. @keys: the keys file was read. @err NULL ok.
 * Return 0, -ENOMEM or SETTINGS_BAD.
 */
NODISCARD int lightfinish(struct settings *s, bool keys, struct settings_error *err);
