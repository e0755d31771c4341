// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/tlvsend.h"

#define SUB_CONTROL 1
#define SUB_ADDRESS 2
#define SUB_DESTINATION 4
#define SUB_SOURCE 7
#define IP_VALUE 16

static bool has(const struct tlvsend *s, uint8_t type)
{
	return s->types & TLV_BIT(type);
}

static size_t ip_octets(const struct address *a)
{
	return a->family == 4 ? 4 : 16;
}

/* Octets of the Value. */
static size_t value_octets(const struct tlvsend *s, uint8_t type)
{
	switch (type) {
	case TLV_LOCATION:
		return 4 + 2 * (TLV_HEADER_LEN + IP_VALUE);
	case TLV_DESTINATION_NODE_ADDRESS:
		return ip_octets(&s->node);
	case TLV_RETURN_PATH:
		return TLV_HEADER_LEN + (s->path == TLVSEND_ADDRESS ? ip_octets(&s->return_to) : 4);
	default: /* those of one length */
		return tlv_info(type)->least;
	}
}

static bool is_listed(const struct tlvsend *s, uint8_t type)
{
	return type != TLV_EXTRA_PADDING && type != TLV_HMAC && tlv_info(type) && has(s, type);
}

size_t tlvsend_octets(const struct tlvsend *s)
{
	size_t n = has(s, TLV_HMAC) ? TLV_HEADER_LEN + MAC_LEN : 0;

	for (uint8_t type = 1; type < TLV_TYPE_MAX; type++) {
		n += is_listed(s, type) ? TLV_HEADER_LEN + value_octets(s, type) : 0;
	}
	for (unsigned i = 0; i < s->paddings; i++) {
		n += TLV_HEADER_LEN + s->padding[i];
	}
	return n;
}

static void put_header(struct wire_out *w, uint8_t type, size_t length)
{
	wire_put8(w, TLV_U);
	wire_put8(w, type);
	wire_put16(w, (uint16_t)length);
}

static void put_location(struct wire_out *w)
{
	wire_zero(w, 4);
	put_header(w, SUB_DESTINATION, IP_VALUE);
	wire_zero(w, IP_VALUE);
	put_header(w, SUB_SOURCE, IP_VALUE);
	wire_zero(w, IP_VALUE);
}

static void put_path(const struct tlvsend *s, struct wire_out *w)
{
	if (s->path == TLVSEND_ADDRESS) {
		put_header(w, SUB_ADDRESS, ip_octets(&s->return_to));
		wire_put(w, s->return_to.ip, ip_octets(&s->return_to));
		return;
	}
	put_header(w, SUB_CONTROL, 4);
	wire_put32(w, s->path == TLVSEND_SAME_LINK);
}

/* S-240: zero but for what the sender says. */
static void put_value(const struct tlvsend *s, const struct tlvsend_packet *p, uint8_t type,
		      struct wire_out *w)
{
	size_t n = value_octets(s, type);

	switch (type) {
	case TLV_LOCATION:
		put_location(w);
		break;
	case TLV_CLASS_OF_SERVICE:
		wire_put8(w, (uint8_t)(s->dscp << 2));
		wire_zero(w, n - 1);
		break;
	case TLV_DIRECT_MEASUREMENT:
		wire_put32(w, p->tx_count);
		wire_zero(w, n - 4);
		break;
	case TLV_ACCESS_REPORT:
		wire_put8(w, (uint8_t)(s->access_id << 4));
		wire_put8(w, s->access_code);
		wire_zero(w, n - 2);
		break;
	case TLV_DESTINATION_NODE_ADDRESS:
		wire_put(w, s->node.ip, n);
		break;
	case TLV_RETURN_PATH:
		put_path(s, w);
		break;
	case TLV_MICRO_SESSION_ID:
		wire_put16(w, s->micro_sender);
		wire_put16(w, p->micro_reflector);
		break;
	default:
		wire_zero(w, n);
	}
}

void tlvsend_put(const struct tlvsend *s, const struct tlvsend_packet *p, uint8_t *out)
{
	struct wire_out w = wire_out(out, tlvsend_octets(s));

	for (uint8_t type = 1; type < TLV_TYPE_MAX; type++) {
		bool stands_in = type == TLV_ACCESS_REPORT && !p->access_due;

		if (is_listed(s, type)) {
			put_header(&w, stands_in ? TLV_EXTRA_PADDING : type, value_octets(s, type));
			put_value(s, p, type, &w);
		}
	}
	if (has(s, TLV_HMAC)) {
		struct tlv hmac = { .at = (size_t)(w.at - out), .value = hmac.at + TLV_HEADER_LEN };

		put_header(&w, TLV_HMAC, MAC_LEN);
		wire_zero(&w, MAC_LEN);
		tlv_sign(p->key, p->seq, out, &hmac);
	}
	for (unsigned i = 0; i < s->paddings; i++) {
		uint8_t *value;

		put_header(&w, TLV_EXTRA_PADDING, s->padding[i]);
		(void)wire_room(&w, &value, s->padding[i]);
	}
}
