// SPDX-License-Identifier: BSD-2-Clause
/* Prefixes of those whom twamp responder answers. Pure. */
#pragma once

#include "protocol/wire.h"

struct allow {
	uint8_t family; /* 4 or 6 */
	uint8_t bits;
	uint8_t ip[16]; /* IPv4: first 4 octets, rest zero */
};

/** "192.0.2.0/24", "2001:db8::/32", "::/0"; without a length one host. */
NODISCARD bool allow_parse(const char *text, struct allow *to);

/** @ip: 4 or 16 octets. */
bool allow_covers(const struct allow *a, uint8_t family, const uint8_t *ip);
