// SPDX-License-Identifier: BSD-2-Clause
/*
 * When to try again: only after Accept 5, with exponential backoff and jitter.
 * S-13, R-319.
 */
#pragma once

#include "client/measure/outcome.h"

#include <stdbool.h>
#include <stdint.h>

#define RETRY_CAP_NS (INT64_C(60) * 1000000000)

/** True if the outcome is temporary: Accept 5 and nothing else. */
bool retry_wanted(const struct outcome *o);

/**
 * Wait before retry @n (0 = the first): w = min(base * 2^n, 60 s), of which the upper half
 * is drawn by @random: the result is in [w / 2, w].
 */
int64_t retry_wait_ns(int64_t base_ns, unsigned n, uint64_t random);
