// SPDX-License-Identifier: BSD-2-Clause
/*
 * The TLVs of a reply, as a sender reads them: how they are to be proved (1 octet), and what came.
 * A choice makes their HMAC TLV right. RFC 8972 4
 */
#include "protocol/tlvread.h"
#include "tests/fuzz/fuzz.h"

#define SEQ 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t how = input_octet(&input);
	struct tlvread_proof proof = { .needed = how & 1, .seq = SEQ };
	struct tlv_hmac hmac;
	struct mac_key key;
	struct tlvread r;
	uint8_t *octets;
	size_t n = input.left;

	mac_key_init(&key, "sixteen octets or more", 22);
	proof.key = how & 2 ? &key : NULL;
	octets = input_take(&input, n);
	hmac = tlv_find_hmac(octets, n);
	if (how & 4 && hmac.proof == TLV_PLACED) {
		tlv_sign(&key, SEQ, octets, &hmac.tlv);
	}
	tlvread(octets, n, &proof, &r);
	MUST(r.any == (n > 0));
	MUST(!((r.refused || r.hmac_wrong) && (r.known | r.unknown | r.malformed)));
	MUST(!(r.known & ~(uint32_t)TLV_ALL_TYPES));
	MUST(!(r.known & TLV_BIT(TLV_HMAC)) || (how & 2));
	MUST(r.service.dscp < 64 && r.service.ecn < 4);
	free(octets);
	return 0;
}
