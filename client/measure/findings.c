// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/findings.h"

#include <inttypes.h>

static uint64_t count_odd(const struct measure *m)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SERIES_ODDS; i++) {
		n += i == SERIES_ODD_TTL || i == SERIES_ODD_STEP ? 0 : m->summary.odd[i];
	}
	return n;
}

/* Length of the last reply that was too short. */
static uint32_t find_length(const struct measure *m)
{
	for (uint32_t i = 0; i < m->probe_count; i++) {
		if (m->probes[i].odd_octets > 0) {
			return m->probes[i].odd_octets;
		}
	}
	return 0;
}

static int tell_short(struct measure *m)
{
	const struct pkt_layout *l = m->probes[0].layout;

	outcome_set(&m->outcome, OUTCOME_INCOMPLETE, 0,
		    "no usable reply to %" PRIu64 " packets: %" PRIu64
		    " replies of %u octets came, and %u are needed",
		    m->summary.sent, m->counts.bad_length, find_length(m), l->reply_min);
	outcome_hint(&m->outcome,
		     "the other end answers in another format: compare its type (TWAMP "
		     "Light, STAMP) and the mode with this client's; nothing is wrong "
		     "with the path");
	return OUTCOME_INCOMPLETE;
}

static int tell_stale(struct measure *m)
{
	outcome_set(&m->outcome, OUTCOME_INCOMPLETE, 0,
		    "no reply to %" PRIu64 " packets: %" PRIu64
		    " replies came that carry the timestamps of other packets",
		    m->summary.sent, m->summary.stale);
	outcome_hint(&m->outcome, "they answer an earlier run from the same port, or the reflector "
				  "does not copy the Sender Timestamp as it came; try another port "
				  "(--port-range)");
	return OUTCOME_INCOMPLETE;
}

static int tell_denied(struct measure *m)
{
	outcome_set(&m->outcome, OUTCOME_INCOMPLETE, 0,
		    "no reply to %" PRIu64 " packets with a right HMAC", m->summary.sent);
	outcome_hint(&m->outcome, "what came was changed on its way, or is not from the holder of "
				  "the key; if it is always so, report it with the version of the "
				  "server");
	return OUTCOME_INCOMPLETE;
}

int findings_nothing(struct measure *m)
{
	if (m->counts.hmac_failures) {
		return tell_denied(m);
	}
	if (m->counts.bad_length) {
		return tell_short(m);
	}
	if (m->summary.stale) {
		return tell_stale(m);
	}
	outcome_set(&m->outcome, OUTCOME_INCOMPLETE, 0, "no reply to %" PRIu64 " packets%s",
		    m->summary.sent,
		    m->counts.refused ? ": nothing listens on the UDP port (ICMP port unreachable)"
				      : "");
	outcome_hint(&m->outcome,
		     "check that firewalls on the way let through the UDP range of the "
		     "server (and NAT keeps it); on the server look with: ss -lun");
	return OUTCOME_INCOMPLETE;
}

int findings_no_ssid(struct measure *m)
{
	outcome_set(&m->outcome, OUTCOME_INCOMPLETE, 0,
		    "the test was stopped: replies came without the SSID that was sent");
	outcome_hint(&m->outcome, "the reflector does not know RFC 8972; --no-ssid says what to do "
				  "with such replies");
	return OUTCOME_INCOMPLETE;
}

static void note_odds(struct measure *m)
{
	static const struct {
		enum series_odd odd;
		const char *text;
	} rows[] = {
		{ SERIES_ODD_NO_STAMP,
		  "replies have a zero timestamp: the reflector has no clock; their delays are "
		  "left out" },
		{ SERIES_ODD_BACKWARDS,
		  "replies say that they left before they came: the reflector swaps its "
		  "timestamps, or its clock was set; their delays are left out" },
		{ SERIES_ODD_DWELL,
		  "replies say that the reflector kept them for longer than the round trip took: "
		  "its timestamps are of another scale; their delays are left out" },
		{ SERIES_ODD_ESTIMATE,
		  "replies have a corrupt Error Estimate (Multiplier 0); their delays are left "
		  "out" },
		{ SERIES_ODD_TTL,
		  "replies say that packets arrived with TTL 0: the reflector does not read it" },
		{ SERIES_ODD_STEP,
		  "samples have no one-way delays: the clock of this host was set meanwhile" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (m->summary.odd[rows[i].odd] > 0) {
			notes_add(&m->notes, "%" PRIu64 " %s", m->summary.odd[rows[i].odd],
				  rows[i].text);
		}
	}
	if (m->summary.scale_37 > 0 &&
	    m->summary.scale_37 == m->summary.spread[SERIES_OUTBOUND].n) {
		notes_add(&m->notes, "one-way delays are off by 37 s: one clock counts TAI, as PTP "
				     "does, the other UTC");
	}
}

static void note_replies(struct measure *m)
{
	const struct summary *s = &m->summary;

	if (s->loss.here > 0) {
		notes_add(&m->notes,
			  "%" PRIu64 " replies came and were dropped by this host, whose receive "
			  "buffer was full: raise net.core.rmem_max, or send less",
			  s->loss.here);
	}
	if (s->restarts > 0) {
		notes_add(&m->notes,
			  "the reflector began its numbers anew %" PRIu64 " time%s: it restarted, "
			  "or forgot this session",
			  s->restarts, s->restarts == 1 ? "" : "s");
	}
	if (s->stale > 0) {
		notes_add(&m->notes,
			  "%" PRIu64 " stale replies were ignored: they answer packets of an "
			  "earlier run",
			  s->stale);
	}
	if (s->not_copied > 0) {
		notes_add(&m->notes,
			  "%" PRIu64 " replies do not carry the timestamp of their packet and were "
			  "matched by its number alone",
			  s->not_copied);
	}
	if (m->counts.brief > 0) {
		notes_add(&m->notes,
			  "%" PRIu64 " replies end before the Sender TTL (twampy's responder does "
			  "that): the timestamps are complete, hops outbound are unknown",
			  m->counts.brief);
	}
	if (m->counts.user_stamps > 0) {
		notes_add(&m->notes,
			  "%" PRIu64 " replies came without a timestamp of the kernel; their T4 "
			  "was read by this program",
			  m->counts.user_stamps);
	}
}

static void note_schedule(struct measure *m)
{
	double asked = schedule_asked(&m->schedule), reached = schedule_reached(&m->schedule);

	if (m->schedule.kind == SCHEDULE_PERIODIC && m->schedule.taken >= 10 &&
	    reached < 0.99 * asked) {
		notes_add(&m->notes,
			  "%.6g packets/s were sent of the %.6g that were asked for: this host was "
			  "late by up to %.3g ms",
			  reached, asked, (double)m->schedule.worst_ns / 1e6);
	}
}

/* S-247, S-252..S-254 */
static void note_tlvs(struct measure *m)
{
	const struct tlvside_told *t = &m->told;

	if (t->refused > 0) {
		notes_add(&m->notes,
			  "the reflector used no TLV of %" PRIu64 " packets, as it could not "
			  "verify them: compare the keys, or sign them with --tlv hmac",
			  t->refused);
	}
	if (t->hmac_wrong > 0) {
		notes_add(&m->notes,
			  "the TLVs of %" PRIu64 " replies were not used: their HMAC is wrong or "
			  "missing",
			  t->hmac_wrong);
	}
	if (t->types[TLV_DESTINATION_NODE_ADDRESS].unknown > 0) {
		notes_add(&m->notes, "a stranger has answered: the reflector does not have the "
				     "Destination Node Address, or does not know that TLV");
	}
	if (t->translated) {
		notes_add(&m->notes, "addresses or ports are translated on the way (NAT)");
	}
	if (t->dscp_refused > 0) {
		notes_add(&m->notes,
			  "the reflector did not use the DSCP that was asked for in %" PRIu64
			  " replies",
			  t->dscp_refused);
	}
	if (t->micro_dropped > 0) {
		notes_add(&m->notes, "%" PRIu64 " replies of another member link were ignored",
			  t->micro_dropped);
	}
	if (t->other_length > 0) {
		notes_add(&m->notes, "%" PRIu64 " replies are not as long as their packets",
			  t->other_length);
	}
	if (tlvside_expects_nothing(m->plan)) {
		notes_add(&m->notes, m->summary.answered ? "replies came, although none were "
							   "asked for"
							 : "no replies, as was asked for");
	}
}

void findings_note(struct measure *m)
{
	note_tlvs(m);
	note_schedule(m);
	note_replies(m);
	note_odds(m);
	if (m->summary.answered > 0 && count_odd(m) == m->summary.answered) {
		notes_add(&m->notes, "not one reply has timestamps that can be used");
	}
}
