// SPDX-License-Identifier: BSD-2-Clause
/* Text of the command line to values; each function takes the whole text or nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Decimal digits only, from @min to @max. */
bool value_number(const char *text, uint64_t min, uint64_t max, uint64_t *number);

/** "20ms", "0.02s", "100us", "500ns"; without unit: seconds. At most 9 decimals. */
bool value_duration_ns(const char *text, int64_t *ns);

/** "FIRST-LAST" or one port. */
bool value_port_range(const char *text, uint16_t *first, uint16_t *last);

/** "HOST", "HOST:PORT", "[ADDRESS]:PORT", "[ADDRESS]", or a bare IPv6 address; without a port
 *  *port stays as it is. */
bool value_endpoint(const char *text, char *host, size_t size, uint16_t *port);
