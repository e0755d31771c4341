// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/tlvside.h"

#define HALF UINT32_C(0x80000000)

static bool asks(const struct tlvside *t, uint8_t type)
{
	return t->send.types & TLV_BIT(type);
}

void tlvside_init(struct tlvside *t, const struct plan *plan, const union endpoint *local,
		  const union endpoint *peer, uint64_t *tos_seen)
{
	*t = (struct tlvside){ .send = plan->more.tlvs,
			       .key = plan->more.key,
			       .local = endpoint_address(local),
			       .peer = endpoint_address(peer),
			       .reports_left = 1 + plan->more.report_tries,
			       .report_wait_ns = plan->more.report_wait_ns,
			       .tos_seen = tos_seen };
	t->send.family = t->peer.family;
	if (!t->send.node.family) {
		t->send.node = t->peer;
	}
	t->proof_needed = plan->more.authenticated || asks(t, TLV_HMAC);
	t->octets = tlvsend_octets(&t->send);
}

/* S-249: at once, then every so often until it is confirmed or was said often enough. */
static bool is_report_due(struct tlvside *t, struct mono now)
{
	if (!asks(t, TLV_ACCESS_REPORT) || t->told.report_confirmed || !t->reports_left ||
	    now.ns < t->report_due_ns) {
		return false;
	}
	t->reports_left--;
	t->report_due_ns = now.ns + t->report_wait_ns;
	return true;
}

void tlvside_put(struct tlvside *t, uint32_t seq, struct mono now, uint8_t *out)
{
	struct tlvsend_packet p = { .seq = seq,
				    .tx_count = ++t->tx_count,
				    .micro_reflector = t->told.micro_reflector,
				    .access_due = is_report_due(t, now),
				    .key = t->key };

	tlvsend_put(&t->send, &p, out);
}

static void count_types(struct tlvside_told *told, const struct tlvread *r)
{
	for (unsigned type = 0; type <= TLV_TYPE_MAX; type++) {
		struct tlvside_type *to = &told->types[type];

		to->known += r->known >> type & 1;
		to->unknown += r->unknown >> type & 1;
		to->malformed += r->malformed >> type & 1;
	}
}

static bool is_same(const struct address *told, const struct address *own)
{
	struct address a = *told, b = *own;

	a.scope = b.scope = 0;
	return !told->family || address_same_host(&a, &b);
}

static void take_location(struct tlvside *t, const struct tlvread *r)
{
	struct tlvside_told *told = &t->told;

	told->seen = true;
	told->seen_from = r->location.from;
	told->seen_to = r->location.to;
	told->seen_from_port = r->location.from_port;
	told->seen_to_port = r->location.to_port;
	told->translated |= !is_same(&r->location.from, &t->local) ||
			    !is_same(&r->location.to, &t->peer) ||
			    (told->seen_from_port && told->seen_from_port != t->local.port) ||
			    (told->seen_to_port && told->seen_to_port != t->peer.port);
}

/* S-251 */
static void take_service(struct tlvside *t, const struct tlvread *r)
{
	t->tos_seen[r->service.dscp << 2 | r->service.ecn]++;
	t->told.dscp_refused += r->service.refused;
}

/* S-252: between two replies, in the order of sending. */
static void take_direct(struct tlvside *t, const struct tlvread *r)
{
	uint32_t sent = r->direct.sent - t->direct.sent;
	uint32_t received = r->direct.received - t->direct.received;
	uint32_t replied = r->direct.replied - t->direct.replied;
	uint32_t got = t->rx_count - t->direct.got;

	if (t->direct_any && (sent == 0 || sent >= HALF)) {
		return; /* a duplicate, or one that was overtaken */
	}
	if (t->direct_any && (received >= HALF || replied >= HALF)) {
		t->told.direct_dropped++;
	} else if (t->direct_any) {
		t->told.direct_intervals++;
		t->told.direct_sent += sent;
		t->told.direct_lost_out += (int64_t)sent - (int64_t)received;
		t->told.direct_lost_in += (int64_t)replied - (int64_t)got;
	}
	t->direct_any = true;
	t->direct.sent = r->direct.sent;
	t->direct.received = r->direct.received;
	t->direct.replied = r->direct.replied;
	t->direct.got = t->rx_count;
}

/* S-254 */
static bool take_micro(struct tlvside *t, const struct tlvread *r)
{
	struct tlvside_told *told = &t->told;

	if (r->micro.sender != t->send.micro_sender ||
	    (told->micro_reflector && r->micro.reflector != told->micro_reflector)) {
		told->micro_dropped++;
		return false;
	}
	told->micro = true;
	told->micro_reflector = r->micro.reflector;
	return true;
}

static void take_values(struct tlvside *t, const struct tlvread *r)
{
	if (r->known & TLV_BIT(TLV_LOCATION)) {
		take_location(t, r);
	}
	if (r->known & TLV_BIT(TLV_TIMESTAMP_INFORMATION)) {
		t->told.timed = true;
		t->told.sync_in = r->timestamp.sync_in;
		t->told.method_in = r->timestamp.method_in;
		t->told.sync_out = r->timestamp.sync_out;
		t->told.method_out = r->timestamp.method_out;
	}
	if (r->known & TLV_BIT(TLV_CLASS_OF_SERVICE)) {
		take_service(t, r);
	}
	if (r->known & TLV_BIT(TLV_DIRECT_MEASUREMENT)) {
		take_direct(t, r);
	}
	t->told.report_confirmed |= (r->known & TLV_BIT(TLV_ACCESS_REPORT)) &&
				    r->access.id == t->send.access_id &&
				    r->access.code == t->send.access_code;
}

bool tlvside_take(struct tlvside *t, const uint8_t *octets, size_t n, uint32_t reply_seq,
		  struct tlvread *r)
{
	struct tlvread_proof proof = { .key = t->key, .needed = t->proof_needed, .seq = reply_seq };

	tlvread(octets, n, &proof, r);
	t->rx_count++;
	t->told.other_length += n != t->octets;
	t->told.replies += r->any;
	t->told.refused += r->refused;
	t->told.hmac_wrong += r->hmac_wrong;
	if (r->known & TLV_BIT(TLV_MICRO_SESSION_ID) && !take_micro(t, r)) {
		return false;
	}
	count_types(&t->told, r);
	take_values(t, r);
	return true;
}

static void add_last(struct tlvside_told *sum, const struct tlvside_told *one)
{
	if (one->seen) {
		sum->seen = true;
		sum->seen_from = one->seen_from;
		sum->seen_to = one->seen_to;
		sum->seen_from_port = one->seen_from_port;
		sum->seen_to_port = one->seen_to_port;
		sum->translated |= one->translated;
	}
	if (one->timed) {
		sum->timed = true;
		sum->sync_in = one->sync_in;
		sum->method_in = one->method_in;
		sum->sync_out = one->sync_out;
		sum->method_out = one->method_out;
	}
	if (one->micro) {
		sum->micro = true;
		sum->micro_reflector = one->micro_reflector;
	}
}

void tlvside_add(struct tlvside_told *sum, const struct tlvside_told *one)
{
	add_last(sum, one);
	sum->replies += one->replies;
	sum->refused += one->refused;
	sum->hmac_wrong += one->hmac_wrong;
	sum->other_length += one->other_length;
	for (unsigned type = 0; type <= TLV_TYPE_MAX; type++) {
		sum->types[type].known += one->types[type].known;
		sum->types[type].unknown += one->types[type].unknown;
		sum->types[type].malformed += one->types[type].malformed;
	}
	sum->dscp_refused += one->dscp_refused;
	sum->direct_sent += one->direct_sent;
	sum->direct_intervals += one->direct_intervals;
	sum->direct_dropped += one->direct_dropped;
	sum->direct_lost_out += one->direct_lost_out;
	sum->direct_lost_in += one->direct_lost_in;
	sum->report_confirmed |= one->report_confirmed;
	sum->micro_dropped += one->micro_dropped;
}

bool tlvside_expects_nothing(const struct plan *plan)
{
	return plan->stamp && plan->more.tlvs.types & TLV_BIT(TLV_RETURN_PATH) &&
	       plan->more.tlvs.path == TLVSEND_NO_REPLY;
}
