// SPDX-License-Identifier: BSD-2-Clause
#include "client/show/result.h"

#include "protocol/accept.h"

#include "protocol/quote.h"

#include <inttypes.h>
#include <string.h>

#define PIECE 64 /* octets that are quoted at once, which do not part a character */

static void put_string(const char *text, FILE *out)
{
	char quoted[PIECE * QUOTE_WIDEST + 1];
	size_t left = strlen(text);

	fputc('"', out);
	while (left) {
		size_t n = left < PIECE ? left : PIECE;

		while (n < left && n > PIECE - 4 && (text[n] & 0xc0) == 0x80) {
			n--;
		}
		(void)quote_json(quoted, sizeof(quoted), text, n);
		fputs(quoted, out);
		text += n;
		left -= n;
	}
	fputc('"', out);
}

static void put_text(const char *key, const char *text, FILE *out)
{
	fprintf(out, ",\"%s\":", key);
	put_string(text, out);
}

static void put_count(const char *key, uint64_t value, FILE *out)
{
	fprintf(out, ",\"%s\":%" PRIu64, key, value);
}

static void put_bool(const char *key, bool value, FILE *out)
{
	fprintf(out, ",\"%s\":%s", key, value ? "true" : "false");
}

/* A number that is null when it is not known. */
static void put_maybe(const char *key, bool known, int64_t value, FILE *out)
{
	if (known) {
		fprintf(out, ",\"%s\":%" PRId64, key, value);
	} else {
		fprintf(out, ",\"%s\":null", key);
	}
}

static void put_outcome(const struct measure *m, FILE *out)
{
	const struct outcome *o = &m->outcome;
	unsigned code = outcome_code(o);
	const struct accept_info *info = accept_info(code);
	bool coded = o->kind == OUTCOME_OK || o->kind == OUTCOME_REFUSED ||
		     o->kind == OUTCOME_NO_ACCEPT;

	put_text("result", outcome_name(o->kind), out);
	put_count("exit", (uint64_t)outcome_exit(o), out);
	put_maybe("code", coded, code, out);
	if (coded) {
		put_text("name", info->name, out);
	} else {
		fprintf(out, ",\"name\":null");
	}
	put_text("message", o->kind == OUTCOME_OK ? info->meaning : o->text, out);
	if (o->kind == OUTCOME_REFUSED) {
		put_text("carrier", o->carrier, out);
		put_count("accept", o->accept, out);
		put_text("meaning", info->meaning, out);
		put_text("causes", info->causes, out);
		put_text("action", info->action, out);
	}
	if (o->hint[0]) {
		put_text("hint", o->hint, out);
	}
}

static void put_delays(const struct measure *m, FILE *out)
{
	static const char *const names[SERIES_DELAYS] = { "outbound", "inbound", "round_trip",
							  "reflector" };

	fprintf(out, ",\"delay_ns\":{");
	for (unsigned i = 0; i < SERIES_DELAYS; i++) {
		const struct tally_view *s = &m->summary.spread[i];
		bool any = s->n > 0;

		fprintf(out, "%s\"%s\":{\"samples\":%" PRIu64, i ? "," : "", names[i], s->n);
		put_bool("reliable", result_reliable(m, (enum series_delay)i), out);
		put_maybe("min", any, s->min_ns, out);
		put_maybe("median", any, s->median_ns, out);
		put_maybe("mean", any, s->mean_ns, out);
		put_maybe("p95", any, s->p95_ns, out);
		put_maybe("p99", any, s->p99_ns, out);
		put_maybe("max", any, s->max_ns, out);
		put_maybe("p999", any, s->p999_ns, out);
		put_maybe("deviation", any, s->deviation_ns, out);
		put_maybe("jitter", s->pairs > 0, s->jitter_ns, out);
		put_maybe("jitter_rfc3550", s->pairs > 0, s->smoothed_ns, out);
		fputc('}', out);
	}
	fputc('}', out);
}

static void put_hops(const char *name, const struct series_range *r, unsigned initial, FILE *out)
{
	bool known = r->any && r->max <= initial;

	fprintf(out, ",\"%s\":{\"initial_ttl\":%u", name, initial);
	put_maybe("min", known, (int64_t)initial - r->max, out);
	put_maybe("max", known, (int64_t)initial - r->min, out);
	fputc('}', out);
}

static void put_counts(const struct measure *m, FILE *out)
{
	const struct summary *s = &m->summary;
	const struct probe_counts *n = &m->counts;

	put_count("sent", s->sent, out);
	put_count("answered", s->answered, out);
	put_count("lost", s->loss.total - s->loss.here, out);
	put_count("dropped_here", s->loss.here, out);
	put_maybe("lost_outbound", s->loss.known, (int64_t)s->loss.out, out);
	put_maybe("lost_inbound", s->loss.known, (int64_t)s->loss.in, out);
	put_maybe("lost_unknown", s->loss.known, (int64_t)s->loss.unknown, out);
	put_count("loss_longest_run", s->longest_run, out);
	put_count("loss_periods", s->loss_periods, out);
	put_count("duplicates", s->duplicates_out + s->duplicates_in, out);
	put_maybe("duplicates_outbound", s->direction_known, (int64_t)s->duplicates_out, out);
	put_maybe("duplicates_inbound", s->direction_known, (int64_t)s->duplicates_in, out);
	put_count("reordered", s->reordered_out + s->reordered_in, out);
	put_maybe("reordered_outbound", s->direction_known, (int64_t)s->reordered_out, out);
	put_maybe("reordered_inbound", s->direction_known, (int64_t)s->reordered_in, out);
	put_maybe("reorder_extent_outbound", s->direction_known, (int64_t)s->extent_out, out);
	put_maybe("reorder_extent_inbound", s->direction_known, (int64_t)s->extent_in, out);
	put_count("late", s->late, out);
	put_count("stale", s->stale, out);
	put_count("reflector_restarts", s->restarts, out);
	put_count("ignored_short", n->bad_length, out);
	put_count("ignored_source", n->bad_source, out);
	put_count("ignored_never_sent", s->unknown_seq, out);
	put_count("hmac_failures", n->hmac_failures, out);
	put_maybe("reflect_failures", m->modes & MODE_REFLECT_OCTETS, (int64_t)n->reflect_failures,
		  out);
	put_count("corrupt_error_estimate", s->odd[SERIES_ODD_ESTIMATE], out);
	put_count("without_reflector_clock", s->odd[SERIES_ODD_NO_STAMP], out);
	put_count("left_before_arrival", s->odd[SERIES_ODD_BACKWARDS], out);
	put_count("dwell_above_round_trip", s->odd[SERIES_ODD_DWELL], out);
	put_count("sender_ttl_zero", s->odd[SERIES_ODD_TTL], out);
	put_count("clock_steps", s->odd[SERIES_ODD_STEP], out);
	put_count("timestamp_not_copied", s->not_copied, out);
	put_count("without_sender_ttl", n->brief, out);
	put_count("send_errors", n->send_errors, out);
	put_count("port_unreachable", n->refused, out);
	put_count("without_kernel_timestamp", n->user_stamps, out);
	put_maybe("without_ssid", m->plan->stamp, (int64_t)n->ssid_missing, out);
}

static void put_sessions(const struct measure *m, FILE *out)
{
	char text[ENDPOINT_TEXT_LEN];

	fprintf(out, ",\"sessions\":[");
	for (uint32_t i = 0; i < m->probes_open; i++) {
		const struct probe *p = &m->probes[i];

		fprintf(out, "%s{\"sid\":\"", i ? "," : "");
		for (size_t k = 0; k < sizeof(p->sid); k++) {
			fprintf(out, "%02x", p->sid[k]);
		}
		fputc('"', out);
		put_text("local", endpoint_text(&p->local, true, text), out);
		put_text("reflector", endpoint_text(&p->peer, true, text), out);
		put_count("sent", p->series.sent, out);
		put_count("answered", p->series.answered, out);
		put_count("lost", p->series.sent - p->series.answered, out);
		put_maybe("start_accept", p->start_accept >= 0, p->start_accept, out);
		put_maybe("stop_accept", p->stop_accept >= 0, p->stop_accept, out);
		fputc('}', out);
	}
	fputc(']', out);
}

static void put_dscp_ecn(const struct measure *m, FILE *out)
{
	const char *comma = "";

	if (!(m->modes & MODE_DSCP_ECN)) {
		fprintf(out, ",\"dscp_ecn\":null");
		return;
	}
	fprintf(out, ",\"dscp_ecn\":[");
	for (unsigned tos = 0; tos < 256; tos++) {
		if (m->tos_seen[tos] > 0) {
			fprintf(out, "%s{\"dscp\":%u,\"ecn\":%u", comma, tos >> 2, tos & 3);
			put_count("packets", m->tos_seen[tos], out);
			fputc('}', out);
			comma = ",";
		}
	}
	fputc(']', out);
}

static void put_formats(const struct measure *m, FILE *out)
{
	bool ntp = m->summary.reflector_format[TS_NTP], ptp = m->summary.reflector_format[TS_PTP];

	fprintf(out, ",\"reflector_timestamps\":[%s%s%s]", ntp ? "\"ntp\"" : "",
		ntp && ptp ? "," : "", ptp ? "\"ptp\"" : "");
}

static void put_real(const char *key, double value, FILE *out)
{
	fprintf(out, ",\"%s\":%.9g", key, value);
}

static void put_schedule(const struct measure *m, FILE *out)
{
	const struct schedule *s = &m->schedule;

	fprintf(out, ",\"schedule\":{\"kind\":\"%s\"",
		s->kind == SCHEDULE_POISSON ? "poisson" : "periodic");
	put_real("asked_packets_per_s", schedule_asked(s), out);
	put_real("reached_packets_per_s", schedule_reached(s), out);
	put_count("worst_lag_ns", (uint64_t)s->worst_ns, out);
	put_count("intervals_left_out", s->late_rounds, out);
	fputc('}', out);
}

/* How much later than T1 packets left: what the figures were corrected by. */
static void put_departures(const struct measure *m, FILE *out)
{
	const struct summary *s = &m->summary;
	bool any = s->departures > 0;

	fprintf(out, ",\"departure_ns\":{\"samples\":%" PRIu64, s->departures);
	put_maybe("mean", any, s->departed_mean_ns, out);
	put_maybe("max", any, s->departed_max_ns, out);
	fputc('}', out);
}

static void put_notes(const struct measure *m, FILE *out)
{
	fprintf(out, ",\"notes\":[");
	for (unsigned i = 0; i < m->notes.n; i++) {
		fputs(i ? "," : "", out);
		put_string(m->notes.text[i], out);
	}
	fputc(']', out);
}

static void put_results(const struct measure *m, FILE *out)
{
	put_bool("interrupted", m->end == SENDER_INTERRUPTED, out);
	put_count("payload_octets", m->probes[0].send_octets, out);
	put_counts(m, out);
	put_delays(m, out);
	put_bool("own_clock_synchronized", m->clock.synchronized, out);
	put_maybe("own_clock_error_ns", m->clock.error_ns >= 0, m->clock.error_ns, out);
	put_bool("reflector_clock_synchronized", m->summary.reflector_synchronized, out);
	put_maybe("reflector_clock_error_ns",
		  m->summary.reflector_error_ns >= 0 && m->summary.reflector_error_ns < INT64_MAX,
		  m->summary.reflector_error_ns, out);
	put_maybe("one_way_error_ns", result_error_ns(m) >= 0, result_error_ns(m), out);
	put_departures(m, out);
	put_schedule(m, out);
	put_formats(m, out);
	put_dscp_ecn(m, out);
	result_tlv_json(m, out);
	fprintf(out, ",\"hops\":{\"unit\":\"routers\"");
	put_hops("outbound", &m->summary.sender_ttl, m->plan->ttl, out);
	put_hops("inbound", &m->summary.reply_ttl, 255, out);
	fputc('}', out);
	put_sessions(m, out);
}

/* The selected mode; null if it did not come to that. */
static void put_mode(const struct measure *m, FILE *out)
{
	const char *mode = mode_name(m->modes & MODE_SECURITY_MASK), *comma = "";

	if (mode) {
		put_text("mode", mode, out);
	} else {
		fprintf(out, ",\"mode\":null");
	}
	fprintf(out, ",\"features\":[");
	for (uint32_t bit = MODE_INDIVIDUAL_CONTROL; bit <= MODE_PTP; bit <<= 1) {
		if (m->modes & bit) {
			fprintf(out, "%s\"%s\"", comma, mode_name(bit));
			comma = ",";
		}
	}
	fprintf(out, "],\"key_id\":");
	if (m->key_id[0]) {
		put_string(m->key_id, out);
	} else {
		fprintf(out, "null");
	}
}

void result_json(const struct measure *m, FILE *out)
{
	const struct plan *plan = m->plan;
	char text[ENDPOINT_TEXT_LEN], modes[MODE_TEXT_LEN];

	fprintf(out, "{\"program\":\"twamp %s\"", TWAMPD_VERSION);
	put_text("command", m->controlled ? "controller" : "sender", out);
	if (plan->stamp) {
		put_bool("stamp", true, out);
		put_count("ssid", plan->ssid, out);
		put_bool("authenticated", plan->more.authenticated, out);
	}
	put_text("host", plan->host, out);
	put_count("port", plan->port, out);
	if (m->peer_known) {
		put_text("address", endpoint_text(&m->peer, false, text), out);
	}
	put_outcome(m, out);
	put_count("attempts", m->attempts, out);
	put_count("modes_offered", m->offered, out);
	put_count("modes", m->modes, out);
	put_text("modes_text", mode_text(m->modes, modes, sizeof(modes)), out);
	put_mode(m, out);
	if (m->ran) {
		put_results(m, out);
	}
	put_notes(m, out);
	fprintf(out, "}\n");
	fflush(out);
}
