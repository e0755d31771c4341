// SPDX-License-Identifier: BSD-2-Clause
/*
 * The TLVs of one STAMP session at its Session-Sender: what goes into the next packet, and what
 * the replies told. RFC 8972 4, RFC 9503, RFC 9534. S-240..S-254
 */
#pragma once

#include "base/endpoint.h"
#include "client/measure/plan.h"
#include "protocol/tlvread.h"

/* Replies by what became of a type. */
struct tlvside_type {
	uint64_t known, unknown, malformed;
};

/* What was told, of all sessions together. */
struct tlvside_told {
	uint64_t replies; /* with TLVs */
	uint64_t refused; /* the reflector could not verify ours: I */
	uint64_t hmac_wrong; /* we could not verify theirs, or it is missing */
	uint64_t other_length; /* replies that are not as long as their packets   S-246 */
	struct tlvside_type types[TLV_TYPE_MAX + 1];
	bool seen; /* Location: the packet, as it arrived */
	uint16_t seen_from_port, seen_to_port;
	struct address seen_from, seen_to;
	bool translated; /* ... is not as it left: there is a NAT */
	bool timed; /* Timestamp Information */
	uint8_t sync_in, method_in, sync_out, method_out;
	uint64_t dscp_refused; /* replies without the DSCP that was asked for */
	uint64_t direct_sent, direct_intervals, direct_dropped; /* Direct Measurement */
	int64_t direct_lost_out, direct_lost_in;
	bool report_confirmed; /* Access Report */
	uint64_t micro_dropped; /* replies of another member link                 S-254 */
	bool micro;
	uint16_t micro_reflector;
};

struct tlvside {
	struct tlvsend send;
	const struct mac_key *key; /* NULL = none */
	bool proof_needed;
	size_t octets; /* of all TLVs of a packet */
	struct address local; /* of this session, and where its packets go to */
	struct address peer;
	uint32_t tx_count, rx_count;
	uint32_t reports_left;
	int64_t report_wait_ns, report_due_ns;
	bool direct_any;
	struct {
		uint32_t sent, received, replied, got;
	} direct;
	uint64_t *tos_seen; /* by the TOS octet that they tell, of all sessions */
	struct tlvside_told told;
};

/** For packets from @local to @peer. @tos_seen has 256 counters. */
void tlvside_init(struct tlvside *t, const struct plan *plan, const union endpoint *local,
		  const union endpoint *peer, uint64_t *tos_seen);

/** Write the TLVs of the packet with number @seq. */
void tlvside_put(struct tlvside *t, uint32_t seq, struct mono now, uint8_t *out);

/**
 * Take the TLVs of a reply, @n octets behind its base packet. @r gets what they say. False: the
 * reply came by another link than the others, and does not count.
 */
NODISCARD bool tlvside_take(struct tlvside *t, const uint8_t *octets, size_t n, uint32_t reply_seq,
			    struct tlvread *r);

/** Add up what sessions were told. */
void tlvside_add(struct tlvside_told *sum, const struct tlvside_told *one);

/** Nobody answers such packets: that is what they ask for. */
bool tlvside_expects_nothing(const struct plan *plan);
