// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the TLVs of a reply tell a Session-Sender. RFC 8972 4, RFC 9503, RFC 9534. S-247..S-254
 *
 * If integrity failed, here or there, nothing of them is used. What the reflector does not know
 * is passed over. Behind a malformed TLV nothing is read.
 */
#pragma once

#include "protocol/address.h"
#include "protocol/mac.h"
#include "protocol/tlv.h"
#include "protocol/ts.h"

struct tlvread {
	bool any; /* there are TLVs */
	bool hmac_wrong; /* the HMAC TLV is wrong, or missing where it must be */
	bool refused; /* the reflector says so: I in some TLV */
	uint32_t known, unknown, malformed; /* TLV_BIT of types that came back so */
	/* Valid if the type is in @known. */
	struct {
		uint16_t to_port, from_port; /* of the packet, as it arrived */
		struct address to, from; /* family 0: not told */
	} location;
	struct {
		uint8_t sync_in, method_in, sync_out, method_out;
	} timestamp;
	struct {
		uint8_t dscp, ecn; /* of the packet, as it arrived */
		bool refused; /* the reply has not the DSCP that was asked for */
	} service;
	struct {
		uint32_t sent, received, replied;
	} direct;
	struct {
		uint8_t id, code;
	} access;
	struct {
		uint32_t seq; /* of an earlier reply, and when that left; method 0: not told */
		ts_wire ts;
		uint8_t method;
	} follow_up;
	struct {
		uint16_t sender, reflector;
	} micro;
};

/* What a reply has to prove. */
struct tlvread_proof {
	const struct mac_key *key; /* NULL: there is none */
	bool needed; /* TLVs need an HMAC TLV: the authenticated mode, or one was sent */
	uint32_t seq; /* of the reply */
};

/** Read the @n octets behind the base packet of a reply. */
void tlvread(const uint8_t *octets, size_t n, const struct tlvread_proof *proof, struct tlvread *r);
