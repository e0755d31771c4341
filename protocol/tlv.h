// SPDX-License-Identifier: BSD-2-Clause
/*
 * The TLVs of STAMP: how they are framed, and which there are. RFC 8972 4, RFC 9503, RFC 9534.
 *
 *  0 +-------+------+-------------+
 *    | Flags | Type | Length      |  U 0x80 not recognized, M 0x40 malformed,
 *  4 +-------+------+-------------+  I 0x20 integrity failed; Length is that of the Value
 *    | Value, any number of octets
 *
 * To add a type: its row here, and its function tlvreply_NAME() in tlvtypes.c, which the row does
 * not compile without. Settings, options of the client, counters by type and --tlvs all have
 * it from the row. Its vectors go into tests/unit/vectors/tlv.hex.
 */
#pragma once

#include "protocol/wire.h"

#include <limits.h>

#define TLV_HEADER_LEN 4u

/* TLVs of one packet that are looked at; what follows is copied.                  S-068 */
#define TLV_LOOKED_AT 64u

#define TLV_U 0x80u
#define TLV_M 0x40u
#define TLV_I 0x20u

#define TLV_ANY UINT16_MAX

/*
 * X(NAME, number, key, least, most): the name in settings and options, and how many octets
 * the Value may have.                                                            spec 7
 */
#define TLV_TYPES(X) \
	X(EXTRA_PADDING, 1, "extra-padding", 0, TLV_ANY) \
	X(LOCATION, 2, "location", 4, TLV_ANY) \
	X(TIMESTAMP_INFORMATION, 3, "timestamp-information", 4, TLV_ANY) \
	X(CLASS_OF_SERVICE, 4, "class-of-service", 4, 4) \
	X(DIRECT_MEASUREMENT, 5, "direct-measurement", 12, 12) \
	X(ACCESS_REPORT, 6, "access-report", 4, 4) \
	X(FOLLOW_UP_TELEMETRY, 7, "follow-up-telemetry", 16, 16) \
	X(HMAC, 8, "hmac", 16, 16) \
	X(DESTINATION_NODE_ADDRESS, 9, "destination-node-address", 4, 16) \
	X(RETURN_PATH, 10, "return-path", 4, TLV_ANY) \
	X(MICRO_SESSION_ID, 11, "micro-session-id", 4, 4)

enum tlv_type {
#define X(name, number, key, least, most) TLV_##name = (number),
	TLV_TYPES(X)
#undef X
};

/* Types have a bit each in sets of them. */
#define TLV_BIT(type) (UINT32_C(1) << (type))
#define X(name, number, key, least, most) | TLV_BIT(number)
#define TLV_ALL (UINT32_C(0) TLV_TYPES(X))
enum {
	TLV_ALL_TYPES = TLV_ALL,
};
#undef X
#undef TLV_ALL
#define TLV_TYPE_MAX 31 /* above this there is no bit */

struct tlv_info {
	const char *key; /* "location" */
	uint16_t least, most; /* octets of the Value */
};

/** NULL: no type that is known here. */
const struct tlv_info *tlv_info(uint8_t type);

/** The type of a key; 0 = there is none. */
uint8_t tlv_by_key(const char *key);

enum tlv_frame {
	TLV_WHOLE,
	TLV_OVERRUN, /* Length reaches behind the end: the Value is what is there  S-062 */
	TLV_FRAGMENT, /* 1 to 3 octets at the end                                 S-065 */
};

/* One TLV, by places in the octets of the cursor. */
struct tlv {
	enum tlv_frame frame;
	uint8_t flags;
	uint8_t type; /* 0 in a fragment of one octet */
	size_t at; /* its flags */
	size_t value; /* its Value */
	size_t length; /* octets of the Value that are there */
	size_t end;
};

/* TLVs, or the sub-TLVs of a Value: they have the same header. */
struct tlv_cursor {
	const uint8_t *octets;
	size_t at, end;
	unsigned left; /* so many more are looked at */
};

static inline struct tlv_cursor tlv_cursor(const uint8_t *octets, size_t n)
{
	return (struct tlv_cursor){ .octets = octets, .end = n, .left = TLV_LOOKED_AT };
}

/** From @at up to @end, however many: sub-TLVs are no more than the octets of their TLV. */
static inline struct tlv_cursor tlv_cursor_within(const uint8_t *octets, size_t at, size_t end)
{
	return (struct tlv_cursor){ .octets = octets, .at = at, .end = end, .left = UINT_MAX };
}

/** The next one. False: there is none, or enough were looked at. */
bool tlv_next(struct tlv_cursor *c, struct tlv *t);

/** Is its Length right: within the packet, and for its type? RFC 8972 4.  S-062 S-064 S-065 */
bool tlv_fits(const struct tlv *t);

/*
 * The HMAC TLV of a packet or reply. Its text is the Sequence Number of the base packet and all
 * that stands before it, with the flags as they are on the wire. RFC 8972 4.8
 */
enum tlv_proof {
	TLV_NO_PROOF, /* there is none */
	TLV_MISPLACED, /* more than Extra Padding stands behind it             S-072 S-073 */
	TLV_BAD_LENGTH, /*                                                            S-078 */
	TLV_PLACED, /* where and as long as it must be: to be verified */
};

struct tlv_hmac {
	enum tlv_proof proof;
	struct tlv tlv; /* the first one */
	bool only_padding; /* there is nothing but one Extra Padding TLV              S-077 */
	bool any; /* there are TLVs at all */
};

struct tlv_hmac tlv_find_hmac(const uint8_t *octets, size_t n);

struct mac_key;

/** Verify the HMAC TLV of what tlv_find_hmac found TLV_PLACED. @seq: of the base packet. */
NODISCARD bool tlv_verify(const struct mac_key *key, uint32_t seq, const uint8_t *octets,
			  const struct tlv_hmac *h);

/** Write its digest. */
void tlv_sign(const struct mac_key *key, uint32_t seq, uint8_t *octets, const struct tlv *hmac);
