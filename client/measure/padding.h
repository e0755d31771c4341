// SPDX-License-Identifier: BSD-2-Clause
/* How much padding test packets get in each mode. Pure. RFC 5357 4.1.2, RFC 6038 4.2, T-024. */
#pragma once

#include "client/measure/outcome.h"
#include "client/measure/plan.h"
#include "protocol/wire.h"

/** --padding, or what makes packets and replies equally long and has room to reflect. R-307 */
uint32_t padding_octets(const struct plan *plan, uint32_t modes);

/** OUTCOME_OK, or OUTCOME_LOCAL if packets cannot have that much or so little padding. */
NODISCARD int padding_check(const struct plan *plan, uint32_t modes, struct outcome *out);
