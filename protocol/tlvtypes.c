// SPDX-License-Identifier: BSD-2-Clause
/* What each type of TLV is answered with, but those that say how the reply travels. */
#include "protocol/tlvreply.h"

#define LOCATION_HEAD 4 /* two ports, then sub-TLVs */
#define TIMESTAMP_HEAD 4

/* Sub-TLVs of Location. RFC 8972 4.2.1, 4.2.2 */
enum location {
	ASK_MAC = 1,
	IS_EUI64 = 3,
	ASK_DESTINATION = 4,
	IS_DESTINATION_4 = 5,
	IS_DESTINATION_6 = 6,
	ASK_SOURCE = 7,
	IS_SOURCE_4 = 8,
	IS_SOURCE_6 = 9,
};
#define MAC_VALUE 8
#define IP_VALUE 16

static struct wire_out value_of(struct tlvreply_work *w, const struct tlv *t)
{
	return wire_out(w->octets + t->value, t->length);
}

enum tlvreply_flags tlvreply_EXTRA_PADDING(struct tlvreply_work *w, const struct tlv *t)
{
	(void)w, (void)t;
	return TLVREPLY_OK;
}

/* Verified before; signed when all before it is there. */
enum tlvreply_flags tlvreply_HMAC(struct tlvreply_work *w, const struct tlv *t)
{
	(void)w, (void)t;
	return TLVREPLY_OK;
}

/* --- Location ------------------------------------------------------------------------- */

static size_t location_length(uint8_t type, size_t length)
{
	switch (type) {
	case ASK_MAC:
		return MAC_VALUE;
	case ASK_DESTINATION:
	case ASK_SOURCE:
		return IP_VALUE;
	default:
		return length;
	}
}

static bool location_asks(uint8_t type)
{
	return type == ASK_MAC || type == ASK_DESTINATION || type == ASK_SOURCE;
}

/* S-116: marks the sub-TLV that is wrong. False: there is one. */
static bool location_fits(struct tlvreply_work *w, const struct tlv *t)
{
	struct tlv_cursor c = tlv_cursor_within(w->octets, t->value + LOCATION_HEAD, t->end);
	struct tlv sub;

	while (tlv_next(&c, &sub)) {
		if (sub.frame != TLV_WHOLE || sub.length != location_length(sub.type, sub.length)) {
			bool known = sub.frame == TLV_FRAGMENT || location_asks(sub.type);

			w->octets[sub.at] = (uint8_t)(TLV_M | (known ? 0 : TLV_U));
			return false;
		}
	}
	return true;
}

/* S-112: the address and zeros; S-114: only zeros if it is not to be told. */
static void put_ip(struct tlvreply_work *w, const struct tlv *sub, unsigned part,
		   enum location is_4, const struct address *e)
{
	bool v4 = e->family == 4;
	struct wire_out head = wire_out(w->octets + sub->at, TLV_HEADER_LEN);
	struct wire_out value = value_of(w, sub);

	wire_put8(&head, 0);
	wire_put8(&head, (uint8_t)(v4 ? is_4 : is_4 + 1));
	wire_zero(&value, sub->length);
	value = value_of(w, sub);
	if (w->policy->location & part) {
		wire_put(&value, e->ip, v4 ? 4 : 16);
	}
}

static void put_location(struct tlvreply_work *w, const struct tlv *sub)
{
	struct wire_out head = wire_out(w->octets + sub->at, TLV_HEADER_LEN);
	struct wire_out value = value_of(w, sub);

	switch (sub->type) {
	case ASK_MAC: /* S-111: a socket does not know it */
		wire_put8(&head, 0);
		wire_put8(&head, IS_EUI64);
		wire_zero(&value, sub->length);
		return;
	case ASK_DESTINATION:
		put_ip(w, sub, TLVREPLY_DESTINATION, IS_DESTINATION_4, &w->facts->to);
		return;
	case ASK_SOURCE:
		put_ip(w, sub, TLVREPLY_SOURCE, IS_SOURCE_4, &w->facts->from);
		return;
	default: /* S-115 */
		wire_put8(&head, TLV_U);
	}
}

/* S-110..S-116 */
enum tlvreply_flags tlvreply_LOCATION(struct tlvreply_work *w, const struct tlv *t)
{
	struct tlv_cursor c = tlv_cursor_within(w->octets, t->value + LOCATION_HEAD, t->end);
	bool ports = w->policy->location & TLVREPLY_PORTS;
	struct wire_out value = value_of(w, t);
	struct tlv sub;

	if (!location_fits(w, t)) {
		return TLVREPLY_M;
	}
	wire_put16(&value, ports ? w->facts->to.port : 0);
	wire_put16(&value, ports ? w->facts->from.port : 0);
	while (tlv_next(&c, &sub)) {
		put_location(w, &sub);
	}
	return TLVREPLY_OK;
}

/* --- Timestamp Information, Class of Service ------------------------------------------- */

/* S-120..S-124; no sub-TLV is known. */
enum tlvreply_flags tlvreply_TIMESTAMP_INFORMATION(struct tlvreply_work *w, const struct tlv *t)
{
	const struct tlvreply_facts *f = w->facts;
	size_t from = t->value + TIMESTAMP_HEAD;
	struct tlv_cursor c = tlv_cursor_within(w->octets, from, t->end);
	struct wire_out value = value_of(w, t);
	struct tlv sub;

	while (tlv_next(&c, &sub)) {
		if (sub.frame != TLV_WHOLE) {
			w->octets[sub.at] = (uint8_t)(TLV_M |
						      (sub.frame == TLV_OVERRUN ? TLV_U : 0));
			return TLVREPLY_M;
		}
	}
	c = tlv_cursor_within(w->octets, from, t->end);
	while (tlv_next(&c, &sub)) {
		w->octets[sub.at] = TLV_U;
	}
	wire_put8(&value, f->sync);
	wire_put8(&value, f->method_in);
	wire_put8(&value, f->sync);
	wire_put8(&value, f->method_out);
	return TLVREPLY_OK;
}

/* S-130..S-133. DSCP1(6) DSCP2(6) ECN(2) RP(2) Reserved(16) */
enum tlvreply_flags tlvreply_CLASS_OF_SERVICE(struct tlvreply_work *w, const struct tlv *t)
{
	struct tlvreply *r = w->reply;
	struct wire_in asked = wire_in(w->octets + t->value, t->length);
	struct wire_out value = value_of(w, t);
	uint8_t dscp1 = (uint8_t)(wire_get8(&asked) >> 2), tos = w->facts->tos;
	bool refused;

	if (!r->dscp_set) {
		r->dscp_set = true;
		refused = !(w->policy->dscp >> dscp1 & 1);
		r->dscp = refused ? tos >> 2 : dscp1;
	} else {
		refused = dscp1 != r->dscp;
	}
	wire_put16(&value, (uint16_t)(dscp1 << 10 | (tos >> 2) << 4 | (tos & 3) << 2 | refused));
	wire_zero(&value, 2);
	return TLVREPLY_OK;
}

/* --- what the session tells ------------------------------------------------------------ */

/* S-140..S-142 */
enum tlvreply_flags tlvreply_DIRECT_MEASUREMENT(struct tlvreply_work *w, const struct tlv *t)
{
	struct wire_out value = wire_out(w->octets + t->value + 4, t->length - 4);

	if (!w->facts->stateful) {
		return TLVREPLY_U;
	}
	wire_put32(&value, w->facts->rx_count);
	wire_put32(&value, w->facts->tx_count);
	return TLVREPLY_OK;
}

/* S-155..S-157 */
enum tlvreply_flags tlvreply_FOLLOW_UP_TELEMETRY(struct tlvreply_work *w, const struct tlv *t)
{
	struct wire_out value = value_of(w, t);
	bool told = w->facts->stateful && w->facts->previous.method != TLVREPLY_METHOD_NONE;

	w->reply->follow_up = true;
	wire_put32(&value, told ? w->facts->previous.seq : 0);
	wire_put64(&value, told ? w->facts->previous.ts : 0);
	wire_put8(&value, told ? w->facts->previous.method : TLVREPLY_METHOD_NONE);
	wire_zero(&value, 3);
	return TLVREPLY_OK;
}

/* --- Access Report, Micro-session ID ----------------------------------------------------- */

/* S-150..S-152. ID(4) Resv(4), Return Code, Reserved(16) */
enum tlvreply_flags tlvreply_ACCESS_REPORT(struct tlvreply_work *w, const struct tlv *t)
{
	struct wire_in told = wire_in(w->octets + t->value, t->length);
	struct wire_out value = value_of(w, t);
	unsigned id = wire_get8(&told) >> 4;
	uint8_t code = wire_get8(&told);

	if (id != 1 && id != 2) {
		return TLVREPLY_U;
	}
	w->reply->access = code == 1   ? TLVREPLY_ACCESS_AVAILABLE
			   : code == 2 ? TLVREPLY_ACCESS_UNAVAILABLE
				       : TLVREPLY_ACCESS_OTHER;
	wire_put8(&value, (uint8_t)(id << 4));
	wire_put8(&value, code);
	wire_zero(&value, 2);
	return TLVREPLY_OK;
}

/* S-180..S-183 */
enum tlvreply_flags tlvreply_MICRO_SESSION_ID(struct tlvreply_work *w, const struct tlv *t)
{
	struct wire_in asked = wire_in(w->octets + t->value + 2, t->length - 2);
	struct wire_out value = wire_out(w->octets + t->value + 2, t->length - 2);
	uint16_t reflector = wire_get16(&asked);

	if (!w->facts->link_id) {
		return TLVREPLY_U;
	}
	if (reflector && reflector != w->facts->link_id) {
		w->reply->verdict = TLVREPLY_MEMBER_LINK;
	}
	wire_put16(&value, w->facts->link_id);
	return TLVREPLY_OK;
}
