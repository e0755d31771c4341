// SPDX-License-Identifier: BSD-2-Clause
/*
 * The TLVs of a request: what the settings and the session say (11 octets), and the TLVs as they
 * came. A choice makes their HMAC TLV right, so that what stands behind it is reached. RFC 8972 4
 */
#include "protocol/stamp.h"
#include "protocol/tlvreply.h"
#include "tests/fuzz/fuzz.h"

#define SENDER_SEQ 5
#define OWN_SEQ 3

static struct mac_key key;

static bool is_ours(const void *host, const struct address *a)
{
	(void)host;
	return (a->ip[0] ^ a->ip[3] ^ a->family) & 1;
}

struct how {
	struct tlvreply_policy policy;
	struct tlvreply_facts facts;
	struct prefix address;
	bool sign;
};

static void choose(struct input *i, struct how *h)
{
	uint8_t a = input_octet(i), b = input_octet(i);

	memset(h, 0, sizeof(*h));
	h->policy.off = a == 0xff;
	h->policy.required = a & 1;
	h->facts.authenticated = a & 2;
	h->facts.keys[0] = a & 4 ? &key : NULL;
	h->facts.keys[1] = a & 8 ? &key : NULL;
	h->sign = a & 16;
	h->facts.from.family = h->facts.to.family = a & 32 ? 4 : 6;
	h->facts.stateful = a & 64;
	h->facts.newest = a & 128;
	h->policy.location = b & TLVREPLY_LOCATION_ALL;
	h->policy.return_path = b >> 3 & 7;
	h->facts.loopback = b >> 6 & 1;
	h->facts.previous.method = b >> 7;
	h->policy.types = ~(uint32_t)input_16(i);
	h->policy.dscp = (uint64_t)input_32(i) << 32 | 1;
	h->facts.tos = input_octet(i);
	h->facts.link_id = input_octet(i);
	input_fill(i, h->facts.from.ip, 4);
	h->address = (struct prefix){ .family = h->facts.from.family };
	h->policy.addresses = &h->address;
	h->policy.n_addresses = 1;
	h->facts.sender_seq = SENDER_SEQ;
	h->facts.own_seq = OWN_SEQ;
	h->facts.is_ours = is_ours;
}

/* S-052: same types and lengths in the same order; and from a malformed TLV on the same octets,
 * but for its flags, what Follow-Up zeroes, marked sub-TLVs, and the HMAC TLV. */
static void check_frames(const uint8_t *in, const uint8_t *out, size_t n, const struct tlvreply *r)
{
	struct tlv_cursor a = tlv_cursor(in, n), b = tlv_cursor(out, n);
	struct tlv was, is;
	bool stopped = false;

	while (tlv_next(&a, &was)) {
		bool hmac = r->key && was.type == TLV_HMAC;

		MUST(tlv_next(&b, &is));
		MUST(is.type == was.type && is.end == was.end && is.frame == was.frame);
		if (r->integrity) {
			MUST(is.flags & TLV_I);
			MUST(!memcmp(in + was.value, out + is.value, was.length));
		} else if (stopped && !hmac) {
			MUST(!memcmp(in + was.at, out + is.at, was.end - was.at));
		} else if (!hmac) {
			MUST(!(is.flags & ~(TLV_U | TLV_M)));
			stopped |= (is.flags & TLV_M) != 0;
		}
	}
	MUST(!tlv_next(&b, &is));
	MUST(!memcmp(in + a.at, out + a.at, n - a.at));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct tlv_hmac hmac;
	struct tlvreply r;
	uint8_t *in, *out;
	struct how h;
	size_t n;

	mac_key_init(&key, "sixteen octets or more", 22);
	choose(&input, &h);
	n = input.left;
	in = input_take(&input, n);
	out = malloc(n ? n : 1);
	MUST(out);
	hmac = tlv_find_hmac(in, n);
	if (h.sign && hmac.proof == TLV_PLACED) {
		tlv_sign(&key, SENDER_SEQ, in, &hmac.tlv);
		MUST(tlv_verify(&key, SENDER_SEQ, in, &hmac));
	}
	memcpy(out, in, n);
	tlvreply(&h.policy, &h.facts, out, n, &r);
	if (h.policy.off) {
		MUST(!memcmp(in, out, n));
	} else if (r.verdict == TLVREPLY_SEND) {
		check_frames(in, out, n, &r);
		MUST(!r.key || tlv_verify(&key, OWN_SEQ, out, &hmac));
		MUST(!r.to_set || (r.key && h.facts.stateful && h.facts.newest));
	}
	free(in);
	free(out);
	return 0;
}
