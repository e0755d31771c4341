// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which mode and features to select among those that a server offers: what was asked for,
 * or nothing. The greeting is not protected, so that less than that is never taken for it.
 * Pure. RFC 4656 3.1, 6.7, R-301.
 */
#pragma once

#include "client/control/access.h"
#include "client/measure/outcome.h"
#include "protocol/wire.h"

/**
 * The Mode word for Set-Up-Response: one security bit and @features.
 * OUTCOME_OK, or OUTCOME_NO_ACCEPT of category 3 with *modes = 0.
 */
NODISCARD int choice_make(const struct access *a, uint32_t features, uint32_t offered,
			  uint32_t *modes, struct outcome *out);
