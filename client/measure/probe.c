// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/probe.h"

#include "base/clock.h"
#include "base/splitmix.h"
#include "client/measure/local.h"
#include "client/measure/padding.h"
#include "client/measure/probe_batch.h"
#include "client/measure/probe_sock.h"
#include "protocol/stamp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define WINDOW_MAX (UINT64_C(1) << 22) /* packets on their way, of all sessions */
#define DEPARTURES_RATE 20000. /* packets/s: above it, being told costs more than it tells */
#define BRIEF_OCTETS 38 /* a reply in the clear with all that is copied, but no Sender TTL */

static int tell(struct outcome *out, const char *what, int error)
{
	return outcome_set(out, OUTCOME_LOCAL, 0, "%s: %s", what, strerror(error));
}

/* Packets whose replies can be on their way at once. */
static uint64_t find_window(const struct plan *plan)
{
	uint64_t n = (uint64_t)(plan->timeout_ns / plan->interval_ns) + 64;

	n = plan->count > 0 && plan->count < n ? plan->count : n;
	return n < WINDOW_MAX / plan->sessions ? n : WINDOW_MAX / plan->sessions;
}

int probe_open(struct probe *p, const struct plan *plan, bool controlled,
	       const union endpoint *local, struct outcome *out)
{
	int r;

	*p = (struct probe){
		.fd = -1, .local = *local, .fill = plan->fill, .start_accept = -1, .stop_accept = -1
	};
	if (series_init(&p->series, find_window(plan), plan->timeout_ns, controlled) < 0) {
		return tell(out, "results", ENOMEM);
	}
	p->leaving = calloc(p->series.window, sizeof(*p->leaving));
	if (!p->leaving) {
		return tell(out, "results", ENOMEM);
	}
	r = local_bind_udp(plan, &p->local, &p->fd, out);
	if (r != OUTCOME_OK) {
		return r;
	}
	r = probe_sock_set(p->fd, plan, local->any.sa_family);
	if (r < 0) {
		return tell(out, "cannot set TTL or DSCP of the UDP socket", -r);
	}
	/* Without it T4 is read by this program, and counted as such. */
	p->departs = probe_sock_stamp(
		p->fd, (double)plan->sessions * 1e9 / (double)plan->interval_ns <= DEPARTURES_RATE);
	(void)getrandom(&p->random, sizeof(p->random), GRND_NONBLOCK);
	return OUTCOME_OK;
}

static void fill(struct probe *p, size_t at, size_t end)
{
	switch (p->fill) {
	case PLAN_FILL_ZERO:
		break; /* as allocated */
	case PLAN_FILL_RANDOM:
		while (at < end) {
			uint64_t octets = splitmix_draw(&p->random);
			size_t n = end - at < sizeof(octets) ? end - at : sizeof(octets);

			memcpy(p->packet + at, &octets, n);
			at += n;
		}
		break;
	}
}

static void guard(struct probe *p, const struct probe_aim *at)
{
	if (p->stamp) {
		p->guard = p->layout == stamp_auth_layout() ? PROBE_SIGNED : PROBE_CLEAR;
		return;
	}
	p->guard = at->modes & MODE_ENCRYPTED	    ? PROBE_ENCRYPTED
		   : at->modes & MODE_AUTHENTICATED ? PROBE_AUTHENTICATED
						    : PROBE_CLEAR;
	if (p->guard != PROBE_CLEAR) {
		crypt_test_init(&p->crypt, at->keys, at->sid);
	}
}

/* The padding that comes back stays the same in all packets. RFC 6038 5.1.2, R-317 */
static void fill_reflected(struct probe *p, const struct plan *plan, const struct probe_aim *at)
{
	size_t start = p->layout->send_padding;

	fill(p, start, start + p->reflect_octets);
	if (at->server_octets != 0) {
		p->packet[start] = (uint8_t)(at->server_octets >> 8);
		p->packet[start + 1] = (uint8_t)at->server_octets;
	}
}

static void aim_stamp(struct probe *p, const struct plan *plan, const struct probe_aim *at)
{
	p->stamp = true;
	p->ssid = at->ssid;
	p->ssid_optional = plan->more.no_ssid == PLAN_NO_SSID_WITHOUT;
	p->key = plan->more.key;
	p->layout = plan->more.authenticated ? stamp_auth_layout() : stamp_layout();
	p->format = plan->features & MODE_PTP ? TS_PTP : TS_NTP;
	p->tos_back = at->tos_back;
	tlvside_init(&p->tlvs, plan, &p->local, &at->peer, at->tos_seen);
	p->series.holds = p->tlvs.send.types & TLV_BIT(TLV_FOLLOW_UP_TELEMETRY);
}

int probe_aim(struct probe *p, const struct plan *plan, const struct probe_aim *at,
	      struct outcome *out)
{
	p->peer = at->peer;
	memcpy(p->sid, at->sid, sizeof(p->sid));
	p->format = at->modes & MODE_PTP ? TS_PTP : TS_NTP;
	p->tos_seen = at->modes & MODE_DSCP_ECN ? at->tos_seen : NULL;
	p->layout = pkt_layout(at->modes);
	if (plan->stamp) {
		aim_stamp(p, plan, at);
	}
	p->reflect_octets = at->modes & MODE_REFLECT_OCTETS ? plan->reflect_length : 0;
	p->send_octets = pkt_send_len(p->layout,
				      p->stamp ? p->tlvs.octets : padding_octets(plan, at->modes));
	p->reply_octets = (size_t)p->layout->reply_min + p->reflect_octets;
	if (p->stamp) { /* one more, to see those that are longer */
		p->reply_octets = p->send_octets + 1;
	}
	free(p->packet);
	p->packet = calloc(1, p->send_octets);
	if (!p->packet) {
		return tell(out, "test packet", ENOMEM);
	}
	guard(p, at);
	fill_reflected(p, plan, at);
	if (connect(p->fd, &at->peer.any, endpoint_len(&at->peer)) < 0) {
		return tell(out, "cannot reach the reflector", errno);
	}
	return OUTCOME_OK;
}

/* What a STAMP packet has beside the fields of pkt.h; its TLVs are there already. */
static void dress(struct probe *p)
{
	if (p->guard == PROBE_SIGNED) {
		stamp_auth_put_ssid(p->packet, p->ssid);
		stamp_seal(p->key, p->packet);
	} else {
		stamp_put_ssid(p->packet, p->ssid);
	}
}

/*
 * The header with its timestamp, as late as its protection lets it be: T-005. Returns T1;
 * header->ts is what the packet carries of it.
 */
static struct clock_pair put_header(struct probe *p, struct pkt_send *header)
{
	struct clock_pair t1 = clock_both();
	struct wire_out ts = wire_out(p->packet + p->layout->ts, sizeof(header->ts));

	header->ts = ts_encode(p->format, t1.wall);
	pkt_put_send(p->layout, p->packet, header);
	if (p->stamp) {
		dress(p);
	}
	switch (p->guard) {
	case PROBE_CLEAR:
	case PROBE_SIGNED:
		break;
	case PROBE_AUTHENTICATED:
		crypt_pkt_seal_send(&p->crypt, false, p->packet);
		t1 = clock_both();
		header->ts = ts_encode(p->format, t1.wall);
		wire_put64(&ts, header->ts);
		break;
	case PROBE_ENCRYPTED:
		crypt_pkt_seal_send(&p->crypt, true, p->packet);
		break;
	}
	return t1;
}

/* A failed call may have used up a number of the kernel or not: begin anew. */
static void renumber(struct probe *p)
{
	p->departs = p->departs && probe_sock_stamp(p->fd, true);
	p->departures = 0;
}

void probe_send(struct probe *p, uint16_t error_estimate)
{
	struct pkt_send header = { .seq = series_next(&p->series),
				   .error_estimate = error_estimate };
	struct clock_pair t1 = { { 0 }, { 0 } };
	ssize_t n = -1;

	fill(p, (size_t)p->layout->send_padding + p->reflect_octets, p->send_octets);
	if (p->stamp) {
		tlvside_put(&p->tlvs, header.seq, clock_mono(),
			    p->packet + p->layout->send_padding);
	}
	/* The second try is for the ICMP error of an earlier packet, which this call reports. */
	for (int attempt = 0; attempt < 2 && n < 0; attempt++) {
		t1 = put_header(p, &header);
		n = send(p->fd, p->packet, p->send_octets, 0);
		if (n < 0 && errno == ECONNREFUSED) {
			p->counts.refused++;
		} else if (n < 0) {
			break;
		}
	}
	if (n < 0) {
		p->counts.send_errors++;
		series_skipped(&p->series);
		renumber(p);
		return;
	}
	p->leaving[p->departures++ & (p->series.window - 1)] = p->series.next;
	if (p->watcher && p->watcher->sent) {
		p->watcher->sent(p->watcher->data, p->session, p->series.next, t1);
	}
	series_sent(&p->series, header.ts, t1);
}

/* --- replies ------------------------------------------------------------------------------ */

/* T-085 S-243 S-244. False if the reply belongs to another session. */
static bool check_ssid(struct probe *p, const uint8_t *reply, size_t octets)
{
	uint16_t ssid;

	if (!p->stamp) {
		return true;
	}
	ssid = p->guard == PROBE_SIGNED ? stamp_auth_get_ssid(reply, octets)
					: stamp_get_ssid(reply, octets);
	if (ssid == p->ssid) {
		return true;
	}
	p->counts.ssid_missing += ssid == 0;
	if (ssid == 0 && p->ssid_optional) {
		p->ssid = 0;
	}
	return ssid == 0;
}

static bool is_authentic(struct probe *p, uint8_t *reply, size_t octets)
{
	switch (p->guard) {
	case PROBE_CLEAR:
		return true;
	case PROBE_AUTHENTICATED:
		return crypt_pkt_open_reply(&p->crypt, false, reply, octets) == 0;
	case PROBE_ENCRYPTED:
		return crypt_pkt_open_reply(&p->crypt, true, reply, octets) == 0;
	case PROBE_SIGNED:
		return stamp_opens(p->key, reply, octets);
	}
	return false;
}

static bool is_reflected(const struct probe *p, const uint8_t *reply, size_t octets)
{
	return octets >= p->reply_octets &&
	       memcmp(reply + p->layout->reply_min, p->packet + p->layout->send_padding,
		      p->reflect_octets) == 0;
}

/*
 * Some reflectors cut the reply to the length of a short packet. What holds all timestamps is
 * used, in a buffer with zeros behind it.
 */
static bool is_usable(struct probe *p, uint8_t *reply, size_t octets, bool *brief)
{
	*brief = octets < p->layout->reply_min;
	if (*brief && (p->guard != PROBE_CLEAR || octets < BRIEF_OCTETS)) {
		p->counts.bad_length++;
		p->odd_octets = (uint32_t)octets;
		return false;
	}
	if (*brief) {
		memset(reply + octets, 0, p->layout->reply_min - octets);
	}
	return true;
}

/* False: the reply does not count. */
static bool take_tlvs(struct probe *p, const uint8_t *reply, size_t octets,
		      const struct pkt_reply *r)
{
	size_t base = p->layout->reply_min;
	struct tlvread told;

	if (!tlvside_take(&p->tlvs, reply + base, octets - base, r->seq, &told)) {
		return false;
	}
	if (told.known & TLV_BIT(TLV_FOLLOW_UP_TELEMETRY) && told.follow_up.method != 0 &&
	    told.follow_up.method <= 2) { /* S-250 */
		series_followed_up(&p->series, told.follow_up.seq, told.follow_up.ts);
	}
	return true;
}

/* A datagram is counted as what it is; none of them ends the session. T-060 */
static void take_reply(struct probe *p, uint8_t *reply, size_t octets, struct series_arrival *a,
		       const union endpoint *from)
{
	struct pkt_reply r;
	struct series_reading reading;
	enum series_verdict verdict;

	/* Strangers may be queued from before the connect. */
	if (!endpoint_equal(from, &p->peer)) {
		p->counts.bad_source++;
		return;
	}
	if (!is_usable(p, reply, octets, &a->brief)) {
		return;
	}
	if (!check_ssid(p, reply, octets)) {
		p->counts.bad_source++;
		return;
	}
	if (!is_authentic(p, reply, octets)) {
		p->counts.hmac_failures++;
		return;
	}
	if (pkt_get_reply(p->layout, reply, a->brief ? p->layout->reply_min : octets, &r) != 0) {
		p->counts.bad_length++;
		return;
	}
	if (p->stamp && !a->brief && !take_tlvs(p, reply, octets, &r)) {
		return;
	}
	verdict = series_reply(&p->series, &r, a, &reading);
	if (verdict != SERIES_COUNTED && verdict != SERIES_TOO_LATE) {
		return;
	}
	if (p->watcher && p->watcher->reply) {
		p->watcher->reply(p->watcher->data, p->session, &reading,
				  verdict == SERIES_TOO_LATE);
	}
	p->counts.brief += a->brief;
	p->counts.user_stamps += !a->stamped;
	if (p->tos_seen && !a->brief) {
		p->tos_seen[r.tos]++;
	}
	if (p->tos_back && a->tos >= 0) {
		p->tos_back[a->tos & 0xff]++;
	}
	if (p->reflect_octets > 0 && !is_reflected(p, reply, octets)) {
		p->counts.reflect_failures++;
	}
}

/* Before the replies: the true departure of a packet belongs to its figures. */
static void take_departures(struct probe *p, struct probe_batch *b)
{
	int n = probe_batch_receive(b, p->fd, MSG_ERRQUEUE);

	for (int i = 0; i < n; i++) {
		struct wall at;
		uint32_t number;

		if (probe_sock_departure(&b->m[i].msg_hdr, &number, &at) &&
		    p->departures - number <= p->series.window) {
			series_departed(&p->series, p->leaving[number & (p->series.window - 1)],
					at);
		}
	}
}

bool probe_receive(struct probe *p, struct probe_batch *b)
{
	struct series_arrival a;
	int n;

	if (p->departs) {
		take_departures(p, b);
	}
	n = probe_batch_receive(b, p->fd, 0);
	if (n == -ECONNREFUSED) {
		p->counts.refused++;
		return true;
	}
	a.now = clock_both();
	for (int i = 0; i < n; i++) {
		struct sock_meta meta;

		sock_meta(&b->m[i].msg_hdr, &meta);
		a.stamped = meta.stamped;
		a.t4 = meta.stamp;
		a.ttl = meta.has_ttl ? meta.ttl : -1;
		a.tos = meta.has_tos ? meta.tos : -1;
		/* What is longer is cut: the rest of the padding tells nothing. */
		take_reply(p, b->v[i].iov_base, b->m[i].msg_len, &a, &b->from[i]);
	}
	return n == (int)b->n;
}

void probe_look_at_drops(struct probe *p)
{
	uint32_t drops;

	if (p->fd >= 0 && sock_read_drops(p->fd, &drops)) {
		p->series.own_drops = drops;
	}
}

void probe_add_counts(const struct probe *p, struct probe_counts *sum)
{
#define ADD(name) sum->name += p->counts.name;
	PROBE_COUNTS(ADD)
#undef ADD
}

void probe_close(struct probe *p)
{
	if (p->fd >= 0) {
		close(p->fd);
	}
	p->fd = -1;
	free(p->packet);
	p->packet = NULL;
	free(p->leaving);
	p->leaving = NULL;
	crypt_test_wipe(&p->crypt);
	series_wipe(&p->series);
}
