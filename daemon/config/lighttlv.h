// SPDX-License-Identifier: BSD-2-Clause
/* What an entry of "light" allows to TLVs of STAMP. */
#pragma once

#include "daemon/config/apply.h"

NODISCARD int lighttlv_put_returns(struct apply *a, const config_setting_t *s,
				   const struct schema_row *row);
NODISCARD int lighttlv_put_links(struct apply *a, const config_setting_t *s,
				 const struct schema_row *row);

/**
 * The entry was read, with its rows: what does not go together, and the policy. Return 0 or
 * SETTINGS_BAD.
 */
NODISCARD int lighttlv_settle(struct apply *a, const config_setting_t *s, struct settings_light *l);

void lighttlv_wipe(struct settings_light *l);
