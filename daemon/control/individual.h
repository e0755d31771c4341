// SPDX-License-Identifier: BSD-2-Clause
/*
 * Individual session control: Start-N-Sessions and Stop-N-Sessions. RFC 5938 3
 */
#pragma once

#include "daemon/control/state.h"

/** The first session with this SID, or NULL. */
struct session *individual_find(const struct control *c, const uint8_t sid[static MSG_SID_LEN]);

/**
 * Start-N-Sessions: @sids are @n SIDs. Orders START for those that can be started, or the
 * acknowledgements at once if there are none.                       R-200..R-202
 */
void individual_start(struct control *c, const uint8_t *sids, uint32_t n, struct mono now,
		      struct control_out *out);

/** The START orders are carried out: acknowledge each SID. */
void individual_started(struct control *c, const uint8_t *sids, uint32_t n, struct mono now,
			struct control_out *out);

/** Stop-N-Sessions: stop and acknowledge. */
void individual_stop(struct control *c, const uint8_t *sids, uint32_t n, struct mono now,
		     struct control_out *out);
