// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a Session-Reflector makes of the TLVs of a packet. The reply has the same TLVs, in the
 * same order and of the same lengths, so that they are answered where they stand: nothing is
 * added, left out or moved. RFC 8972 4, RFC 9503, RFC 9534. S-050..S-190
 *
 * One pass for the HMAC, one for the TLVs, at most TLV_LOOKED_AT of them. Reads nothing behind
 * the packet, allocates and keeps nothing.
 */
#pragma once

#include "protocol/address.h"
#include "protocol/mac.h"
#include "protocol/prefix.h"
#include "protocol/tlv.h"
#include "protocol/ts.h"

enum tlvreply_location {
	TLVREPLY_PORTS = 1u << 0,
	TLVREPLY_DESTINATION = 1u << 1,
	TLVREPLY_SOURCE = 1u << 2,
};
#define TLVREPLY_LOCATION_ALL 7u

enum tlvreply_path {
	TLVREPLY_NO_REPLY = 1u << 0,
	TLVREPLY_SAME_LINK = 1u << 1,
	TLVREPLY_ADDRESS = 1u << 2, /* addresses says which */
};

/* What the settings of an entry allow. */
struct tlvreply_policy {
	bool off; /* all is copied, as if there were no TLVs                         S-067 */
	bool required; /* TLVs need an HMAC TLV in the open mode, too                S-082 */
	uint8_t location; /* enum tlvreply_location                                  S-114 */
	uint8_t return_path; /* enum tlvreply_path                                   S-165 */
	uint32_t types; /* TLV_BIT of each that is processed                         S-066 */
	uint64_t dscp; /* a bit for each that may be asked for                       S-134 */
	const struct prefix *addresses; /* where replies may be sent to              S-168 */
	size_t n_addresses;
};

/* Values of the Timestamp Information TLV. RFC 8972 4.3 */
enum tlvreply_sync {
	TLVREPLY_SYNC_NTP = 1,
	TLVREPLY_SYNC_PTP = 2,
	TLVREPLY_SYNC_SSU_BITS = 3,
	TLVREPLY_SYNC_GNSS = 4,
	TLVREPLY_SYNC_LOCAL = 5, /* free running */
};
enum tlvreply_method {
	TLVREPLY_METHOD_NONE = 0,
	TLVREPLY_METHOD_CARD = 1,
	TLVREPLY_METHOD_SOFTWARE = 2,
};

/* The packet, as it came, and what is known of its session before it. */
struct tlvreply_facts {
	bool authenticated; /* its HMAC was verified, with keys[0] */
	const struct mac_key *keys[2]; /* of the sender; NULL = none */
	uint32_t sender_seq; /* Sequence Number of the packet */
	uint32_t own_seq; /* of the reply */
	struct address from, to; /* of one family: that of the packet */
	uint8_t tos; /* as received */
	uint8_t loopback; /* it came over loopback */
	uint16_t link_id; /* of the member link that it came by; 0 = none            S-184 */
	uint8_t sync, method_in, method_out; /* S-121, S-122 */
	bool stateful;
	bool newest; /* sender_seq is above all of the session so far                S-168 */
	uint32_t rx_count; /* accepted packets, this one included                    S-141 */
	uint32_t tx_count; /* replies, this one included */
	struct {
		uint8_t method; /* TLVREPLY_METHOD_NONE: there was none */
		uint32_t seq;
		ts_wire ts; /* in the format of this reply */
	} previous; /* S-155 */
	/* Does this host have the address? Answered from memory. NULL: no, but for @to. S-163 */
	bool (*is_ours)(const void *host, const struct address *a);
	const void *host;
};

enum tlvreply_verdict {
	TLVREPLY_SEND,
	TLVREPLY_SILENT, /* the packet asked for no reply                            S-165 */
	TLVREPLY_MEMBER_LINK, /* it came by another link than it says                S-182 */
};

enum tlvreply_access {
	TLVREPLY_ACCESS_NONE,
	TLVREPLY_ACCESS_AVAILABLE,
	TLVREPLY_ACCESS_UNAVAILABLE,
	TLVREPLY_ACCESS_OTHER,
};

/* How the reply leaves, and what is to be counted. */
struct tlvreply {
	enum tlvreply_verdict verdict;
	const struct mac_key *key; /* that verified the HMAC TLV, or NULL */
	bool unrecognized, malformed, integrity; /* some TLV has U, M, I */
	bool dscp_set; /* Class of Service chose dscp                               S-131 */
	uint8_t dscp;
	bool same_link; /* by the interface that the packet came in by               S-166 */
	bool from_set; /* the reply leaves from this address                         S-160 */
	bool to_set; /* ... and goes to this one, to the sender's port               S-168 */
	struct address from, to;
	bool follow_up; /* it asked for the time of the previous reply */
	enum tlvreply_access access; /* S-152 */
};

/**
 * Answer the @n octets behind the base packet, in place: @octets is a copy of what was
 * received, as the reply begins with. Unless r->verdict is TLVREPLY_SEND the octets are
 * not to be used.
 */
void tlvreply(const struct tlvreply_policy *policy, const struct tlvreply_facts *facts,
	      uint8_t *octets, size_t n, struct tlvreply *r);

/* Of the functions for the types. */
struct tlvreply_work {
	const struct tlvreply_policy *policy;
	const struct tlvreply_facts *facts;
	uint8_t *octets;
	struct tlvreply *reply;
	bool path_seen; /* a Return Path TLV: only the first one counts */
};

enum tlvreply_flags {
	TLVREPLY_OK = 0,
	TLVREPLY_U = TLV_U,
	TLVREPLY_M = TLV_M,
};

/* A function for each type: fills in the Value, whose Length is right, and says the flags. */
#define X(name, number, key, least, most) \
	enum tlvreply_flags tlvreply_##name(struct tlvreply_work *w, const struct tlv *t);
TLV_TYPES(X)
#undef X
