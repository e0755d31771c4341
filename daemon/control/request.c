// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/control/request.h"

#include "protocol/pkt.h"

/* An address field of the request; zero stands for @own. RFC 5357 3.5 */
static enum reason take_address(const uint8_t field[static 16], uint8_t family,
				const struct address *own, struct address *out)
{
	*out = (struct address){ .family = family };
	memcpy(out->ip, field, family == 4 ? 4 : 16);
	if (address_is_any(out)) {
		if (own->family != family) {
			return REASON_FAMILY_MISMATCH;
		}
		*out = *own;
		return REASON_OK;
	}
	if (address_is_link_local(out)) {
		if (!own->scope) {
			return REASON_LINK_LOCAL_SCOPE;
		}
		out->scope = own->scope;
	}
	return REASON_OK;
}

/* A zero Receiver and Sender Address leave IPVN without a meaning: some clients say 4 always. */
static uint8_t family_of(const struct request_context *x, const struct msg_request *m)
{
	static const uint8_t zero[16];
	bool given = memcmp(m->sender_address, zero, sizeof zero) ||
		     memcmp(m->receiver_address, zero, sizeof zero);

	return m->ipvn == 4 && !given ? x->local->family : m->ipvn;
}

/* 127.0.0.0/8 and ::1 are ours for those who are on this host themselves. */
static bool is_inside(const struct request_context *x)
{
	return address_is_loopback(x->remote) || address_same_host(x->remote, x->local);
}

static enum reason check_addresses(const struct request_context *x, const struct msg_request *m,
				   struct session_spec *spec)
{
	uint8_t family;
	enum reason r;

	if (m->ipvn != 4 && m->ipvn != 6) {
		return REASON_IP_VERSION;
	}
	family = family_of(x, m);
	r = take_address(m->sender_address, family, x->remote, &spec->remote);
	if (r != REASON_OK) {
		return r;
	}
	r = take_address(m->receiver_address, family, x->local, &spec->local);
	if (r != REASON_OK) {
		return r;
	}
	if (address_is_unusable(&spec->remote) ||
	    (address_is_loopback(&spec->remote) && !is_inside(x))) {
		return REASON_SENDER_ADDRESS;
	}
	if (address_is_unusable(&spec->local) ||
	    (address_is_loopback(&spec->local) && !is_inside(x))) {
		return REASON_ADDRESS_NOT_LOCAL;
	}
	spec->remote.port = m->sender_port;
	spec->local.port = m->receiver_port;
	return REASON_OK;
}

static enum reason refuse(enum reason r, uint64_t culprit, uint64_t *value)
{
	*value = culprit;
	return r;
}

/* RFC 6038 4.2, T-024: the octets to be reflected must survive the cut of the padding. */
static bool reflects(uint32_t modes, const struct msg_request *m)
{
	const struct pkt_layout *l = pkt_layout(modes);
	uint64_t cut = l->reply_min > l->send_padding ? l->reply_min - l->send_padding : 0;

	if (!(modes & MODE_REFLECT_OCTETS) || !m->reflect_length) {
		return true;
	}
	return m->reflect_length < m->padding && m->reflect_length + cut <= m->padding;
}

static enum reason check_fields(const struct request_context *x, const struct policy *p,
				const struct msg_request *m, uint8_t family, uint64_t *value)
{
	unsigned longest = family == 4 ? PKT_MAX_PAYLOAD_V4 : PKT_MAX_PAYLOAD_V6;

	if (m->conf_sender || m->conf_receiver) {
		return refuse(REASON_CONF_FIELDS,
			      m->conf_sender ? m->conf_sender : m->conf_receiver, value);
	}
	if (m->slots) {
		return refuse(REASON_SCHEDULE_FIELDS, m->slots, value);
	}
	if (!m->sender_port) {
		return REASON_SENDER_PORT;
	}
	if (msg_type_p_dscp(m->type_p) < 0) {
		return refuse(REASON_TYPE_P, m->type_p, value);
	}
	if (m->padding > longest || pkt_send_len(pkt_layout(x->modes), m->padding) > longest) {
		return refuse(REASON_PADDING_TOO_LARGE, m->padding, value);
	}
	if (!reflects(x->modes, m)) {
		return refuse(REASON_REFLECT_PADDING, m->reflect_length, value);
	}
	if (m->timeout > (uint64_t)p->max_timeout_s << 32) {
		return refuse(REASON_TIMEOUT_TOO_LARGE, m->timeout >> 32, value);
	}
	return REASON_OK;
}

enum reason request_check(const struct request_context *x, const struct policy *p,
			  const struct msg_request *m, struct session_spec *spec, uint64_t *value)
{
	enum reason r;

	*value = 0;
	*spec = (struct session_spec){
		.modes = x->modes,
		.padding = m->padding,
		.timeout_ns = ts_duration_ns(m->timeout),
		.refwait_ns = (int64_t)p->refwait_s * TS_NS_PER_S,
		.packet_rate = p->packet_rate,
		.octet_rate = p->octet_rate,
	};
	r = check_addresses(x, m, spec);
	if (r != REASON_OK) {
		return refuse(r, r == REASON_IP_VERSION ? m->ipvn : 0, value);
	}
	r = check_fields(x, p, m, spec->local.family, value);
	if (r != REASON_OK) {
		return r;
	}
	spec->dscp = (uint8_t)msg_type_p_dscp(m->type_p);
	if (!(p->dscp_allowed >> spec->dscp & 1)) { /* */
		return refuse(REASON_DSCP, spec->dscp, value);
	}
	if (!p->third_party && !address_same_host(&spec->remote, x->remote)) {
		return REASON_POLICY_ADDRESS;
	}
	if (m->padding > p->max_padding) {
		return refuse(REASON_MAX_PADDING, m->padding, value);
	}
	return REASON_OK;
}
