// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/stamp.h"

#define SSID_AT 14
#define AUTH_SSID_AT 26
#define HMAC_AT 96
#define MBZ_AT 38
#define AUTH_MBZ_AT 28
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

static const struct pkt_layout auth_layout = {
	.send_min = STAMP_AUTH_LEN,
	.send_padding = STAMP_AUTH_LEN,
	.reply_min = STAMP_AUTH_LEN,
	.ts = 16,
	.ee = 24,
	.rx_ts = 32,
	.sender_seq = 48,
	.sender_ts = 64,
	.sender_ee = 72,
	.ttl = 80,
};

_Static_assert(HMAC_AT + MAC_LEN == STAMP_AUTH_LEN, "TLVs are behind the HMAC");

const struct pkt_layout *stamp_layout(void)
{
	return &layout;
}

const struct pkt_layout *stamp_auth_layout(void)
{
	return &auth_layout;
}

static uint16_t get_ssid(const uint8_t *in, size_t n, size_t at, size_t least)
{
	struct wire_in w = wire_in(in, n);

	if (n < least) {
		return 0;
	}
	wire_skip(&w, at);
	return wire_get16(&w);
}

static void put_ssid(uint8_t *at, uint16_t ssid)
{
	struct wire_out w = wire_out(at, sizeof(ssid));

	wire_put16(&w, ssid);
}

uint16_t stamp_get_ssid(const uint8_t *in, size_t n)
{
	return get_ssid(in, n, SSID_AT, STAMP_BASE_LEN);
}

uint16_t stamp_auth_get_ssid(const uint8_t *in, size_t n)
{
	return get_ssid(in, n, AUTH_SSID_AT, STAMP_AUTH_LEN);
}

void stamp_put_ssid(uint8_t *out, uint16_t ssid)
{
	put_ssid(out + SSID_AT, ssid);
}

void stamp_auth_put_ssid(uint8_t *out, uint16_t ssid)
{
	put_ssid(out + AUTH_SSID_AT, ssid);
}

int stamp_put_reply(const uint8_t *in, size_t n, uint8_t *out, const struct pkt_reply *p)
{
	int r = pkt_put_reply(&layout, in, n, out, p);

	if (!r) {
		stamp_put_ssid(out, stamp_get_ssid(in, n));
	}
	return r;
}

int stamp_auth_put_reply(const uint8_t *in, size_t n, uint8_t *out, const struct pkt_reply *p)
{
	int r = pkt_put_reply(&auth_layout, in, n, out, p);

	if (!r) {
		stamp_auth_put_ssid(out, stamp_auth_get_ssid(in, n));
	}
	return r;
}

void stamp_put_extra_padding(uint8_t *out, uint16_t n)
{
	struct wire_out w = wire_out(out, STAMP_TLV_HEADER_LEN);

	wire_put8(&w, TLV_U); /* as every TLV leaves its sender */
	wire_put8(&w, TLV_EXTRA_PADDING);
	wire_put16(&w, (uint16_t)(n - STAMP_TLV_HEADER_LEN));
}

/* What tells a reply: two times of one clock, and zeros where a sender may have padding. */
struct marks {
	size_t ts, rx_ts, mbz;
	size_t mbz_len;
};

/* PTP timestamps count nanoseconds below the seconds: their difference is smaller yet. */
static bool is_reply(const uint8_t *in, size_t n, const struct marks *m)
{
	struct wire_in ts_at = wire_in(in, n), rx_at = ts_at, mbz_at = ts_at;
	uint64_t ts, rx_ts, mbz;

	wire_skip(&ts_at, m->ts);
	ts = wire_get64(&ts_at);
	wire_skip(&rx_at, m->rx_ts);
	rx_ts = wire_get64(&rx_at);
	wire_skip(&mbz_at, m->mbz);
	mbz = m->mbz_len == 2 ? wire_get16(&mbz_at) : wire_get32(&mbz_at);
	return wire_in_ok(&ts_at) && wire_in_ok(&rx_at) && wire_in_ok(&mbz_at) && rx_ts && !mbz &&
	       (ts - rx_ts) >> DWELL_SHIFT == 0;
}

bool stamp_is_reply(const uint8_t *in, size_t n)
{
	static const struct marks marks = { 4, 16, MBZ_AT, 2 };

	return is_reply(in, n, &marks);
}

bool stamp_auth_is_reply(const uint8_t *in, size_t n)
{
	static const struct marks marks = { 16, 32, AUTH_MBZ_AT, 4 };

	return is_reply(in, n, &marks);
}

static struct mac_text covered(const uint8_t *pkt)
{
	return (struct mac_text){ pkt, HMAC_AT, NULL, 0 };
}

void stamp_seal(const struct mac_key *key, uint8_t pkt[static STAMP_AUTH_LEN])
{
	struct mac_text text = covered(pkt);

	mac_sum(key, &text, pkt + HMAC_AT);
}

bool stamp_opens(const struct mac_key *key, const uint8_t *pkt, size_t n)
{
	struct mac_text text = covered(pkt);

	return n >= STAMP_AUTH_LEN && mac_fits(key, &text, pkt + HMAC_AT);
}
