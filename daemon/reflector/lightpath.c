// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/lightpath.h"

#include "daemon/reflector/estimate.h"
#include "daemon/reflector/phc.h"
#include "protocol/stamp.h"

#include <netinet/in.h>
#include <stdlib.h>

/* Datagrams per system call that reads. */
#define CHUNK 16

/* Replies per reading of the clock: T3 of the last one is older by what the kernel needs for
 * the others, a few microseconds, which the Error Estimate of a batch covers. Up to ALONE
 * packets at hand get a reading each. */
#define GROUP 8
#define ALONE 2

#define BUFFER_OCTETS (65536 + 192)
#define REPLY_CONTROL_LEN 128
#define WELL_KNOWN_PORT 862

/* One datagram and its reply, on the way through. */
struct slot {
	struct sockaddr_storage from;
	struct address remote;
	struct sock_meta meta;
	uint8_t local[16]; /* the address it was sent to */
	uint32_t link; /* the interface that it came in by */
	bool unicast; /* so that it can be the source of the reply */
	struct wall t2;
};

struct light_scratch {
	struct mmsghdr messages[CHUNK];
	struct iovec vectors[CHUNK];
	struct slot slots[CHUNK];
	uint8_t control[CHUNK][SOCK_CONTROL_LEN] __attribute__((aligned(16)));
	/* of replies, without gaps */
	struct mmsghdr replies[CHUNK];
	struct iovec reply_vectors[CHUNK];
	struct wall t2[CHUNK];
	bool stamped[CHUNK]; /* T2 is the kernel's */
	int64_t phc_error_ns[CHUNK]; /* not 0: the card's, with this error */
	uint8_t reply_control[CHUNK][REPLY_CONTROL_LEN] __attribute__((aligned(16)));
	uint8_t in[CHUNK][BUFFER_OCTETS];
	uint8_t out[CHUNK][BUFFER_OCTETS];
};

/* --- receiving ------------------------------------------------------------------------ */

static int receive(struct light_scratch *s, int fd)
{
	for (int i = 0; i < CHUNK; i++) {
		struct msghdr *m = &s->messages[i].msg_hdr;

		m->msg_namelen = sizeof(s->slots[i].from);
		m->msg_controllen = sizeof(s->control[i]);
		m->msg_flags = 0;
	}
	return recvmmsg(fd, s->messages, CHUNK, MSG_DONTWAIT, NULL);
}

static void take_remote(struct slot *s)
{
	const struct sockaddr_in *v4 = (const void *)&s->from;
	const struct sockaddr_in6 *v6 = (const void *)&s->from;

	memset(&s->remote, 0, sizeof(s->remote));
	if (s->from.ss_family == AF_INET) {
		s->remote.family = 4;
		s->remote.port = ntohs(v4->sin_port);
		memcpy(s->remote.ip, &v4->sin_addr, 4);
	} else {
		s->remote.family = 6;
		s->remote.port = ntohs(v6->sin6_port);
		s->remote.scope = v6->sin6_scope_id;
		memcpy(s->remote.ip, &v6->sin6_addr, 16);
	}
}

/*
 * Where it was sent to: also on a socket of all addresses the reply leaves from there (T-047).
 * For IPv4 broadcast and multicast the kernel offers another address for replies.
 */
static void take_local(struct msghdr *m, struct slot *s)
{
	memset(s->local, 0, sizeof(s->local));
	s->link = 0;
	s->unicast = false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo v4;

			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			memcpy(s->local, &v4.ipi_addr, sizeof(v4.ipi_addr));
			s->unicast = v4.ipi_addr.s_addr == v4.ipi_spec_dst.s_addr;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo v6;

			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			memcpy(s->local, &v6.ipi6_addr, sizeof(v6.ipi6_addr));
			s->link = v6.ipi6_ifindex;
			s->unicast = !IN6_IS_ADDR_MULTICAST(&v6.ipi6_addr);
		}
	}
}

/* --- deciding ------------------------------------------------------------------------- */

/*
 * A packet from a reflector would go to and fro for ever: never from one of our other ports, from
 * the port that it is sent to and from the well-known one only if the settings want it, and never a
 * reply, whatever its port is.
 */
static bool is_loop(const struct light_port *p, const struct slot *s, const uint8_t *in, size_t n)
{
	const struct light_view *view = p->owner->view;
	uint16_t port = s->remote.port;

	if (!port || stamp_is_reply(in, n)) {
		return true;
	}
	if (port == WELL_KNOWN_PORT || port == p->address.port) {
		return !p->rules->from_862;
	}
	return view->own[port / 64] >> (port % 64) & 1;
}

/* Last of all: what has no answer in any case costs a sender nothing. */
static bool is_too_much(const struct light_port *p, const struct slot *s, size_t n, struct mono now)
{
	const struct throttle_rates rates = { p->rules->packet_rate, p->rules->octet_rate };
	struct police none = { 0 };

	if ((rates.packet_rate || rates.octet_rate) &&
	    !throttle_take(p->throttle, &s->remote, &rates, n, now)) {
		return true;
	}
	return police_is_on(&none, p->total) && !police_take(&none, p->total, n, now);
}

/* Why not to answer; COUNTER_NONE = answer. */
static enum counter check(const struct light_port *p, const struct slot *s, const uint8_t *in,
			  size_t n, int flags)
{
	if (!settings_light_allows(p->rules, &s->remote)) { /* T-074 */
		return COUNTER_DROP_DENIED;
	}
	if (flags & MSG_TRUNC) {
		return COUNTER_DROP_TRUNCATED;
	}
	if (!s->unicast) {
		return COUNTER_DROP_DESTINATION;
	}
	if (n < stamp_layout()->send_min) { /* the same for both types: T-020, T-083 */
		return COUNTER_DROP_SHORT;
	}
	if (is_loop(p, s, in, n)) {
		return COUNTER_DROP_LOOP;
	}
	if (p->rules->n_ssids &&
	    !settings_light_knows(p->rules, stamp_get_ssid(in, n))) { /* T-085 */
		return COUNTER_DROP_SSID;
	}
	if (p->rules->drain &&
	    atomic_load_explicit(&p->owner->worker->reflector->draining, memory_order_relaxed)) {
		return COUNTER_DROP_DRAINING;
	}
	return COUNTER_NONE;
}

/* --- answering ------------------------------------------------------------------------ */

/* T-071, T-082: without state the sender's own number. T-072: else one of ours. */
static uint32_t number(struct light_port *p, const struct slot *s, const uint8_t *in, size_t n)
{
	struct wire_in w = wire_in(in, n);
	struct table_key key = { .scope = s->remote.scope, .port = s->remote.port };
	uint32_t seq = wire_get32(&w);
	struct table_sender *sender;
	struct flow_step step;
	bool evicted;

	if (!p->table) {
		return seq;
	}
	memcpy(key.remote, s->remote.ip, sizeof(key.remote));
	memcpy(key.local, s->local, sizeof(key.local));
	key.ssid = p->rules->type == SETTINGS_LIGHT_STAMP ? stamp_get_ssid(in, n) : 0;
	sender = table_find(p->table, &key, &evicted);
	step = flow_take(&sender->flow, seq);
	counters_flow(&p->counters, &step);
	if (evicted) {
		counters_add(&p->counters, COUNTER_EVICTED, 1);
	}
	return sender->seq++;
}

static const struct pkt_layout *layout_of(const struct light_port *p)
{
	return p->rules->type == SETTINGS_LIGHT_STAMP ? stamp_layout()
						      : pkt_layout(MODE_UNAUTHENTICATED);
}

/* All but T3 and the Error Estimate. Return its length. T-026: not above max(@n, minimum). */
static size_t build(struct light_port *p, const struct slot *s, const uint8_t *in, size_t n,
		    uint8_t *out)
{
	struct pkt_reply reply = {
		.seq = number(p, s, in, n),
		.rx_ts = ts_encode(TS_NTP, s->t2),
		.ttl = s->meta.ttl,
	};
	int error = p->rules->type == SETTINGS_LIGHT_STAMP
			    ? stamp_put_reply(in, n, out, &reply)
			    : pkt_put_reply(layout_of(p), in, n, out, &reply);

	return error ? 0 : pkt_reply_len(layout_of(p), n);
}

/* T-047 the source of the reply; T-075 its DSCP, with ECN 0. */
static void address_reply(const struct light_port *p, struct slot *s, struct msghdr *m)
{
	int tos = p->rules->dscp == SETTINGS_DSCP_COPY ? s->meta.tos & 0xfc : p->rules->dscp << 2;

	m->msg_name = &s->from;
	m->msg_controllen = 0;
	if (s->remote.family == 4) {
		struct in_pktinfo v4 = { 0 }; /* no interface: the route decides */

		memcpy(&v4.ipi_spec_dst, s->local, sizeof(v4.ipi_spec_dst));
		m->msg_namelen = sizeof(struct sockaddr_in);
		sock_append(m, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
		sock_append(m, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	} else {
		struct in6_pktinfo v6 = { 0 };

		memcpy(&v6.ipi6_addr, s->local, sizeof(v6.ipi6_addr));
		if (IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr)) {
			v6.ipi6_ifindex = s->link;
		}
		m->msg_namelen = sizeof(struct sockaddr_in6);
		sock_append(m, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
		sock_append(m, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	}
}

static void take_meta(struct light_port *p, struct msghdr *m, struct sock_meta *meta)
{
	struct worker *w = p->owner->worker;

	sock_meta(m, meta);
	if (meta->hardware_ns &&
	    phc_improve(w->reflector->phc, meta, estimate_mono()) == PHC_REFUSED) {
		counters_add(&w->totals, COUNTER_HARDWARE_REFUSED, 1);
	}
}

/* When datagrams were read, on both clocks. */
struct pass {
	struct wall wall;
	struct mono mono;
};

/* A datagram into reply number @k. True if there is one. */
static bool handle(struct light_port *p, int i, int k, const struct pass *now)
{
	struct light_scratch *scratch = p->owner->scratch;
	struct msghdr *m = &scratch->messages[i].msg_hdr;
	size_t n = scratch->messages[i].msg_len;
	struct slot *s = &scratch->slots[i];
	enum counter why;

	counters_add(&p->counters, COUNTER_RECEIVED, 1);
	take_meta(p, m, &s->meta);
	take_remote(s);
	take_local(m, s);
	why = check(p, s, scratch->in[i], n, m->msg_flags);
	if (why == COUNTER_NONE && is_too_much(p, s, n, now->mono)) {
		why = COUNTER_DROP_POLICED;
	}
	if (why == COUNTER_DROP_DENIED) {
		strangers_note(&p->owner->strangers, &s->remote, p->address.port);
	}
	if (why != COUNTER_NONE) {
		counters_add(&p->counters, why, 1);
		return false;
	}
	if (!s->meta.stamped) {
		counters_add(&p->counters, COUNTER_USER_TIMESTAMPS, 1);
	} else if (s->meta.phc_error_ns) {
		counters_add(&p->counters, COUNTER_HARDWARE_TIMESTAMPS, 1);
	}
	s->t2 = s->meta.stamped ? s->meta.stamp : now->wall;
	scratch->t2[k] = s->t2;
	scratch->stamped[k] = s->meta.stamped;
	scratch->phc_error_ns[k] = s->meta.phc_error_ns;
	scratch->reply_vectors[k].iov_len = build(p, s, scratch->in[i], n, scratch->out[k]);
	address_reply(p, s, &scratch->replies[k].msg_hdr);
	return true;
}

/* --- sending -------------------------------------------------------------------------- */

/*
 * T-036: T3 is never before T2, also when the clock was set back between them. The Error
 * Estimate knows whether others leave with the reply.
 */
static void stamp(struct light_port *p, int from, int to)
{
	const struct estimate *estimate = &p->owner->worker->estimate;
	struct light_scratch *s = p->owner->scratch;
	struct wall now = estimate_wall();

	for (int k = from; k < to; k++) {
		struct wall t3 = now.ns < s->t2[k].ns ? s->t2[k] : now;
		struct wire_out error = wire_out(s->out[k] + layout_of(p)->ee, sizeof(uint16_t));

		/* T-084: NTP */
		wire_put16(&error, estimate_packet(estimate, s->stamped[k], s->phc_error_ns[k],
						   to - from > 1, TS_NTP));

		pkt_put_reply_ts(layout_of(p), s->out[k], ts_encode(TS_NTP, t3));
	}
}

static void transmit(struct light_port *p, int from, int to)
{
	struct light_scratch *s = p->owner->scratch;

	while (from < to) {
		int sent = sendmmsg(p->fd, &s->replies[from], (unsigned)(to - from),
				    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent <= 0) { /* the first of them; the others have their own chance */
			counters_add(&p->counters, COUNTER_DROP_TX, 1);
			from++;
			continue;
		}
		for (int i = 0; i < sent; i++) {
			counters_add(&p->counters, COUNTER_REFLECTED, 1);
		}
		from += sent;
	}
}

static void send_all(struct light_port *p, int count)
{
	int group = count <= ALONE ? 1 : GROUP;

	for (int from = 0; from < count; from += group) {
		int to = from + group < count ? from + group : count;

		stamp(p, from, to);
		transmit(p, from, to);
	}
}

bool lightpath_burst(struct light_port *p)
{
	for (int done = 0; done < LIGHTPATH_BURST; done += CHUNK) {
		int n = receive(p->owner->scratch, p->fd), replies = 0;
		struct pass now;

		if (n <= 0) {
			return false;
		}
		now = (struct pass){ estimate_wall(), estimate_mono() };
		for (int i = 0; i < n; i++) {
			replies += handle(p, i, replies, &now);
		}
		send_all(p, replies);
		if (n < CHUNK) {
			return false;
		}
	}
	return true;
}

/* --- life ------------------------------------------------------------------------------ */

struct light_scratch *lightpath_scratch(void)
{
	struct light_scratch *s = calloc(1, sizeof(*s));

	for (int i = 0; s && i < CHUNK; i++) {
		s->vectors[i] = (struct iovec){ s->in[i], sizeof(s->in[i]) };
		s->messages[i].msg_hdr.msg_iov = &s->vectors[i];
		s->messages[i].msg_hdr.msg_iovlen = 1;
		s->messages[i].msg_hdr.msg_name = &s->slots[i].from;
		s->messages[i].msg_hdr.msg_control = s->control[i];
		s->reply_vectors[i].iov_base = s->out[i];
		s->replies[i].msg_hdr.msg_iov = &s->reply_vectors[i];
		s->replies[i].msg_hdr.msg_iovlen = 1;
		s->replies[i].msg_hdr.msg_control = s->reply_control[i];
	}
	return s;
}
