// SPDX-License-Identifier: BSD-2-Clause
#include "client/show/result.h"

#include "client/show/dscp.h"

#include <inttypes.h>
#include <math.h>

bool result_reliable(const struct measure *m, enum series_delay kind)
{
	switch (kind) {
	case SERIES_OUTBOUND:
	case SERIES_INBOUND:
		return m->clock.synchronized && m->summary.reflector_synchronized;
	case SERIES_ROUND_TRIP:
	case SERIES_DWELL:
		break; /* differences on one clock each */
	}
	return true;
}

static void print_cell(int64_t ns, bool known, FILE *out)
{
	char text[32] = "-";
	double ms = (double)ns / 1e6;

	if (known) {
		snprintf(text, sizeof(text), fabs(ms) < 1e6 ? "%.3f" : "%.4g", ms);
	}
	fprintf(out, " %11s", text);
}

static void print_row(const struct measure *m, const char *name, enum series_delay kind, FILE *out)
{
	const struct summary_spread *s = &m->summary.spread[kind];
	bool any = s->n > 0;

	fprintf(out, "  %-11s", name);
	print_cell(s->min_ns, any, out);
	print_cell(s->median_ns, any, out);
	print_cell(s->mean_ns, any, out);
	print_cell(s->p95_ns, any, out);
	print_cell(s->p99_ns, any, out);
	print_cell(s->max_ns, any, out);
	print_cell(s->jitter_ns, s->jitter_n > 0, out);
	fprintf(out, "%s\n", result_reliable(m, kind) ? "" : "  unreliable");
}

static void print_delays(const struct measure *m, FILE *out)
{
	static const char *const columns[] = { "min", "median", "mean",	 "p95",
					       "p99", "max",	"jitter" };

	fprintf(out, "  %-11s", "delay, ms");
	for (unsigned i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		fprintf(out, " %11s", columns[i]);
	}
	fputc('\n', out);
	print_row(m, "outbound", SERIES_OUTBOUND, out);
	print_row(m, "inbound", SERIES_INBOUND, out);
	print_row(m, "round trip", SERIES_ROUND_TRIP, out);
	print_row(m, "reflector", SERIES_DWELL, out);
	if (result_reliable(m, SERIES_OUTBOUND)) {
		if (m->clock.error_ns >= 0 && m->summary.reflector_error_ns >= 0) {
			fprintf(out, "  clock error: own up to %.3f ms, reflector up to %.3f ms\n",
				(double)m->clock.error_ns / 1e6,
				(double)m->summary.reflector_error_ns / 1e6);
		}
		return;
	}
	fprintf(out, "  unreliable: the clock of %s is not synchronised\n",
		m->clock.synchronized		    ? "the reflector"
		: m->summary.reflector_synchronized ? "this host"
						    : "this host and of the reflector");
}

static void print_counts(const struct measure *m, FILE *out)
{
	const struct summary *s = &m->summary;

	fprintf(out, "  packets     %" PRIu64 " sent, %" PRIu64 " answered, %" PRIu64 " lost",
		s->sent, s->answered, s->lost);
	if (s->sent) {
		fprintf(out, " (%.3g %%)", 100.0 * (double)s->lost / (double)s->sent);
	}
	fputc('\n', out);
	if (s->loss_known) {
		fprintf(out, "  lost        %" PRIu64 " outbound, %" PRIu64 " inbound\n",
			s->lost_out, s->lost_in);
	} else {
		fprintf(out, "  lost        directions unknown\n");
	}
	if (s->direction_known) {
		fprintf(out, "  duplicates  %" PRIu64 " outbound, %" PRIu64 " inbound\n",
			s->duplicates_out, s->duplicates_in);
		fprintf(out, "  reordered   %" PRIu64 " outbound, %" PRIu64 " inbound\n",
			s->reordered_out, s->reordered_in);
	} else {
		/* Copied numbers cannot tell in which direction it happened. */
		fprintf(out, "  duplicates  %" PRIu64 "\n", s->duplicates_out + s->duplicates_in);
		fprintf(out, "  reordered   %" PRIu64 "\n", s->reordered_out + s->reordered_in);
	}
}

static void print_hops(const char *name, const struct series_range *r, unsigned initial, FILE *out)
{
	if (!r->any || r->max > initial) {
		fprintf(out, " %s unknown", name);
	} else if (r->min == r->max) {
		fprintf(out, " %s %u (TTL %u)", name, initial - r->min, r->min);
	} else {
		fprintf(out, " %s %u-%u (TTL %u-%u)", name, initial - r->max, initial - r->min,
			r->min, r->max);
	}
}

static void print_oddities(const struct measure *m, FILE *out)
{
	const struct probe_counts *n = &m->counts;

	if (m->summary.late) {
		fprintf(out,
			"  late        %" PRIu64 " replies after the timeout, counted as lost\n",
			m->summary.late);
	}
	if (n->bad_length + n->bad_source + m->summary.unknown_seq) {
		fprintf(out,
			"  ignored     %" PRIu64 " too short, %" PRIu64 " from elsewhere, %" PRIu64
			" to packets never sent\n",
			n->bad_length, n->bad_source, m->summary.unknown_seq);
	}
	if (n->hmac_failures) {
		fprintf(out, "  ignored     %" PRIu64 " with a wrong HMAC\n", n->hmac_failures);
	}
	if (n->reflect_failures) {
		fprintf(out,
			"  reflected   %" PRIu64 " replies without the octets to be reflected\n",
			n->reflect_failures);
	}
	if (n->ssid_missing) {
		fprintf(out,
			"  no SSID     %" PRIu64 " replies: the reflector does not know RFC 8972\n",
			n->ssid_missing);
	}
	if (m->summary.corrupt) {
		fprintf(out, "  no delays   %" PRIu64 " replies with a corrupt Error Estimate\n",
			m->summary.corrupt);
	}
	if (n->send_errors) {
		fprintf(out, "  not sent    %" PRIu64 " packets: this host could not send them\n",
			n->send_errors);
	}
	if (n->user_stamps) {
		fprintf(out, "  timestamps  %" PRIu64 " replies without one of the kernel\n",
			n->user_stamps);
	}
}

/* What reached the reflector, by number of replies, and whether it is what left here. */
static void print_dscp_ecn(const struct measure *m, FILE *out)
{
	static const char *const ecn[] = { "Not-ECT", "ECT(1)", "ECT(0)", "CE" };
	bool changed = false;

	if (!(m->modes & MODE_DSCP_ECN)) {
		return;
	}
	for (unsigned tos = 0; tos < 256; tos++) {
		const char *name = dscp_name((uint8_t)(tos >> 2));

		if (m->tos_seen[tos] == 0) {
			continue;
		}
		fprintf(out, "  arrived     %" PRIu64 " packets with DSCP %u%s%s%s, ECN %s\n",
			m->tos_seen[tos], tos >> 2, name ? " (" : "", name ? name : "",
			name ? ")" : "", ecn[tos & 3]);
		changed |= tos >> 2 != m->plan->dscp;
	}
	if (changed) {
		fprintf(out, "  warning: the DSCP was changed on the way to the reflector\n");
	}
}

static void print_head(const struct measure *m, FILE *out)
{
	const struct plan *plan = m->plan;
	const char *name = dscp_name(plan->dscp);
	char text[ENDPOINT_TEXT_LEN], modes[MODE_TEXT_LEN];

	fprintf(out, "twamp %s %s (%s), mode %s\n", m->controlled ? "controller" : "sender",
		plan->host, endpoint_text(&m->peer, true, text),
		plan->stamp ? "STAMP" : mode_text(m->modes, modes, sizeof(modes)));
	if (plan->stamp && plan->ssid) {
		fprintf(out, "  SSID %u\n", plan->ssid);
	}
	fprintf(out,
		"  %u session%s, %u packets every %.6g ms, %zu octets UDP payload, DSCP %u%s%s%s\n",
		m->probe_count, m->probe_count == 1 ? "" : "s", plan->count,
		(double)plan->interval_ns / 1e6, m->probes[0].send_octets, plan->dscp,
		name ? " (" : "", name ? name : "", name ? ")" : "");
	if (m->key_id[0]) {
		fprintf(out, "  key %s\n", m->key_id);
	}
	if (m->probe_count == 1) {
		fprintf(out, "  %s", endpoint_text(&m->probes[0].local, true, text));
		fprintf(out, " to %s\n", endpoint_text(&m->probes[0].peer, true, text));
	}
}

void result_text(const struct measure *m, FILE *out, FILE *err)
{
	if (m->ran) {
		print_head(m, out);
		print_delays(m, out);
		print_counts(m, out);
		fprintf(out, "  hops       ");
		print_hops("outbound", &m->summary.sender_ttl, m->plan->ttl, out);
		fputc(',', out);
		print_hops("inbound", &m->summary.reply_ttl, 255, out);
		fputc('\n', out);
		print_dscp_ecn(m, out);
		print_oddities(m, out);
		if (m->end == SENDER_INTERRUPTED) {
			fprintf(out, "  interrupted before all packets were sent or answered\n");
		}
		fflush(out);
	}
	outcome_print(&m->outcome, err);
}
