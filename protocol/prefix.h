// SPDX-License-Identifier: BSD-2-Clause
/*
 * Address prefixes: "192.0.2.0/24", "2001:db8::/32"; without a length, one host.
 */
#pragma once

#include "protocol/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct prefix {
	uint8_t family; /* 4 or 6 */
	uint8_t bits; /* 0..32 or 0..128 */
	uint8_t ip[16]; /* IPv4: first 4 octets, rest zero */
};

/** @p may have bits set behind its length. Return NULL, or what is wrong ("is no ..."). */
NODISCARD const char *prefix_parse(const char *text, struct prefix *p);

/** Clear the bits behind the length. Return whether one was set. */
bool prefix_mask(struct prefix *p);

/** By family, address and length: a prefix comes before those that it covers. */
int prefix_compare(const struct prefix *a, const struct prefix *b);

/** Everything in @b is in @a. */
bool prefix_covers(const struct prefix *a, const struct prefix *b);

#define PREFIX_TEXT_LEN 52
/** "192.0.2.0/24". Returns @buf. */
char *prefix_text(const struct prefix *p, char buf[static PREFIX_TEXT_LEN]);
