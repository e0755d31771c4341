// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/pkt.h"

#define SEQ_AT 0 /* in both directions and all layouts */

#define CLEAR(padding, reply, tos_at) \
	{ \
		.send_min = 14, .send_padding = (padding), .reply_min = (reply), .ts = 4, \
		.ee = 12, .rx_ts = 16, .sender_seq = 24, .sender_ts = 28, .sender_ee = 36, \
		.ttl = 40, .tos = (tos_at) \
	}
#define KEYED(padding, tos_at) \
	{ \
		.send_min = 48, .send_padding = (padding), .reply_min = 112, .ts = 16, .ee = 24, \
		.rx_ts = 32, .sender_seq = 48, .sender_ts = 64, .sender_ee = 72, .ttl = 80, \
		.tos = (tos_at) \
	}

/* By keyed, symmetrical size, DSCP and ECN. */
static const struct pkt_layout layouts[2][2][2] = {
	{ { CLEAR(14, 41, 0), CLEAR(14, 44, 41) }, { CLEAR(41, 41, 0), CLEAR(42, 44, 41) } },
	{ { KEYED(48, 0), KEYED(48, 81) }, { KEYED(112, 0), KEYED(112, 81) } },
};

/* The mixed mode ciphers the control connection only: its packets are clear. RFC 5618 3.1 */
const struct pkt_layout *pkt_layout(uint32_t modes)
{
	bool keyed = modes & (MODE_AUTHENTICATED | MODE_ENCRYPTED);
	bool symmetrical = modes & MODE_SYMMETRICAL_SIZE;
	bool dscp_ecn = modes & MODE_DSCP_ECN;

	return &layouts[keyed][symmetrical][dscp_ecn];
}

static void put16(uint8_t *at, uint16_t v)
{
	struct wire_out w = wire_out(at, sizeof(v));

	wire_put16(&w, v);
}

static void put32(uint8_t *at, uint32_t v)
{
	struct wire_out w = wire_out(at, sizeof(v));

	wire_put32(&w, v);
}

static void put64(uint8_t *at, uint64_t v)
{
	struct wire_out w = wire_out(at, sizeof(v));

	wire_put64(&w, v);
}

static uint16_t get16(const uint8_t *at)
{
	struct wire_in w = wire_in(at, sizeof(uint16_t));

	return wire_get16(&w);
}

static uint32_t get32(const uint8_t *at)
{
	struct wire_in w = wire_in(at, sizeof(uint32_t));

	return wire_get32(&w);
}

static uint64_t get64(const uint8_t *at)
{
	struct wire_in w = wire_in(at, sizeof(uint64_t));

	return wire_get64(&w);
}

size_t pkt_send_len(const struct pkt_layout *l, size_t padding)
{
	return l->send_padding + padding;
}

void pkt_put_send(const struct pkt_layout *l, uint8_t *out, const struct pkt_send *p)
{
	memset(out, 0, l->send_padding);
	put32(out + SEQ_AT, p->seq);
	put64(out + l->ts, p->ts);
	put16(out + l->ee, p->error_estimate);
}

int pkt_get_send(const struct pkt_layout *l, const uint8_t *in, size_t n, struct pkt_send *p)
{
	if (n < l->send_min) {
		return PKT_SHORT;
	}
	p->seq = get32(in + SEQ_AT);
	p->ts = get64(in + l->ts);
	p->error_estimate = get16(in + l->ee);
	return 0;
}

int pkt_put_reply(const struct pkt_layout *l, const uint8_t *in, size_t n, uint8_t *out,
		  const struct pkt_reply *p)
{
	if (n < l->send_min) {
		return PKT_SHORT;
	}
	memset(out, 0, l->reply_min);
	put32(out + SEQ_AT, p->seq);
	put16(out + l->ee, p->error_estimate);
	put64(out + l->rx_ts, p->rx_ts);
	memcpy(out + l->sender_seq, in + SEQ_AT, sizeof(p->sender.seq));
	memcpy(out + l->sender_ts, in + l->ts, sizeof(p->sender.ts));
	memcpy(out + l->sender_ee, in + l->ee, sizeof(p->sender.error_estimate));
	out[l->ttl] = p->ttl;
	if (l->tos) {
		out[l->tos] = p->tos;
	}
	/* Stays inside @in: no layout has send_padding above reply_min. */
	if (n > l->reply_min) {
		memcpy(out + l->reply_min, in + l->send_padding, n - l->reply_min);
	}
	return 0;
}

void pkt_put_reply_ts(const struct pkt_layout *l, uint8_t *out, ts_wire t3)
{
	put64(out + l->ts, t3);
}

int pkt_get_reply(const struct pkt_layout *l, const uint8_t *in, size_t n, struct pkt_reply *p)
{
	if (n < l->reply_min) {
		return PKT_SHORT;
	}
	*p = (struct pkt_reply){
		.seq = get32(in + SEQ_AT),
		.ts = get64(in + l->ts),
		.error_estimate = get16(in + l->ee),
		.rx_ts = get64(in + l->rx_ts),
		.sender.seq = get32(in + l->sender_seq),
		.sender.ts = get64(in + l->sender_ts),
		.sender.error_estimate = get16(in + l->sender_ee),
		.ttl = in[l->ttl],
		.tos = l->tos ? in[l->tos] : 0,
	};
	return 0;
}
