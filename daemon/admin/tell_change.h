// SPDX-License-Identifier: BSD-2-Clause
/* Settings, and how two of them differ. */
#pragma once

#include "daemon/admin/tell.h"
#include "daemon/config/settings.h"

/** A list of {"key", "from", "to", "applies"}; null is where there is none. */
json_t *tell_changes(const struct settings *old, const struct settings *now);

/** The text of settings_flat(), with the values that hold since the start if @started; to be freed; NULL = no memory. */
char *tell_flat(const struct settings *s, const struct settings *started);
