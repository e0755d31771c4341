// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/responder.h"

#include "base/clock.h"
#include "base/endpoint.h"
#include "client/measure/reach.h"
#include "client/measure/responder_sock.h"
#include "protocol/reflection.h"
#include "protocol/stamp.h"
#include "protocol/tlvreply.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 64 /* datagrams per wake-up */
#define SEATS 256 /* senders with numbers of their own */
#define SOCKETS 2 /* IPv4 and IPv6 */
#define CLOCK_S 1.0
#define BUFFER_OCTETS 65536

enum verdict {
	ANSWER,
	DENIED,
	SHORT,
	LOOP,
	OTHER_DESTINATION,
	NOT_SENT,
	FORGED, /* STAMP: wrong HMAC */
	SILENT, /* STAMP: it asks for no reply */
};
#define VERDICTS 8

/* A sender of a stateful reflector. RFC 5357 Appendix I, RFC 8972 3 */
struct seat {
	union endpoint remote;
	struct address local; /* where it sends to, without the port */
	uint16_t ssid;
	uint32_t seq; /* of the next reply */
	uint32_t rx_count;
	ts_wire previous; /* when the last reply left */
	uint64_t last; /* number of its last packet; 0 = free */
};

struct responder {
	const struct plan *plan;
	const struct responder_plan *who;
	struct reflection_rules rules;
	struct ev_loop *loop;
	union endpoint bound[SOCKETS];
	ev_io io[SOCKETS];
	int fds[SOCKETS], fd_count;
	ev_signal interrupt, terminate;
	ev_timer clock;
	uint16_t error_estimate;
	bool synchronized;
	uint64_t received, counts[VERDICTS];
	struct seat seats[SEATS];
	uint8_t in[BUFFER_OCTETS], out[BUFFER_OCTETS];
};

static bool is_allowed(const struct responder_plan *who, const union endpoint *from)
{
	struct address a = endpoint_address(from);
	struct prefix host = { .family = a.family, .bits = a.family == 6 ? 128 : 32 };

	memcpy(host.ip, a.ip, sizeof(host.ip));
	for (uint32_t i = 0; i < who->allow_count; i++) {
		if (prefix_covers(&who->allow[i], &host)) {
			return true;
		}
	}
	if (who->allow_count) {
		return false;
	}
	return address_is_loopback(&a);
}

/* What comes from a reflector, by its port or because it is a reply, would never end. */
static enum verdict judge(const struct responder *r, const struct responder_packet *p)
{
	uint16_t port = endpoint_port(&p->from);
	int fault = reflection_check(&r->rules, r->in, p->octets);

	if (!is_allowed(r->who, &p->from)) {
		return DENIED;
	}
	if (!p->meta.unicast) {
		return OTHER_DESTINATION;
	}
	if (fault == REFLECTION_SHORT) {
		return SHORT;
	}
	if (r->plan->more.authenticated && !stamp_opens(r->plan->more.key, r->in, p->octets)) {
		return FORGED;
	}
	if (fault || port == 0 || port == r->plan->port || port == PLAN_TWAMP_PORT) {
		return LOOP;
	}
	return ANSWER;
}

/* Which of ours the packet was sent to; a link-local one on this interface. */
static struct address local_of(const struct responder_packet *p)
{
	struct address a = { .family = p->meta.family };

	memcpy(a.ip, p->meta.local, sizeof(a.ip));
	a.scope = address_is_link_local(&a) ? p->meta.arrival : 0;
	return a;
}

static bool is_seat_of(const struct seat *s, const struct responder_packet *p,
		       const struct address *local, uint16_t ssid)
{
	return s->last && s->ssid == ssid && endpoint_equal(&s->remote, &p->from) &&
	       address_same_host(&s->local, local);
}

/* T-072: numbers from 0 for each; the oldest makes room. NULL without state. */
static struct seat *take_seat(struct responder *r, const struct responder_packet *p)
{
	uint16_t ssid = reflection_ssid(&r->rules, r->in, p->octets);
	struct address local = local_of(p);
	struct seat *s = &r->seats[0];

	if (!r->who->stateful) {
		return NULL;
	}
	for (int i = 0; i < SEATS; i++) {
		if (is_seat_of(&r->seats[i], p, &local, ssid)) {
			r->seats[i].last = r->received;
			return &r->seats[i];
		}
		if (r->seats[i].last < s->last) {
			s = &r->seats[i];
		}
	}
	*s = (struct seat){ .remote = p->from, .local = local, .ssid = ssid, .last = r->received };
	return s;
}

static struct tlvreply_facts facts_of(const struct responder *r, const struct responder_packet *p,
				      const struct seat *seat, uint32_t sender_seq)
{
	struct tlvreply_facts f = {
		.authenticated = r->plan->more.authenticated,
		.keys = { r->plan->more.key },
		.sender_seq = sender_seq,
		.own_seq = seat ? seat->seq : sender_seq,
		.from = endpoint_address(&p->from),
		.to = local_of(p),
		.tos = p->meta.tos,
		.sync = r->synchronized ? TLVREPLY_SYNC_NTP : TLVREPLY_SYNC_LOCAL,
		.method_in = TLVREPLY_METHOD_SOFTWARE,
		.method_out = TLVREPLY_METHOD_SOFTWARE,
		.stateful = seat != NULL,
	};

	f.to.port = r->plan->port;
	f.to.scope = 0; /* addresses of TLVs have none */
	f.loopback = address_is_loopback(&f.to);
	if (seat) {
		f.rx_count = seat->rx_count;
		f.tx_count = seat->seq + 1;
	}
	if (seat && seat->seq) {
		f.previous.method = TLVREPLY_METHOD_SOFTWARE;
		f.previous.seq = seat->seq - 1;
		f.previous.ts = seat->previous;
	}
	return f;
}

static const struct tlvreply_policy policy = { .location = TLVREPLY_LOCATION_ALL,
					       .return_path = TLVREPLY_NO_REPLY,
					       .types = TLV_ALL_TYPES,
					       .dscp = UINT64_MAX };

/* T-071, T-082: without state the number is a copy of the sender's. 0: no reply is wanted. */
static size_t build(struct responder *r, struct responder_packet *p, const struct seat *seat)
{
	struct wire_in w = wire_in(r->in, p->octets);
	struct tlvreply_facts tlvs = facts_of(r, p, seat, wire_get32(&w));
	const struct reflection_facts facts = { .seq = tlvs.own_seq,
						.error_estimate = r->error_estimate,
						.t2 = p->t2,
						.ttl = p->meta.ttl,
						.tos = p->meta.tos,
						.tlvs = &tlvs };
	struct tlvreply told = { 0 };
	size_t n;

	if (!r->rules.tlvs) {
		return reflection_build(&r->rules, r->in, p->octets, r->out, &facts);
	}
	n = reflection_build_tlvs(&r->rules, r->in, p->octets, r->out, &facts, &told);
	if (told.dscp_set) {
		p->meta.tos = (uint8_t)(told.dscp << 2);
	}
	return n;
}

static enum verdict answer(struct responder *r, int fd, struct responder_packet *p)
{
	struct seat *seat = take_seat(r, p);
	struct reflection_time now;
	size_t n;

	if (seat) {
		seat->rx_count++;
	}
	n = build(r, p, seat);
	if (!n) {
		return SILENT;
	}
	now = reflection_time(clock_wall());
	reflection_finish_stamp(&r->rules, r->out, p->t2, &now, r->plan->more.key);
	if (seat) {
		seat->seq++;
		seat->previous = now.at.ns < p->t2.ns ? ts_encode(TS_NTP, p->t2) : now.wire[TS_NTP];
	}
	return responder_sock_send(fd, p, r->out, n) ? NOT_SENT : ANSWER;
}

static void on_packets(struct ev_loop *loop, ev_io *w, int events)
{
	struct responder *r = w->data;

	for (int i = 0; i < BATCH; i++) {
		struct responder_packet p;
		enum verdict v;

		if (responder_sock_receive(w->fd, r->in, sizeof(r->in), &p) < 0) {
			return;
		}
		r->received++;
		v = judge(r, &p);
		if (v == ANSWER) {
			v = answer(r, w->fd, &p);
		}
		r->counts[v]++;
	}
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	ev_break(loop, EVBREAK_ALL);
}

static void look_at_clock(struct responder *r)
{
	struct ts_error now = clock_state();

	r->error_estimate = ts_ee_encode(&now);
	r->synchronized = now.synchronized;
}

static void on_clock(struct ev_loop *loop, ev_timer *w, int events)
{
	look_at_clock(w->data);
}

static int open_one(struct responder *r, const union endpoint *local, struct outcome *out)
{
	char text[ENDPOINT_TEXT_LEN];
	int fd = responder_sock_open(local);

	if (fd == -EAFNOSUPPORT && r->fd_count) {
		return OUTCOME_OK; /* a host without IPv6, and it was not asked for */
	}
	if (fd < 0) {
		outcome_set(out, OUTCOME_LOCAL, 0, "cannot listen on UDP %s: %s",
			    endpoint_text(local, true, text), strerror(-fd));
		if (fd == -EACCES) {
			outcome_hint(out, "ports below 1024 need CAP_NET_BIND_SERVICE");
		} else if (fd == -EADDRINUSE) {
			outcome_hint(out, "find the process that holds it: ss -lunp");
		}
		return OUTCOME_LOCAL;
	}
	r->bound[r->fd_count] = *local;
	r->fds[r->fd_count++] = fd;
	return OUTCOME_OK;
}

static bool has_family(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 || errno != EAFNOSUPPORT;

	if (fd >= 0) {
		close(fd);
	}
	return has;
}

/* One address, or every address of each family that is wanted and that the host has. */
static int open_all(struct responder *r, struct outcome *out)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const struct plan *plan = r->plan;
	union endpoint local = { 0 };
	struct reach all;
	int verdict;

	if (*plan->host) {
		verdict = reach_look_up(plan, SOCK_DGRAM, &all, out);
		return verdict == OUTCOME_OK ? open_one(r, &all.list[0], out) : verdict;
	}
	verdict = OUTCOME_OK;
	for (size_t i = 0; verdict == OUTCOME_OK && i < sizeof(families) / sizeof(*families); i++) {
		if (plan->family && plan->family != families[i]) {
			continue;
		}
		if (!plan->family && !has_family(families[i])) {
			fprintf(stderr,
				"twamp responder: this host has no %s, and is served "
				"without it\n",
				families[i] == AF_INET ? "IPv4" : "IPv6");
			continue;
		}
		memset(&local, 0, sizeof(local));
		local.any.sa_family = (sa_family_t)families[i];
		endpoint_set_port(&local, plan->port);
		verdict = open_one(r, &local, out);
	}
	return verdict;
}

static void announce(const struct responder *r)
{
	const struct plan *plan = r->plan;
	char text[ENDPOINT_TEXT_LEN];

	fprintf(stderr, "twamp responder: %s, %s, on",
		plan->more.authenticated ? "STAMP authenticated"
		: plan->stamp		 ? "STAMP"
					 : "TWAMP Light",
		r->who->stateful ? "stateful" : "stateless");
	for (int i = 0; i < r->fd_count; i++) {
		fprintf(stderr, " %s", endpoint_text(&r->bound[i], true, text));
	}
	fprintf(stderr, "\n%s\n",
		r->who->allow_count
			? "answers the prefixes of --allow only; ends with Ctrl-C"
			: "answers this host only, name others with --allow; ends with Ctrl-C");
}

static void run(struct responder *r, bool quiet)
{
	for (int i = 0; i < r->fd_count; i++) {
		ev_io_init(&r->io[i], on_packets, r->fds[i], EV_READ);
		r->io[i].data = r;
		ev_io_start(r->loop, &r->io[i]);
	}
	ev_signal_init(&r->interrupt, on_signal, SIGINT);
	ev_signal_init(&r->terminate, on_signal, SIGTERM);
	ev_timer_init(&r->clock, on_clock, CLOCK_S, CLOCK_S);
	r->clock.data = r;
	ev_signal_start(r->loop, &r->interrupt);
	ev_signal_start(r->loop, &r->terminate);
	ev_timer_start(r->loop, &r->clock);
	look_at_clock(r);
	if (!quiet) {
		announce(r);
	}
	ev_run(r->loop, 0);
	ev_signal_stop(r->loop, &r->interrupt);
	ev_signal_stop(r->loop, &r->terminate);
}

static void print_counters(const struct responder *r)
{
	printf("received %" PRIu64 ", reflected %" PRIu64 ", denied %" PRIu64 ", short %" PRIu64
	       ", from reflectors %" PRIu64 ", to broadcast or multicast %" PRIu64
	       ", not sent %" PRIu64 "%s",
	       r->received, r->counts[ANSWER], r->counts[DENIED], r->counts[SHORT], r->counts[LOOP],
	       r->counts[OTHER_DESTINATION], r->counts[NOT_SENT], r->plan->stamp ? ", " : "\n");
	if (r->plan->stamp) {
		printf("wrong HMAC %" PRIu64 ", without reply as asked %" PRIu64 "\n",
		       r->counts[FORGED], r->counts[SILENT]);
	}
}

int responder_run(const struct plan *plan, const struct responder_plan *who, bool quiet)
{
	struct outcome outcome = { .kind = OUTCOME_OK };
	struct responder *r = calloc(1, sizeof(*r));

	if (r) {
		r->plan = plan;
		r->who = who;
		r->rules = reflection_light(plan->stamp, plan->more.authenticated);
		r->rules.tlvs = plan->stamp ? &policy : NULL;
		r->loop = ev_loop_new(EVFLAG_AUTO);
	}
	if (!r || !r->loop) {
		outcome_set(&outcome, OUTCOME_LOCAL, 0, "%s", strerror(ENOMEM));
	} else if (open_all(r, &outcome) == OUTCOME_OK) {
		run(r, quiet);
		print_counters(r);
	}
	outcome_print(&outcome, stderr);
	for (int i = 0; r && i < r->fd_count; i++) {
		close(r->fds[i]);
	}
	if (r && r->loop) {
		ev_loop_destroy(r->loop);
	}
	free(r);
	return outcome_exit(&outcome);
}
