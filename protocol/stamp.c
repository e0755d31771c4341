// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/stamp.h"

#define SSID_AT 14
#define MBZ_AT 38
#define TLV_UNRECOGNIZED 0x80 /* as every TLV leaves its sender */
#define TLV_EXTRA_PADDING 1
#define DWELL_SHIFT 34 /* 4 s, in 2^-32 s */

/* pkt_put_send writes zeros up to send_padding. */
static const struct pkt_layout layout = {
	.send_min = 14,
	.send_padding = STAMP_BASE_LEN,
	.reply_min = STAMP_BASE_LEN,
	.ts = 4,
	.ee = 12,
	.rx_ts = 16,
	.sender_seq = 24,
	.sender_ts = 28,
	.sender_ee = 36,
	.ttl = 40,
};

const struct pkt_layout *stamp_layout(void)
{
	return &layout;
}

uint16_t stamp_get_ssid(const uint8_t *in, size_t n)
{
	struct wire_in w = wire_in(in, n);

	if (n < STAMP_BASE_LEN) {
		return 0;
	}
	wire_skip(&w, SSID_AT);
	return wire_get16(&w);
}

void stamp_put_ssid(uint8_t *out, uint16_t ssid)
{
	struct wire_out w = wire_out(out + SSID_AT, sizeof(ssid));

	wire_put16(&w, ssid);
}

int stamp_put_reply(const uint8_t *in, size_t n, uint8_t *out, const struct pkt_reply *p)
{
	int r = pkt_put_reply(&layout, in, n, out, p);

	if (!r) {
		stamp_put_ssid(out, stamp_get_ssid(in, n));
	}
	return r;
}

void stamp_put_extra_padding(uint8_t *out, uint16_t n)
{
	struct wire_out w = wire_out(out, STAMP_TLV_HEADER_LEN);

	wire_put8(&w, TLV_UNRECOGNIZED);
	wire_put8(&w, TLV_EXTRA_PADDING);
	wire_put16(&w, (uint16_t)(n - STAMP_TLV_HEADER_LEN));
}

/* PTP timestamps count nanoseconds below the seconds: their difference is smaller yet. */
bool stamp_is_reply(const uint8_t *in, size_t n)
{
	struct wire_in w = wire_in(in, n);
	uint64_t ts, rx_ts;
	uint16_t mbz;

	wire_skip(&w, layout.ts);
	ts = wire_get64(&w);
	wire_skip(&w, (size_t)layout.rx_ts - layout.ee);
	rx_ts = wire_get64(&w);
	wire_skip(&w, (size_t)MBZ_AT - layout.sender_seq);
	mbz = wire_get16(&w);
	return wire_in_ok(&w) && rx_ts && !mbz && (ts - rx_ts) >> DWELL_SHIFT == 0;
}
