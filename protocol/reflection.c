// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/reflection.h"

#include "protocol/stamp.h"

struct reflection_rules reflection_session(uint32_t modes, struct crypt_test *crypt)
{
	return (struct reflection_rules){ .layout = pkt_layout(modes),
					  .crypt = crypt,
					  .format = modes & MODE_PTP ? TS_PTP : TS_NTP,
					  .encrypted = modes & MODE_ENCRYPTED };
}

struct reflection_rules reflection_light(bool stamp, bool stamp_auth)
{
	return (struct reflection_rules){ .layout = stamp_auth ? stamp_auth_layout()
						    : stamp    ? stamp_layout()
							       : pkt_layout(MODE_UNAUTHENTICATED),
					  .format = TS_NTP,
					  .stamp = stamp,
					  .stamp_auth = stamp_auth };
}

enum ts_format reflection_format(const struct reflection_rules *r, size_t n)
{
	return r->stamp && n < r->layout->reply_min ? TS_NTP : r->format;
}

/* What was said in the Error Estimate holds for T3, too. */
static enum ts_format format_of(const struct reflection_rules *r, const uint8_t *out)
{
	struct wire_in w = wire_in(out + r->layout->ee, sizeof(uint16_t));

	if (!r->stamp) {
		return r->format;
	}
	return wire_get16(&w) & TS_EE_PTP ? TS_PTP : TS_NTP;
}

uint16_t reflection_ssid(const struct reflection_rules *r, const uint8_t *in, size_t n)
{
	if (!r->stamp) {
		return 0;
	}
	return r->stamp_auth ? stamp_auth_get_ssid(in, n) : stamp_get_ssid(in, n);
}

/* Between two reflectors a reply would go to and fro for ever; in the keyed modes the HMAC of the
 * one is none for the other. */
int reflection_check(const struct reflection_rules *r, const uint8_t *in, size_t n)
{
	if (n < r->layout->send_min) {
		return REFLECTION_SHORT;
	}
	if (r->stamp_auth) {
		return stamp_auth_is_reply(in, n) ? REFLECTION_LOOP : 0;
	}
	return !r->crypt && stamp_is_reply(in, n) ? REFLECTION_LOOP : 0;
}

int reflection_open(const struct reflection_rules *r, uint8_t *in, size_t n)
{
	return r->crypt && crypt_pkt_open_send(r->crypt, r->encrypted, in, n) ? REFLECTION_FORGED
									      : 0;
}

size_t reflection_build(const struct reflection_rules *r, const uint8_t *in, size_t n, uint8_t *out,
			const struct reflection_facts *facts)
{
	const struct pkt_reply fields = { .seq = facts->seq,
					  .error_estimate = facts->error_estimate,
					  .rx_ts = ts_encode(reflection_format(r, n), facts->t2),
					  .ttl = facts->ttl,
					  .tos = facts->tos };

	if (r->stamp_auth ? stamp_auth_put_reply(in, n, out, &fields)
	    : r->stamp	  ? stamp_put_reply(in, n, out, &fields)
			  : pkt_put_reply(r->layout, in, n, out, &fields)) {
		return 0;
	}
	if (r->crypt && !r->encrypted) { /* covers nothing of T3, so it need not wait: T-005 */
		crypt_pkt_seal_reply(r->crypt, false, out);
	}
	return pkt_reply_len(r->layout, n);
}

size_t reflection_build_tlvs(const struct reflection_rules *r, const uint8_t *in, size_t n,
			     uint8_t *out, const struct reflection_facts *facts,
			     struct tlvreply *told)
{
	size_t len = reflection_build(r, in, n, out, facts), base = r->layout->reply_min;

	/* Behind the base packet @out has copies of the TLVs. */
	tlvreply(r->tlvs, facts->tlvs, out + base, len > base ? len - base : 0, told);
	return told->verdict == TLVREPLY_SEND ? len : 0;
}

struct reflection_time reflection_time(struct wall at)
{
	return (struct reflection_time){
		.at = at,
		.wire = { [TS_NTP] = ts_encode(TS_NTP, at), [TS_PTP] = ts_encode(TS_PTP, at) }
	};
}

void reflection_finish(const struct reflection_rules *r, uint8_t *out, struct wall t2,
		       const struct reflection_time *t3)
{
	enum ts_format format = format_of(r, out);

	pkt_put_reply_ts(r->layout, out,
			 t3->at.ns < t2.ns ? ts_encode(format, t2) : t3->wire[format]);
	if (r->encrypted) {
		crypt_pkt_seal_reply(r->crypt, true, out);
	}
}

void reflection_finish_stamp(const struct reflection_rules *r, uint8_t *out, struct wall t2,
			     const struct reflection_time *t3, const struct mac_key *key)
{
	reflection_finish(r, out, t2, t3);
	if (r->stamp_auth && key) { /* S-022: T3 is covered, too */
		stamp_seal(key, out);
	}
}
