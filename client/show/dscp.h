// SPDX-License-Identifier: BSD-2-Clause
/* The DSCP values that have a name. RFC 2474, 2597, 3246, 5865, 8622. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** A name in any case ("EF", "af41") or a number from 0 to 63. */
bool dscp_parse(const char *text, uint8_t *dscp);

/** Name of a value, NULL if it has none. */
const char *dscp_name(uint8_t dscp);

void dscp_print_table(FILE *to);
