// SPDX-License-Identifier: BSD-2-Clause
/* What TLVs of STAMP told, as text and as JSON. */
#include "client/show/result.h"

#include <inttypes.h>

static const char *sync_name(uint8_t source)
{
	static const char *const names[] = { "unknown",	 "NTP",	 "PTP",
					     "SSU/BITS", "GNSS", "free-running" };

	return names[source < sizeof(names) / sizeof(names[0]) ? source : 0];
}

static const char *method_name(uint8_t method)
{
	static const char *const names[] = { "unknown", "hardware", "software", "control plane" };

	return names[method < sizeof(names) / sizeof(names[0]) ? method : 0];
}

static bool asks(const struct measure *m, uint8_t type)
{
	return m->plan->more.tlvs.types & TLV_BIT(type);
}

/* A list of the types that one member of struct tlvside_type counts. */
static void print_types(const struct measure *m, const char *name, size_t at, FILE *out)
{
	const char *comma = "";

	for (uint8_t type = 1; type < TLV_TYPE_MAX; type++) {
		const uint64_t *n = (const void *)((const char *)&m->told.types[type] + at);

		if (*n > 0 && tlv_info(type)) {
			fprintf(out, "%s%s", *comma ? comma : name, tlv_info(type)->key);
			comma = ", ";
		}
	}
	if (*comma) {
		fputc('\n', out);
	}
}

static void print_seen(const struct measure *m, FILE *out)
{
	const struct tlvside_told *t = &m->told;
	char from[ADDRESS_TEXT_LEN], to[ADDRESS_TEXT_LEN];

	fprintf(out, "  seen as     %s port %u, at %s port %u%s\n",
		t->seen_from.family ? address_host_text(&t->seen_from, from, sizeof(from)) : "-",
		t->seen_from_port,
		t->seen_to.family ? address_host_text(&t->seen_to, to, sizeof(to)) : "-",
		t->seen_to_port, t->translated ? " (NAT)" : "");
}

static void print_back(const struct measure *m, FILE *out)
{
	for (unsigned tos = 0; tos < 256; tos++) {
		if (m->tos_back[tos] > 0) {
			fprintf(out, "  came back   %" PRIu64 " replies with DSCP %u, ECN %u\n",
				m->tos_back[tos], tos >> 2, tos & 3);
		}
	}
}

static void print_follow_ups(const struct measure *m, FILE *out)
{
	const struct summary *s = &m->summary;

	if (s->follow_ups > 0) {
		fprintf(out,
			"  follow-up   %" PRIu64
			" replies left %.1f us after T3 on average, %.1f us at "
			"most: taken into account\n",
			s->follow_ups, (double)s->follow_up_mean_ns / 1e3,
			(double)s->follow_up_max_ns / 1e3);
	}
}

void result_tlv_text(const struct measure *m, FILE *out)
{
	const struct tlvside_told *t = &m->told;

	if (!m->plan->stamp || !m->plan->more.tlvs.types) {
		return;
	}
	print_types(m, "  TLVs        ", offsetof(struct tlvside_type, known), out);
	print_types(m, "  not known   ", offsetof(struct tlvside_type, unknown), out);
	print_types(m, "  malformed   ", offsetof(struct tlvside_type, malformed), out);
	if (t->seen) {
		print_seen(m, out);
	}
	if (asks(m, TLV_CLASS_OF_SERVICE)) {
		print_back(m, out);
	}
	if (t->timed) {
		fprintf(out, "  timestamps  in: %s, %s; out: %s, %s\n", sync_name(t->sync_in),
			method_name(t->method_in), sync_name(t->sync_out),
			method_name(t->method_out));
	}
	if (t->direct_intervals > 0) {
		fprintf(out,
			"  direct loss %" PRId64 " outbound, %" PRId64 " inbound of %" PRIu64
			" packets\n",
			t->direct_lost_out, t->direct_lost_in, t->direct_sent);
	}
	if (asks(m, TLV_ACCESS_REPORT)) {
		fprintf(out, "  report      %s\n",
			t->report_confirmed ? "confirmed" : "not confirmed");
	}
	if (t->micro) {
		fprintf(out, "  member link %u of the reflector\n", t->micro_reflector);
	}
	print_follow_ups(m, out);
}

/* --- JSON --------------------------------------------------------------------------------- */

static void put_types(const struct measure *m, FILE *out)
{
	const char *comma = "";

	fprintf(out, "\"types\":{");
	for (uint8_t type = 1; type < TLV_TYPE_MAX; type++) {
		const struct tlvside_type *n = &m->told.types[type];

		if (tlv_info(type) && (asks(m, type) || n->known + n->unknown + n->malformed)) {
			fprintf(out,
				"%s\"%s\":{\"known\":%" PRIu64 ",\"not_known\":%" PRIu64
				",\"malformed\":%" PRIu64 "}",
				comma, tlv_info(type)->key, n->known, n->unknown, n->malformed);
			comma = ",";
		}
	}
	fputc('}', out);
}

static void put_end(const char *name, const struct address *a, uint16_t port, FILE *out)
{
	char text[ADDRESS_TEXT_LEN];

	if (a->family) {
		fprintf(out, "\"%s\":{\"address\":\"%s\",\"port\":%u}", name,
			address_host_text(a, text, sizeof(text)), port);
	} else {
		fprintf(out, "\"%s\":{\"address\":null,\"port\":%u}", name, port);
	}
}

static void put_seen(const struct tlvside_told *t, FILE *out)
{
	if (!t->seen) {
		fprintf(out, ",\"seen\":null");
		return;
	}
	fprintf(out, ",\"seen\":{");
	put_end("source", &t->seen_from, t->seen_from_port, out);
	fputc(',', out);
	put_end("destination", &t->seen_to, t->seen_to_port, out);
	fprintf(out, ",\"translated\":%s}", t->translated ? "true" : "false");
}

static void put_tos(const char *name, const uint64_t counts[static 256], FILE *out)
{
	const char *comma = "";

	fprintf(out, ",\"%s\":[", name);
	for (unsigned tos = 0; tos < 256; tos++) {
		if (counts[tos] > 0) {
			fprintf(out, "%s{\"dscp\":%u,\"ecn\":%u,\"packets\":%" PRIu64 "}", comma,
				tos >> 2, tos & 3, counts[tos]);
			comma = ",";
		}
	}
	fputc(']', out);
}

static void put_timestamps(const struct tlvside_told *t, FILE *out)
{
	if (!t->timed) {
		fprintf(out, ",\"timestamps\":null");
		return;
	}
	fprintf(out,
		",\"timestamps\":{\"in\":{\"source\":\"%s\",\"method\":\"%s\"},"
		"\"out\":{\"source\":\"%s\",\"method\":\"%s\"}}",
		sync_name(t->sync_in), method_name(t->method_in), sync_name(t->sync_out),
		method_name(t->method_out));
}

static void put_direct(const struct tlvside_told *t, FILE *out)
{
	fprintf(out,
		",\"direct\":{\"intervals\":%" PRIu64 ",\"dropped\":%" PRIu64 ",\"sent\":%" PRIu64
		",\"lost_outbound\":%" PRId64 ",\"lost_inbound\":%" PRId64 "}",
		t->direct_intervals, t->direct_dropped, t->direct_sent, t->direct_lost_out,
		t->direct_lost_in);
}

void result_tlv_json(const struct measure *m, FILE *out)
{
	const struct tlvside_told *t = &m->told;

	if (!m->plan->stamp || !m->plan->more.tlvs.types) {
		fprintf(out, ",\"tlvs\":null");
		return;
	}
	fprintf(out, ",\"tlvs\":{");
	put_types(m, out);
	fprintf(out,
		",\"replies\":%" PRIu64 ",\"integrity_failed\":%" PRIu64 ",\"hmac_wrong\":%" PRIu64
		",\"other_length\":%" PRIu64,
		t->replies, t->refused, t->hmac_wrong, t->other_length);
	put_seen(t, out);
	put_tos("arrived", m->tos_seen, out);
	put_tos("came_back", m->tos_back, out);
	fprintf(out, ",\"dscp_refused\":%" PRIu64, t->dscp_refused);
	put_timestamps(t, out);
	put_direct(t, out);
	fprintf(out, ",\"access_report_confirmed\":%s", t->report_confirmed ? "true" : "false");
	fprintf(out, ",\"member_link\":%u,\"other_member_link\":%" PRIu64, t->micro_reflector,
		t->micro_dropped);
	fprintf(out,
		",\"follow_up_ns\":{\"samples\":%" PRIu64 ",\"mean\":%" PRId64 ",\"max\":%" PRId64
		"}}",
		m->summary.follow_ups, m->summary.follow_up_mean_ns, m->summary.follow_up_max_ns);
}
