// SPDX-License-Identifier: BSD-2-Clause
/*
 * STAMP test packets with the SSID, and what reflectors without a control connection need to know
 * of a packet. RFC 8762 4.2, 4.3 and 4.6, RFC 8972 3. TLVs are tlv.h's. Drawn is the open
 * (unauthenticated) mode; stamp.c has where things stand in the authenticated one.
 *
 * Session-Sender                              Session-Reflector
 *  0 +-----------------------------+           0 +-----------------------------+
 *    | Sequence Number             |             | Sequence Number             |
 *  4 +-----------------------------+           4 +-----------------------------+
 *    | Timestamp                   |             | Timestamp                   |
 *    |                             |             |                             |
 * 12 +--------------+--------------+          12 +--------------+--------------+
 *    | Error Est.   | SSID         |             | Error Est.   | SSID         |
 * 16 +--------------+--------------+          16 +--------------+--------------+
 *    | MBZ                         |             | Receive Timestamp           |
 *    |                             |             |                             |
 *    |                             |          24 +-----------------------------+
 *    |                             |             | Sender Sequence Number      |
 *    |                             |          28 +-----------------------------+
 *    |                             |             | Sender Timestamp            |
 *    |                             |             |                             |
 *    |                             |          36 +--------------+--------------+
 *    |                             |             | Sender E. E. | MBZ          |
 *    |                             |          40 +------+-------+--------------+
 *    |                             |             | TTL  | MBZ                  |
 * 44 +-----------------------------+          44 +------+----------------------+
 *    | TLVs                        |             | TLVs, copied                |
 */
#pragma once

#include "protocol/mac.h"
#include "protocol/pkt.h"
#include "protocol/tlv.h"

#define STAMP_BASE_LEN 44u
#define STAMP_AUTH_LEN 112u /* the base packet of the authenticated mode, either way */
#define STAMP_TLV_HEADER_LEN TLV_HEADER_LEN

/*
 * All but the SSID in the terms of pkt.h: the functions there work with it. A TWAMP Light
 * sender's packet, from 14 octets on, is answered with the base packet (RFC 8762 4.6); what
 * stands behind the base packet is copied (T-083, T-092).
 */
const struct pkt_layout *stamp_layout(void);

/** The SSID of a packet or reply; 0 if it is shorter than the base packet (TWAMP Light). */
uint16_t stamp_get_ssid(const uint8_t *in, size_t n);

/** @out  a base packet, written by pkt_put_send */
void stamp_put_ssid(uint8_t *out, uint16_t ssid);

/** pkt_put_reply() with the SSID copied. Return 0 or PKT_SHORT.             T-082..T-085 */
NODISCARD int stamp_put_reply(const uint8_t *in, size_t n, uint8_t *out, const struct pkt_reply *p);

/**
 * Write an Extra Padding TLV of @n octets in all, at least STAMP_TLV_HEADER_LEN, as a sender
 * does; its value is left alone.                                           RFC 8972 4.1
 */
void stamp_put_extra_padding(uint8_t *out, uint16_t n);

/**
 * Is this what a reflector sends? Between reflectors a single forged packet would go to and
 * fro for ever, whatever their ports are. A reply has a Receive Timestamp up to 4 seconds
 * before its Timestamp (one clock took both), and zeros in 38 and 39. Zeros or random octets
 * of a sender's padding look like that once in 2^46 packets.
 */
bool stamp_is_reply(const uint8_t *in, size_t n);

/*
 * The same for the authenticated mode. Nothing is encrypted; the HMAC covers octets 0 to 95 as they
 * are on the wire, and no TLV. RFC 8762 4.2.2, 4.3.2, 4.4
 */
const struct pkt_layout *stamp_auth_layout(void);
uint16_t stamp_auth_get_ssid(const uint8_t *in, size_t n);
void stamp_auth_put_ssid(uint8_t *out, uint16_t ssid);
NODISCARD int stamp_auth_put_reply(const uint8_t *in, size_t n, uint8_t *out,
				   const struct pkt_reply *p);
bool stamp_auth_is_reply(const uint8_t *in, size_t n);

/** Write the HMAC, when all else of the base packet is there.               S-021, S-022 */
void stamp_seal(const struct mac_key *key, uint8_t pkt[static STAMP_AUTH_LEN]);

/** True if the packet has @n octets enough, and the HMAC of @key.            S-021, S-023 */
NODISCARD bool stamp_opens(const struct mac_key *key, const uint8_t *pkt, size_t n);
