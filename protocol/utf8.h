// SPDX-License-Identifier: BSD-2-Clause
/* Characters of UTF-8 (RFC 3629). */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** The character that @s begins with, into @code. Return its octets; 0 = there is none. */
size_t utf8_decode(const uint8_t *s, size_t len, uint32_t *code);
