// SPDX-License-Identifier: BSD-2-Clause
/*
 * The Modes word: which security mode and which features a connection uses.
 * RFC 4656 3.1, 5618 3.1, 5938 3.1, 6038 4.1, 7717 5, 7750 2.1, 8186 2.2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mode_bit {
	MODE_UNAUTHENTICATED = 1u << 0,
	MODE_AUTHENTICATED = 1u << 1,
	MODE_ENCRYPTED = 1u << 2,
	MODE_MIXED = 1u << 3, /* control encrypted, test unauthenticated (RFC 5618) */
	MODE_INDIVIDUAL_CONTROL = 1u << 4, /* RFC 5938 */
	MODE_REFLECT_OCTETS = 1u << 5, /* RFC 6038 */
	MODE_SYMMETRICAL_SIZE = 1u << 6, /* RFC 6038 */
	MODE_IKEV2 = 1u << 7, /* RFC 7717; never offered */
	MODE_DSCP_ECN = 1u << 8, /* RFC 7750 */
	MODE_PTP = 1u << 9, /* RFC 8186 */
};

#define MODE_SECURITY_MASK UINT32_C(0x00f)
#define MODE_KEYED_MASK UINT32_C(0x00e) /* modes that need a key */
#define MODE_FEATURE_MASK UINT32_C(0x370) /* features that we can offer */
#define MODE_KNOWN_MASK UINT32_C(0x3ff) /* above: unassigned, ignored on receipt */

/** Name of a single bit in configuration and logs ("unauthenticated"); NULL if unknown. */
const char *mode_name(uint32_t bit);

/** Bit of a name, 0 if there is none. Knows "ikev2" too: mask with what may be offered. */
uint32_t mode_by_name(const char *name);

/** "unauthenticated+reflect-octets" into @buf, always terminated; returns buf. "none" for 0. */
char *mode_text(uint32_t modes, char *buf, size_t size);
#define MODE_TEXT_LEN 160
