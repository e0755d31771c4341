// SPDX-License-Identifier: BSD-2-Clause
/*
 * TWAMP-Test packets: the clear layouts of Session-Sender and Session-Reflector in every
 * mode, as offsets in one table row per layout. Encryption and HMAC are crypt.h's.
 * RFC 4656 4.1.2, RFC 5357 4.1.2 and 4.2.1, RFC 6038 5, RFC 7750 2.2.
 */
#pragma once

#include "protocol/mode.h"
#include "protocol/ts.h"
#include "protocol/wire.h"

#define PKT_MAX_PAYLOAD_V4 65507u
#define PKT_MAX_PAYLOAD_V6 65527u
#define PKT_TTL_UNKNOWN 255u

/*
 * Where things stand, in octets from the start of the UDP payload.
 *
 *                       Session-Sender                Session-Reflector
 *               seq  ts  ee   pad(sym)  min    ts  ee  rx  s-seq s-ts s-ee ttl tos  min
 * clear          0    4  12   14 (41)   14      4  12  16   24   28   36   40   -    41
 * clear + 7750   0    4  12   14 (42)   14      4  12  16   24   28   36   40  41    44
 * keyed          0   16  24   48 (112)  48     16  24  32   48   64   72   80  -    112
 * keyed + 7750   0   16  24   48 (112)  48     16  24  32   48   64   72   80  81   112
 */
struct pkt_layout {
	uint8_t send_min; /* Hs: shortest sender packet */
	uint8_t send_padding; /* Ps: where the sender's Packet Padding starts */
	uint8_t reply_min; /* Hr: shortest reply; the reply's padding starts here */
	uint8_t ts, ee; /* the same offsets in both directions */
	uint8_t rx_ts, sender_seq, sender_ts, sender_ee, ttl;
	uint8_t tos; /* 0 = not there */
};

/** The layout for the selected modes (one security bit, any features). Never NULL. */
const struct pkt_layout *pkt_layout(uint32_t modes);

/** UDP payload octets of a sender packet with @padding octets after Ps. RFC 6038 5.1.4 */
size_t pkt_send_len(const struct pkt_layout *l, size_t padding);

/** max(received, reply_min): never more than asked for. RFC 5357 4.2.1, T-021 */
static inline size_t pkt_reply_len(const struct pkt_layout *l, size_t received)
{
	return received > l->reply_min ? received : l->reply_min;
}

struct pkt_send {
	uint32_t seq;
	ts_wire ts;
	uint16_t error_estimate;
};

struct pkt_reply {
	uint32_t seq; /* the reflector's own */
	ts_wire ts; /* T3 */
	uint16_t error_estimate;
	ts_wire rx_ts; /* T2 */
	struct pkt_send sender; /* copied from the sender's packet */
	uint8_t ttl; /* TTL or Hop Limit as received */
	uint8_t tos; /* TOS or Traffic Class octet as received; only with RFC 7750 */
};

enum pkt_error {
	PKT_SHORT = 1, /* shorter than its header */
};

/**
 * Write a sender header. @out has pkt_send_len() octets; the octets from send_min to
 * send_padding (symmetrical size) become zero, padding is left alone.
 */
void pkt_put_send(const struct pkt_layout *l, uint8_t *out, const struct pkt_send *p);
NODISCARD int pkt_get_send(const struct pkt_layout *l, const uint8_t *in, size_t n,
			   struct pkt_send *p);

/**
 * Build the reply to a sender packet, all but T3.
 * @in     the received payload, decrypted, n >= send_min (else PKT_SHORT)
 * @out    room for pkt_reply_len(l, n) octets; may not overlap @in
 * @p      seq, error_estimate, rx_ts, ttl, tos are taken from it; sender.* and ts are not
 * Sequence Number, Timestamp and Error Estimate of the sender are copied as octets, its
 * padding from send_padding on as far as it fits (T-022). Writes every octet of the reply, and
 * zeros for T3, Must Be Zero and HMAC.                              RFC 5357 4.2.1
 */
NODISCARD int pkt_put_reply(const struct pkt_layout *l, const uint8_t *in, size_t n, uint8_t *out,
			    const struct pkt_reply *p);

/** Set T3, the last thing before the packet leaves. */
void pkt_put_reply_ts(const struct pkt_layout *l, uint8_t *out, ts_wire t3);

/** Decode a reply (Session-Sender). PKT_SHORT below reply_min. */
NODISCARD int pkt_get_reply(const struct pkt_layout *l, const uint8_t *in, size_t n,
			    struct pkt_reply *p);
