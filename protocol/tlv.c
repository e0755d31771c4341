// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/tlv.h"

#include "protocol/mac.h"

#define PRIVATE_FIRST 252 /* to 254, with an enterprise number */
#define PRIVATE_LEAST 4

static const struct tlv_info infos[] = {
#define X(name, number, key, least, most) [number] = { key, least, most },
	TLV_TYPES(X)
#undef X
};

#define INFOS (sizeof(infos) / sizeof(infos[0]))
_Static_assert(INFOS <= TLV_TYPE_MAX + 1, "each type has a bit");

const struct tlv_info *tlv_info(uint8_t type)
{
	return type < INFOS && infos[type].key ? &infos[type] : NULL;
}

uint8_t tlv_by_key(const char *key)
{
	for (uint8_t type = 1; type < INFOS; type++) {
		if (infos[type].key && strcmp(infos[type].key, key) == 0) {
			return type;
		}
	}
	return 0;
}

bool tlv_next(struct tlv_cursor *c, struct tlv *t)
{
	size_t there = c->end - c->at;
	struct wire_in w = wire_in(c->octets + c->at, there);
	size_t length;

	if (!there || !c->left) {
		return false;
	}
	c->left--;
	*t = (struct tlv){ .frame = TLV_FRAGMENT, .at = c->at, .value = c->end, .end = c->end };
	t->flags = wire_get8(&w);
	t->type = wire_get8(&w);
	length = wire_get16(&w);
	if (wire_in_ok(&w)) {
		t->frame = length > w.left ? TLV_OVERRUN : TLV_WHOLE;
		t->value = t->at + TLV_HEADER_LEN;
		t->length = length > w.left ? w.left : length;
		t->end = t->value + t->length;
	}
	c->at = t->end;
	return true;
}

bool tlv_fits(const struct tlv *t)
{
	const struct tlv_info *info = tlv_info(t->type);

	if (t->frame != TLV_WHOLE) {
		return false;
	}
	if (t->type == TLV_DESTINATION_NODE_ADDRESS) {
		return t->length == 4 || t->length == 16;
	}
	if (info) {
		return t->length >= info->least && t->length <= info->most;
	}
	return t->type < PRIVATE_FIRST || t->type == UINT8_MAX || t->length >= PRIVATE_LEAST;
}

struct tlv_hmac tlv_find_hmac(const uint8_t *octets, size_t n)
{
	struct tlv_cursor c = tlv_cursor(octets, n);
	struct tlv_hmac h = { .proof = TLV_NO_PROOF };
	unsigned others = 0, padding = 0;
	struct tlv t;

	while (tlv_next(&c, &t)) {
		bool is_padding = t.type == TLV_EXTRA_PADDING && t.frame != TLV_FRAGMENT;

		h.any = true;
		padding += is_padding;
		others += !is_padding;
		if (h.proof != TLV_NO_PROOF) {
			h.proof = is_padding ? h.proof : TLV_MISPLACED;
		} else if (t.type == TLV_HMAC && t.frame != TLV_FRAGMENT) {
			h.proof = tlv_fits(&t) ? TLV_PLACED : TLV_BAD_LENGTH;
			h.tlv = t;
		}
	}
	h.only_padding = padding == 1 && !others;
	return h;
}

static struct mac_text text_of(const uint8_t seq[static 4], const uint8_t *octets,
			       const struct tlv *hmac)
{
	return (struct mac_text){ seq, 4, octets, hmac->at };
}

static void put_seq(uint8_t out[static 4], uint32_t seq)
{
	struct wire_out w = wire_out(out, 4);

	wire_put32(&w, seq);
}

bool tlv_verify(const struct mac_key *key, uint32_t seq, const uint8_t *octets,
		const struct tlv_hmac *h)
{
	uint8_t number[4];
	struct mac_text text = text_of(number, octets, &h->tlv);

	put_seq(number, seq);
	return mac_fits(key, &text, octets + h->tlv.value);
}

void tlv_sign(const struct mac_key *key, uint32_t seq, uint8_t *octets, const struct tlv *hmac)
{
	uint8_t number[4];
	struct mac_text text = text_of(number, octets, hmac);

	put_seq(number, seq);
	mac_sum(key, &text, octets + hmac->value);
}
