// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory for libev, which ends the process when it gets none: a reserve stands in, and the
 * server refuses new work (Accept 5) until the reserve is filled again. R-122
 */
#pragma once

#include "protocol/wire.h"

#include <stdbool.h>
#include <stdint.h>

/** Before any other use of libev. Return 0 or -ENOMEM. */
NODISCARD int memory_init(void);

/** Fill the reserve again if it was used. True if that did not work: memory is short. */
bool memory_is_low(void);

/**
 * Half of the reserve is for answers to those who come while memory is short. True if a piece
 * of it went back to malloc: try again.
 */
bool memory_lend(void);

/**
 * Once a second: @held connections, sessions and clients there are now. What a crowd has left in the
 * heap goes back to the system when it has been gone for a few seconds.
 */
void memory_settle(uint32_t held);
