// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory for libev, which ends the process when it gets none: a reserve stands in, and the
 * server refuses new work (Accept 5) until the reserve is filled again. R-122
 */
#pragma once

#include <stdbool.h>

/** Before any other use of libev. */
void memory_init(void);

/** Fill the reserve again if it was used. True if that did not work: memory is short. */
bool memory_is_low(void);
