// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bench/load_flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGES 64
#define EVENTS 64
#define OCTETS_MAX 2048
#define SEGMENTS_OCTETS 65000
#define COALESCED_OCTETS 65536
#define TRIES 50
#define TRY_MS 40
#define BUFFER_OCTETS (64 << 20)
#define TTL 255

static uint8_t outgoing[FLOW_BURST_MAX * OCTETS_MAX];
static uint8_t incoming[MESSAGES][OCTETS_MAX];
static uint8_t controls[MESSAGES][64] __attribute__((aligned(16)));

static void set(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value))) {
		load_die("setsockopt");
	}
}

static void fill(struct sockaddr_storage *out, socklen_t *len, const char *address, unsigned port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*len = sizeof(*v6);
	} else {
		load_die(address);
	}
}

static void open_socket(const struct load_options *o, struct load_flow *flow, size_t i,
			bool counting)
{
	const char *any = strchr(o->server, ':') ? "::" : "0.0.0.0";
	struct sockaddr_storage a;
	socklen_t len;

	fill(&a, &len, o->source ? o->source : any, o->source_port ? o->source_port + (unsigned)i : 0);
	flow->fd = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (flow->fd < 0 || bind(flow->fd, (struct sockaddr *)&a, len) ||
	    getsockname(flow->fd, (struct sockaddr *)&a, &len)) {
		load_die("socket of a flow");
	}
	flow->port = ntohs(a.ss_family == AF_INET ? ((struct sockaddr_in *)&a)->sin_port
						  : ((struct sockaddr_in6 *)&a)->sin6_port);
	set(flow->fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_OCTETS / 8);
	set(flow->fd, a.ss_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
	    a.ss_family == AF_INET ? IP_TTL : IPV6_UNICAST_HOPS, TTL);
	set(flow->fd, SOL_SOCKET, SO_RCVBUFFORCE, counting ? 1 : BUFFER_OCTETS / 2);
	if (counting) {
		set(flow->fd, IPPROTO_UDP, UDP_GRO, 1); /* they are not taken apart */
	} else {
		set(flow->fd, SOL_SOCKET, SO_TIMESTAMPING,
		    SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
	}
}

static void connect_to(const struct load_options *o, struct load_flow *flow, unsigned port)
{
	struct sockaddr_storage a;
	socklen_t len;

	fill(&a, &len, o->server, port);
	if (connect(flow->fd, (struct sockaddr *)&a, len)) {
		load_die("connect of a flow");
	}
}

static void open_sessions(struct load_flows *f)
{
	struct load_session *sessions = calloc(f->count, sizeof(*sessions));

	if (!sessions) {
		load_die("memory");
	}
	for (size_t i = 0; i < f->count; i++) {
		sessions[i].sender_port = f->flows[i].port;
	}
	load_control_connect(&f->control, f->o, f->o->source);
	f->controlled = true;
	load_control_request(&f->control, f->o, sessions, f->count, NULL, NULL);
	for (size_t i = 0; i < f->count; i++) {
		struct load_flow *flow = &f->flows[i];

		if (!sessions[i].port) {
			fprintf(stderr, "load: Accept %u for a session\n", sessions[i].accept);
			exit(1);
		}
		connect_to(f->o, flow, sessions[i].port);
		if (f->o->mode & (MODE_AUTHENTICATED | MODE_ENCRYPTED)) {
			flow->crypt = calloc(1, sizeof(*flow->crypt));
			if (!flow->crypt) {
				load_die("memory");
			}
			crypt_test_init(flow->crypt, &f->control.keys, sessions[i].sid);
		}
	}
	free(sessions);
	load_control_start(&f->control);
}

static void make(struct load_flows *f, struct load_flow *flow, uint8_t *out, ts_wire t1)
{
	struct pkt_send p = { .seq = flow->seq++, .ts = t1, .error_estimate = TS_EE_UNKNOWN };

	pkt_put_send(f->layout, out, &p);
	if (flow->crypt) {
		crypt_pkt_seal_send(flow->crypt, f->o->mode == MODE_ENCRYPTED, out);
	}
}

static void seal_ahead(struct load_flows *f)
{
	ts_wire t1 = ts_encode(TS_NTP, (struct wall){ load_wall_ns() });

	for (size_t i = 0; i < f->count; i++) {
		struct load_flow *flow = &f->flows[i];

		flow->sealed = calloc(f->burst, f->payload);
		if (!flow->sealed) {
			load_die("memory");
		}
		for (size_t j = 0; j < f->burst; j++) {
			make(f, flow, flow->sealed + j * f->payload, t1);
		}
	}
}

unsigned load_flow_send(struct load_flows *f, struct load_flow *flow, unsigned n)
{
	uint8_t space[64] __attribute__((aligned(16)));
	uint8_t *from = flow->sealed ? flow->sealed : outgoing;
	uint16_t size = (uint16_t)f->payload;
	struct iovec v = { from, f->payload * n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (!flow->sealed) {
		ts_wire t1 = ts_encode(TS_NTP, (struct wall){ load_wall_ns() });

		for (unsigned i = 0; i < n; i++) {
			make(f, flow, outgoing + i * f->payload, t1);
		}
	}
	if (n > 1) {
		struct cmsghdr *c;

		m.msg_control = space;
		m.msg_controllen = CMSG_SPACE(sizeof(size));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = IPPROTO_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(size));
		memcpy(CMSG_DATA(c), &size, sizeof(size));
	}
	if (sendmsg(flow->fd, &m, MSG_DONTWAIT) < 0) {
		return 0;
	}
	f->tally->sent += n;
	return n;
}

/* The kernel's T4 in ns; 0 without. */
static int64_t take_stamp(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
			struct timespec t;

			memcpy(&t, CMSG_DATA(c), sizeof(t));
			return (int64_t)t.tv_sec * TS_NS_PER_S + t.tv_nsec;
		}
	}
	return 0;
}

/* False if the reply is not what the packet should have brought. */
static bool check(struct load_flows *f, struct load_flow *flow, uint8_t *in, size_t n,
		  struct pkt_reply *r)
{
	if (n < f->reply_octets ||
	    (flow->crypt &&
	     crypt_pkt_open_reply(flow->crypt, f->o->mode == MODE_ENCRYPTED, in, n)) ||
	    pkt_get_reply(f->layout, in, n, r)) {
		return false;
	}
	if (r->ttl != TTL || r->sender.seq >= flow->seq ||
	    r->sender.error_estimate != TS_EE_UNKNOWN) {
		return false;
	}
	if (flow->any && (int32_t)(r->seq - flow->reply_seq) <= 0) {
		return false; /* on this wire nothing overtakes */
	}
	flow->any = true;
	flow->reply_seq = r->seq;
	return true;
}

static void take(struct load_flows *f, struct load_flow *flow, uint8_t *in, struct mmsghdr *m)
{
	struct load_sample s = { .t4 = take_stamp(&m->msg_hdr) };
	struct wall near = { s.t4 ? s.t4 : load_wall_ns() };
	struct pkt_reply r;

	f->tally->received++;
	f->tally->checked++;
	if (m->msg_len != f->reply_octets || !check(f, flow, in, m->msg_len, &r)) {
		f->tally->bad++;
		return;
	}
	if (!s.t4) {
		f->tally->unstamped++;
		return;
	}
	s.t1 = ts_decode(TS_NTP, r.sender.ts, near).ns;
	s.t2 = ts_decode(TS_NTP, r.rx_ts, near).ns;
	s.t3 = ts_decode(TS_NTP, r.ts, near).ns;
	if (s.t3 < s.t2) {
		f->tally->bad++;
	}
	load_tally_add(f->tally, &s);
}

static unsigned receive(struct load_flows *f, struct load_flow *flow)
{
	struct mmsghdr messages[MESSAGES];
	struct iovec vectors[MESSAGES];
	int n;

	for (int i = 0; i < MESSAGES; i++) {
		vectors[i] = (struct iovec){ incoming[i], OCTETS_MAX };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i],
						       .msg_iovlen = 1,
						       .msg_control = controls[i],
						       .msg_controllen = sizeof(controls[i]) };
	}
	n = recvmmsg(flow->fd, messages, MESSAGES, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		take(f, flow, incoming[i], &messages[i]);
	}
	return n > 0 ? (unsigned)n : 0;
}

unsigned load_flows_receive(struct load_flows *f)
{
	struct epoll_event events[EVENTS];
	unsigned n = 0;
	int ready;

	if (f->epoll < 0) {
		return receive(f, &f->flows[0]);
	}
	ready = epoll_wait(f->epoll, events, EVENTS, 0);
	for (int i = 0; i < ready; i++) {
		n += receive(f, events[i].data.ptr);
	}
	return n;
}

void load_flow_peek(struct load_flows *f, struct load_flow *flow)
{
	static uint8_t in[COALESCED_OCTETS];
	ssize_t n = recv(flow->fd, in, sizeof(in), MSG_DONTWAIT);
	struct pkt_reply r;

	if (n > 0) {
		f->tally->checked++;
		f->tally->bad += !check(f, flow, in, (size_t)n, &r);
	}
}

void load_flows_drops(struct load_flows *f)
{
	for (size_t i = 0; i < f->count; i++) {
		uint32_t info[SK_MEMINFO_VARS] = { 0 };
		socklen_t len = sizeof(info);

		if (!getsockopt(f->flows[i].fd, SOL_SOCKET, SO_MEMINFO, info, &len)) {
			f->tally->own_drops += info[SK_MEMINFO_DROPS] - f->flows[i].own_drops;
			f->flows[i].own_drops = info[SK_MEMINFO_DROPS];
		}
	}
}

/* A reflector may need a moment until it is there. */
static void wait_for_answer(struct load_flows *f, struct load_flow *flow)
{
	for (int i = 0; i < TRIES; i++) {
		struct pollfd p = { .fd = flow->fd, .events = POLLIN };
		uint8_t in[OCTETS_MAX];

		load_flow_send(f, flow, 1);
		if (poll(&p, 1, TRY_MS) > 0 && recv(flow->fd, in, sizeof(in), 0) > 0) {
			return;
		}
		poll(NULL, 0, TRY_MS / 4);
	}
	errno = ETIMEDOUT;
	load_die("no reply");
}

static void watch(struct load_flows *f)
{
	f->epoll = -1;
	if (f->count == 1) {
		return;
	}
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < f->count; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = &f->flows[i] };

		if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->flows[i].fd, &e)) {
			load_die("epoll_ctl");
		}
	}
}

void load_flows_open(struct load_flows *f, const struct load_options *o, struct load_tally *tally,
		     bool counting)
{
	*f = (struct load_flows){ .o = o, .count = o->flows, .tally = tally };
	f->layout = pkt_layout(o->mode);
	f->payload = o->payload > f->layout->send_min ? o->payload : f->layout->send_min;
	f->reply_octets = pkt_reply_len(f->layout, f->payload);
	f->burst = o->burst ? o->burst : f->count == 1 ? FLOW_BURST_MAX : FLOW_BURST_MAX / 2;
	f->burst = f->burst > FLOW_BURST_MAX ? FLOW_BURST_MAX : f->burst;
	f->burst = f->burst > SEGMENTS_OCTETS / f->payload ? (unsigned)(SEGMENTS_OCTETS / f->payload)
							   : f->burst;
	f->flows = calloc(f->count, sizeof(*f->flows));
	if (!f->flows || f->payload > OCTETS_MAX) {
		load_die("memory");
	}
	for (size_t i = 0; i < f->count; i++) {
		open_socket(o, &f->flows[i], i, counting);
	}
	if (o->control_port) {
		open_sessions(f);
	}
	for (size_t i = 0; !o->control_port && i < f->count; i++) {
		connect_to(o, &f->flows[i], o->port + (unsigned)i * o->step);
	}
	wait_for_answer(f, &f->flows[0]);
	wait_for_answer(f, &f->flows[f->count - 1]);
	if (counting && f->flows[0].crypt) {
		seal_ahead(f);
	}
	watch(f);
	load_flows_drops(f);
	load_tally_reset(tally);
}

void load_flows_close(struct load_flows *f)
{
	for (size_t i = 0; i < f->count; i++) {
		close(f->flows[i].fd);
		free(f->flows[i].crypt);
		free(f->flows[i].sealed);
	}
	if (f->controlled) {
		load_control_stop(&f->control, f->count);
	}
	free(f->flows);
}
