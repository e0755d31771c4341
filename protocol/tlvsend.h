// SPDX-License-Identifier: BSD-2-Clause
/*
 * The TLVs of a Session-Sender's packet. They leave with U set, the other flags clear, and zeros
 * where the reflector fills in. RFC 8972 4, RFC 9503, RFC 9534. S-240..S-255
 *
 * In order of their types, then HMAC, then Extra Padding up to the end of the packet.
 */
#pragma once

#include "protocol/address.h"
#include "protocol/mac.h"
#include "protocol/tlv.h"

enum tlvsend_path {
	TLVSEND_SAME_LINK,
	TLVSEND_NO_REPLY,
	TLVSEND_ADDRESS,
};

#define TLVSEND_PADDINGS 8

struct tlvsend {
	uint32_t types; /* TLV_BIT of each; Extra Padding by @paddings alone */
	uint8_t family; /* of the packets */
	uint8_t dscp; /* of the reply: DSCP1 of Class of Service */
	uint8_t access_id, access_code;
	struct address node; /* Destination Node Address */
	enum tlvsend_path path;
	struct address return_to; /* TLVSEND_ADDRESS */
	uint16_t micro_sender;
	uint16_t paddings; /* Extra Padding TLVs, at most TLVSEND_PADDINGS */
	uint16_t padding[TLVSEND_PADDINGS]; /* octets of their Values */
};

/* What differs between the packets of a session. */
struct tlvsend_packet {
	uint32_t seq;
	uint32_t tx_count; /* packets, this one included */
	uint16_t micro_reflector; /* 0 = not known yet */
	bool access_due; /* else Extra Padding of its size stands in its place  S-249 */
	const struct mac_key *key; /* with TLV_HMAC */
};

/** Octets of all. */
size_t tlvsend_octets(const struct tlvsend *s);

/**
 * Write them into @out, of tlvsend_octets(). Values of Extra Padding are left alone; those that
 * the HMAC covers stand before it, so that it comes last.
 */
void tlvsend_put(const struct tlvsend *s, const struct tlvsend_packet *p, uint8_t *out);
