// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/tlvreply.h"

typedef enum tlvreply_flags answer(struct tlvreply_work *w, const struct tlv *t);

static answer *const answers[] = {
#define X(name, number, key, least, most) [number] = tlvreply_##name,
	TLV_TYPES(X)
#undef X
};

static bool is_known(const struct tlvreply_policy *policy, uint8_t type)
{
	return tlv_info(type) && (policy->types & TLV_BIT(type));
}

static void put_flags(struct tlvreply_work *w, const struct tlv *t, unsigned flags)
{
	w->octets[t->at] = (uint8_t)flags;
	w->reply->unrecognized |= (flags & TLV_U) != 0;
	w->reply->malformed |= (flags & TLV_M) != 0;
	w->reply->integrity |= (flags & TLV_I) != 0;
}

/* --- integrity, RFC 8972 4.8 ---------------------------------------------------------- */

/* S-070..S-082. Sets the key of the proof. */
static bool is_trusted(struct tlvreply_work *w, const struct tlv_hmac *h)
{
	const struct tlvreply_facts *f = w->facts;

	switch (h->proof) {
	case TLV_NO_PROOF:
		return h->only_padding || !h->any || !(f->authenticated || w->policy->required);
	case TLV_MISPLACED:
	case TLV_BAD_LENGTH:
		return false;
	case TLV_PLACED:
		break;
	}
	for (size_t i = 0; i < 2; i++) {
		if (f->keys[i] && tlv_verify(f->keys[i], f->sender_seq, w->octets, h)) {
			w->reply->key = f->keys[i];
			return true;
		}
		if (f->authenticated) { /* S-027: the key of the base packet alone */
			break;
		}
	}
	return false;
}

/* S-075: nothing is used, all say why. */
static void refuse(struct tlvreply_work *w, size_t n)
{
	struct tlv_cursor c = tlv_cursor(w->octets, n);
	struct tlv t;

	while (tlv_next(&c, &t)) {
		unsigned flags = TLV_I;

		if (t.frame != TLV_FRAGMENT && !is_known(w->policy, t.type)) {
			flags |= TLV_U;
		}
		put_flags(w, &t, flags | (tlv_fits(&t) ? 0 : TLV_M));
	}
}

/* --- one after the other -------------------------------------------------------------- */

/* S-158: what is there of the number and the time is zeroed all the same. */
static void zero_follow_up(struct tlvreply_work *w, const struct tlv *t)
{
	memset(w->octets + t->value, 0, t->length < 12 ? t->length : 12);
}

/* The flags of a TLV, after its Value was answered. */
static unsigned answer_one(struct tlvreply_work *w, const struct tlv *t)
{
	bool known = t->frame == TLV_FRAGMENT || is_known(w->policy, t->type);

	if (!tlv_fits(t) && (known || t->frame != TLV_WHOLE || !tlv_info(t->type))) {
		if (known && t->type == TLV_FOLLOW_UP_TELEMETRY) {
			zero_follow_up(w, t);
		}
		return TLV_M | (known ? 0 : TLV_U);
	}
	return known ? answers[t->type](w, t) : TLV_U;
}

/* Up to the first malformed one (S-063), or until the packet needs no reply. */
static void answer_all(struct tlvreply_work *w, size_t n)
{
	struct tlv_cursor c = tlv_cursor(w->octets, n);
	struct tlv t;

	while (w->reply->verdict == TLVREPLY_SEND && tlv_next(&c, &t)) {
		unsigned flags = answer_one(w, &t);

		put_flags(w, &t, flags);
		if (flags & TLV_M) {
			return;
		}
	}
}

void tlvreply(const struct tlvreply_policy *policy, const struct tlvreply_facts *facts,
	      uint8_t *octets, size_t n, struct tlvreply *r)
{
	struct tlvreply_work w = { policy, facts, octets, r, false };
	struct tlv_hmac h = { .proof = TLV_NO_PROOF };

	memset(r, 0, sizeof(*r));
	if (policy->off || !n) {
		return;
	}
	if (is_known(policy, TLV_HMAC)) {
		h = tlv_find_hmac(octets, n);
		if (!is_trusted(&w, &h)) {
			refuse(&w, n);
			return;
		}
	}
	answer_all(&w, n);
	if (r->key && r->verdict == TLVREPLY_SEND) { /* S-074, S-079 */
		octets[h.tlv.at] = 0;
		tlv_sign(r->key, facts->own_seq, octets, &h.tlv);
	}
}
