// SPDX-License-Identifier: BSD-2-Clause
/*
 * The one place where replies are built: of sessions in every mode, of TWAMP Light and of STAMP,
 * in the daemon and in the client's responder. Pure: numbers, times, and what came along with the
 * packet, are the caller's. In this order: reflection_check, reflection_open, reflection_build, and right before
 * it leaves reflection_finish. RFC 5357 4.2.1, RFC 8762 4.3, RFC 8972.
 *
 * What stands behind the base packet is copied (T-022, T-083), so that a reply is as long as its
 * packet. TLVs that ask for more are filled in by reflection_build_tlvs: that is where a packet
 * that only needs copying parts from the others. What they need to know becomes
 * a member of struct reflection_facts, and what is set up for a session or port, of struct reflection_rules.
 */
#pragma once

#include "protocol/crypt.h"
#include "protocol/pkt.h"
#include "protocol/tlvreply.h"

/* By which rules packets are answered: fixed for a session, or a port without control. */
struct reflection_rules {
	const struct pkt_layout *layout;
	struct crypt_test *crypt; /* NULL = in the clear */
	enum ts_format format; /* of T2 and T3 */
	bool encrypted; /* else, with crypt, authenticated */
	bool stamp; /* an SSID, and TLVs */
	bool stamp_auth; /* STAMP, authenticated: the key is the sender's, and comes with the packet */
	const struct tlvreply_policy *tlvs; /* NULL = TLVs are copied as they are */
};

/* What the reflector knows about a packet, and says in the reply. */
struct reflection_facts {
	uint32_t seq; /* of the reply */
	uint16_t error_estimate;
	struct wall t2;
	uint8_t ttl; /* as received, or PKT_TTL_UNKNOWN */
	uint8_t tos; /* as received; layouts without a place for it do not say it */
	const struct tlvreply_facts *tlvs; /* for r->tlvs */
};

enum reflection_fault {
	REFLECTION_SHORT = 1, /* shorter than its header */
	REFLECTION_LOOP, /* it is a reply */
	REFLECTION_FORGED, /* keyed modes: not the sender's, or damaged */
};

/** Of a session. @crypt: the caller's; NULL if the modes are clear. */
struct reflection_rules reflection_session(uint32_t modes, struct crypt_test *crypt);

/** Of a port without control: STAMP, or TWAMP Light. T-084, S-041: NTP. */
struct reflection_rules reflection_light(bool stamp, bool stamp_auth);

/** Of the timestamps in the reply to a packet of @n octets: TWAMP Light senders know NTP only.  S-041 */
enum ts_format reflection_format(const struct reflection_rules *r, size_t n);

/** The SSID of a packet; 0 = none, or not STAMP. */
uint16_t reflection_ssid(const struct reflection_rules *r, const uint8_t *in, size_t n);

/** What is seen at once. Return 0, REFLECTION_SHORT or REFLECTION_LOOP. */
NODISCARD int reflection_check(const struct reflection_rules *r, const uint8_t *in, size_t n);

/**
 * Decrypt and verify, in place; in the clear there is nothing to do, and STAMP's authenticated mode
 * has stamp_opens() for the keys of a sender. Return 0 or REFLECTION_FORGED.
 */
NODISCARD int reflection_open(const struct reflection_rules *r, uint8_t *in, size_t n);

/**
 * All but T3, and what covers T3.
 * @in   checked and opened
 * @out  room for pkt_reply_len(r->layout, n) octets; may not overlap @in
 * Return the length; 0 if @in is too short.              T-020..T-026, T-043..T-046, T-082..T-085
 */
size_t reflection_build(const struct reflection_rules *r, const uint8_t *in, size_t n, uint8_t *out,
			const struct reflection_facts *facts);

/**
 * The same where TLVs are answered (r->tlvs), and how the reply leaves: @told. Unless
 * its verdict is TLVREPLY_SEND there is no reply, and 0 is returned.
 */
size_t reflection_build_tlvs(const struct reflection_rules *r, const uint8_t *in, size_t n,
			     uint8_t *out, const struct reflection_facts *facts,
			     struct tlvreply *told);

/* A reading of the clock, for all that leave now. */
struct reflection_time {
	struct wall at;
	ts_wire wire[2]; /* by enum ts_format */
};

struct reflection_time reflection_time(struct wall at);

/**
 * T3, the last thing before a reply leaves; in the encrypted mode it is sealed in, so this is done
 * once. If the clock was set back since T2, T3 = T2: a time that passed inside of us cannot be
 * negative, and both stay on one scale (T-036).
 */
void reflection_finish(const struct reflection_rules *r, uint8_t *out, struct wall t2,
		       const struct reflection_time *t3);

/** The same with what STAMP's authenticated mode covers it by: the key that the packet had. */
void reflection_finish_stamp(const struct reflection_rules *r, uint8_t *out, struct wall t2,
			     const struct reflection_time *t3, const struct mac_key *key);
