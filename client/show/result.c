// SPDX-License-Identifier: BSD-2-Clause
#include "client/show/result.h"

#include "client/show/dscp.h"
#include "protocol/quote.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

int64_t result_error_ns(const struct measure *m)
{
	int64_t own = m->clock.error_ns, other = m->summary.reflector_error_ns;

	return own < 0 || other < 0 || other > INT64_MAX - own ? -1 : own + other;
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
	const struct tally_view *s = &m->summary.spread[kind];
	bool any = s->n > 0;

	fprintf(out, "  %-11s", name);
	print_cell(s->min_ns, any, out);
	print_cell(s->median_ns, any, out);
	print_cell(s->mean_ns, any, out);
	print_cell(s->p95_ns, any, out);
	print_cell(s->p99_ns, any, out);
	print_cell(s->max_ns, any, out);
	print_cell(s->jitter_ns, s->pairs > 0, out);
	fprintf(out, "%s\n", result_reliable(m, kind) ? "" : "  unreliable");
}

/* How far one-way delays can be off: the sum of what both clocks say of themselves. */
static void print_error(const struct measure *m, FILE *out)
{
	int64_t bound = result_error_ns(m);

	if (m->summary.spread[SERIES_OUTBOUND].n == 0) {
		return;
	}
	if (!result_reliable(m, SERIES_OUTBOUND)) {
		fprintf(out, "  unreliable: the clock of %s is not synchronised\n",
			m->clock.synchronized		    ? "the reflector"
			: m->summary.reflector_synchronized ? "this host"
							    : "this host and of the reflector");
		return;
	}
	if (bound >= 0) {
		fprintf(out, "  clock error: own up to %.3f ms, reflector up to %.3f ms\n",
			(double)m->clock.error_ns / 1e6,
			(double)m->summary.reflector_error_ns / 1e6);
	}
	if (bound >= 0 && bound > llabs(m->summary.spread[SERIES_OUTBOUND].median_ns)) {
		fprintf(out,
			"  unreliable: the clocks may be %.3f ms apart, and the one-way delay is "
			"less than that\n",
			(double)bound / 1e6);
	}
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
	print_error(m, out);
}

static void print_loss(const struct summary *s, FILE *out)
{
	if (!s->loss.known) {
		fprintf(out, "  lost        directions unknown\n");
		return;
	}
	fprintf(out, "  lost        %" PRIu64 " outbound, %" PRIu64 " inbound", s->loss.out,
		s->loss.in);
	if (s->loss.unknown > 0) {
		fprintf(out, ", %" PRIu64 " unknown", s->loss.unknown);
	}
	if (s->loss_periods > 0) {
		fprintf(out, "; %" PRIu64 " in a row at most, %" PRIu64 " times", s->longest_run,
			s->loss_periods);
	}
	fputc('\n', out);
}

static void print_counts(const struct measure *m, FILE *out)
{
	const struct summary *s = &m->summary;
	uint64_t lost = s->loss.total - s->loss.here;

	fprintf(out, "  packets     %" PRIu64 " sent, %" PRIu64 " answered, %" PRIu64 " lost",
		s->sent, s->answered, lost);
	if (s->sent) {
		fprintf(out, " (%.3g %%)", 100.0 * (double)lost / (double)s->sent);
	}
	fputc('\n', out);
	if (s->loss.here > 0) {
		fprintf(out, "  dropped     %" PRIu64 " replies by this host\n", s->loss.here);
	}
	print_loss(s, out);
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
	if (n->send_errors) {
		fprintf(out, "  not sent    %" PRIu64 " packets: this host could not send them\n",
			n->send_errors);
	}
	if (m->summary.departures > 0) {
		fprintf(out,
			"  departures  %.1f us after T1 on average, %.1f us at most: taken into "
			"account\n",
			(double)m->summary.departed_mean_ns / 1e3,
			(double)m->summary.departed_max_ns / 1e3);
	}
	for (unsigned i = 0; i < m->notes.n; i++) {
		fprintf(out, "  note: %s\n", m->notes.text[i]);
	}
}

/* What reached the reflector, by number of replies, and whether it is what left here. */
static void print_dscp_ecn(const struct measure *m, FILE *out)
{
	static const char *const ecn[] = { "Not-ECT", "ECT(1)", "ECT(0)", "CE" };
	bool changed = false;

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
		plan->stamp ? plan->more.authenticated ? "STAMP authenticated" : "STAMP"
			    : mode_text(m->modes, modes, sizeof(modes)));
	if (plan->stamp && plan->ssid) {
		fprintf(out, "  SSID %u\n", plan->ssid);
	}
	fprintf(out,
		"  %u session%s, %u packets every %.6g ms, %zu octets UDP payload, DSCP %u%s%s%s\n",
		m->probe_count, m->probe_count == 1 ? "" : "s", plan->count,
		(double)plan->interval_ns / 1e6, m->probes[0].send_octets, plan->dscp,
		name ? " (" : "", name ? name : "", name ? ")" : "");
	if (m->key_id[0]) {
		char key_id[sizeof(m->key_id) * QUOTE_WIDEST];

		(void)quote_text(key_id, sizeof(key_id), m->key_id, strlen(m->key_id));
		fprintf(out, "  key \"%s\"\n", key_id);
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
		result_tlv_text(m, out);
		print_oddities(m, out);
		if (m->end == SENDER_INTERRUPTED) {
			fprintf(out, "  interrupted before all packets were sent or answered\n");
		}
		fflush(out);
	}
	for (unsigned i = 0; !m->ran && i < m->notes.n; i++) {
		fprintf(err, "twamp: note: %s\n", m->notes.text[i]);
	}
	outcome_print(&m->outcome, err);
}
