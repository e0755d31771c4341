// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/tlvread.h"

#define SUB_DESTINATION_4 5
#define SUB_DESTINATION_6 6
#define SUB_SOURCE_4 8
#define SUB_SOURCE_6 9
#define SUB_IP_OCTETS 16

/* S-247, S-248 */
static bool is_proved(const uint8_t *octets, size_t n, const struct tlvread_proof *proof)
{
	struct tlv_hmac h = tlv_find_hmac(octets, n);

	switch (h.proof) {
	case TLV_NO_PROOF:
		return !h.any || h.only_padding || !proof->needed;
	case TLV_MISPLACED:
	case TLV_BAD_LENGTH:
		return false;
	case TLV_PLACED:
		break;
	}
	return proof->key && tlv_verify(proof->key, proof->seq, octets, &h);
}

/* Types above have no bit, and cannot be ours. */
static uint32_t bit_of(const struct tlv *t)
{
	return t->frame != TLV_FRAGMENT && t->type <= TLV_TYPE_MAX ? TLV_BIT(t->type) : 0;
}

static void read_flags(const uint8_t *octets, size_t n, struct tlvread *r)
{
	struct tlv_cursor c = tlv_cursor(octets, n);
	struct tlv t;

	while (tlv_next(&c, &t)) {
		r->any = true;
		r->refused |= (t.flags & TLV_I) != 0;
	}
}

/* The address of a sub-TLV; family 0 if it was not to be told. */
static struct address read_ip(struct wire_in w, uint8_t family)
{
	struct address a = { .family = family };

	wire_get(&w, a.ip, family == 4 ? 4 : 16);
	a.family = address_is_any(&a) ? 0 : family;
	return a;
}

static void read_location(const uint8_t *octets, const struct tlv *t, struct tlvread *r)
{
	struct tlv_cursor c = tlv_cursor_within(octets, t->value + 4, t->end);
	struct wire_in w = wire_in(octets + t->value, t->length);
	struct tlv sub;

	r->location.to_port = wire_get16(&w);
	r->location.from_port = wire_get16(&w);
	while (tlv_next(&c, &sub)) {
		struct wire_in ip = wire_in(octets + sub.value, sub.length);

		if (sub.length != SUB_IP_OCTETS || sub.flags) {
			continue;
		}
		switch (sub.type) {
		case SUB_DESTINATION_4:
		case SUB_DESTINATION_6:
			r->location.to = read_ip(ip, sub.type == SUB_DESTINATION_4 ? 4 : 6);
			break;
		case SUB_SOURCE_4:
		case SUB_SOURCE_6:
			r->location.from = read_ip(ip, sub.type == SUB_SOURCE_4 ? 4 : 6);
			break;
		default:
			break;
		}
	}
}

static void read_service(struct wire_in w, struct tlvread *r)
{
	uint16_t fields = wire_get16(&w);

	r->service.dscp = (uint8_t)(fields >> 4 & 63);
	r->service.ecn = (uint8_t)(fields >> 2 & 3);
	r->service.refused = (fields & 3) != 0;
}

static void read_value(const uint8_t *octets, const struct tlv *t, struct tlvread *r)
{
	struct wire_in w = wire_in(octets + t->value, t->length);

	switch (t->type) {
	case TLV_LOCATION:
		read_location(octets, t, r);
		break;
	case TLV_TIMESTAMP_INFORMATION:
		r->timestamp.sync_in = wire_get8(&w);
		r->timestamp.method_in = wire_get8(&w);
		r->timestamp.sync_out = wire_get8(&w);
		r->timestamp.method_out = wire_get8(&w);
		break;
	case TLV_CLASS_OF_SERVICE:
		read_service(w, r);
		break;
	case TLV_DIRECT_MEASUREMENT:
		r->direct.sent = wire_get32(&w);
		r->direct.received = wire_get32(&w);
		r->direct.replied = wire_get32(&w);
		break;
	case TLV_ACCESS_REPORT:
		r->access.id = (uint8_t)(wire_get8(&w) >> 4);
		r->access.code = wire_get8(&w);
		break;
	case TLV_FOLLOW_UP_TELEMETRY:
		r->follow_up.seq = wire_get32(&w);
		r->follow_up.ts = wire_get64(&w);
		r->follow_up.method = wire_get8(&w);
		break;
	case TLV_MICRO_SESSION_ID:
		r->micro.sender = wire_get16(&w);
		r->micro.reflector = wire_get16(&w);
		break;
	default: /* that it came back without a flag is all that it tells */
		break;
	}
}

void tlvread(const uint8_t *octets, size_t n, const struct tlvread_proof *proof, struct tlvread *r)
{
	struct tlv_cursor c = tlv_cursor(octets, n);
	struct tlv t;

	memset(r, 0, sizeof(*r));
	read_flags(octets, n, r);
	r->hmac_wrong = !r->refused && !is_proved(octets, n, proof);
	if (r->refused || r->hmac_wrong) {
		return;
	}
	while (tlv_next(&c, &t)) {
		if (t.flags & TLV_M || !tlv_fits(&t)) {
			r->malformed |= bit_of(&t);
			return;
		}
		if (t.flags & TLV_U) {
			r->unknown |= bit_of(&t);
		} else if (tlv_info(t.type)) {
			r->known |= bit_of(&t);
			read_value(octets, &t, r);
		}
	}
}
