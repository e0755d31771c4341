// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ceiling for many sessions, in two ways.
 * yard-multi sockets ADDRESS PORT PEER PEER-PORT N
 *   N sockets on PORT, PORT + 1, ..., each connected to PEER-PORT, PEER-PORT + 1, ...: epoll,
 *   recvmmsg of 32 per ready socket, replies with UDP_SEGMENT
 * yard-multi shared ADDRESS PORT PEER PEER-PORT N
 *   one socket for all; each packet's session is looked up by its source in a hash table,
 *   runs of one peer leave with UDP_SEGMENT, all of a batch in one sendmmsg
 */
#include "tests/bench/yard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#define EVENTS 64
#define SESSIONS_MAX 100000

struct session {
	int fd;
	uint32_t seq;
	uint16_t peer_port; /* network order; 0 = a free place of the table */
	uint8_t peer_ip[16];
};

/* A run of replies of equal size to one peer. */
struct run {
	struct iovec vector;
	uint8_t control[32] __attribute__((aligned(16)));
	size_t octets;
	const struct session *session;
};

static uint8_t in[YARD_BATCH][YARD_OCTETS];
static uint8_t out[YARD_BATCH][YARD_OCTETS];
static uint8_t control[YARD_BATCH][YARD_CONTROL] __attribute__((aligned(16)));
static union yard_address sources[YARD_BATCH];
static struct mmsghdr messages[YARD_BATCH], replies[YARD_BATCH];
static struct iovec vectors[YARD_BATCH];
static struct run runs[YARD_BATCH];
static uint8_t joined[YARD_BATCH * YARD_OCTETS];

static struct session *table;
static size_t mask;

static int receive(int fd, int flags, bool names)
{
	for (int i = 0; i < YARD_BATCH; i++) {
		messages[i].msg_hdr.msg_controllen = YARD_CONTROL;
		messages[i].msg_hdr.msg_name = names ? &sources[i] : NULL;
		messages[i].msg_hdr.msg_namelen = names ? sizeof(sources[i]) : 0;
	}
	return recvmmsg(fd, messages, YARD_BATCH, flags, NULL);
}

static uint16_t take_peer(const union yard_address *a, uint8_t ip[16])
{
	memset(ip, 0, 16);
	if (a->any.sa_family == AF_INET) {
		memcpy(ip, &a->v4.sin_addr, 4);
		return a->v4.sin_port;
	}
	memcpy(ip, &a->v6.sin6_addr, 16);
	return a->v6.sin6_port;
}

/* The session of a peer, or the place for it. */
static struct session *find(const uint8_t ip[16], uint16_t port)
{
	uint64_t a, b;

	memcpy(&a, ip, 8);
	memcpy(&b, ip + 8, 8);
	a = (a ^ b * UINT64_C(0x9e3779b97f4a7c15) ^ port) * UINT64_C(0xff51afd7ed558ccd);
	for (size_t i = (size_t)(a >> 32);; i++) {
		struct session *s = &table[i & mask];

		if (!s->peer_port || (s->peer_port == port && !memcmp(s->peer_ip, ip, 16))) {
			return s;
		}
	}
}

static struct run *add(int *count, size_t *fill, struct session *s, size_t octets, int i)
{
	struct run *last = *count ? &runs[*count - 1] : NULL;

	if (last && last->session == s && last->octets == octets &&
	    last->vector.iov_len + octets <= YARD_SEGMENTS_MAX) {
		last->vector.iov_len += octets;
		return last;
	}
	last = &runs[(*count)++];
	last->vector = (struct iovec){ joined + *fill, octets };
	last->octets = octets;
	last->session = s;
	replies[*count - 1].msg_hdr = (struct msghdr){
		.msg_iov = &last->vector,
		.msg_iovlen = 1,
		.msg_name = messages[i].msg_hdr.msg_name,
		.msg_namelen = messages[i].msg_hdr.msg_namelen,
	};
	return last;
}

/* @known: the session of the socket, NULL where the source of each packet tells it */
static void reflect(int fd, int n, struct session *known)
{
	size_t fill = 0;
	int count = 0;
	uint64_t t3;

	for (int i = 0; i < n; i++) {
		struct session *s = known;
		size_t octets = messages[i].msg_len;
		uint8_t ip[16];

		if (!s) {
			uint16_t port = take_peer(&sources[i], ip);

			s = find(ip, port);
			if (!s->peer_port) {
				continue;
			}
		}
		if (octets < YARD_SEND_MIN) {
			continue;
		}
		octets = yard_reply(out[i], in[i], octets, s->seq++,
				    yard_stamp(&messages[i].msg_hdr));
		add(&count, &fill, s, octets, i);
		memcpy(joined + fill, out[i], octets);
		fill += octets;
	}
	t3 = yard_now();
	for (int i = 0; i < count; i++) {
		struct run *r = &runs[i];
		uint8_t *at = r->vector.iov_base;

		for (size_t done = 0; done < r->vector.iov_len; done += r->octets) {
			yard_set_t3(at + done, t3);
		}
		if (r->vector.iov_len > r->octets) {
			yard_segment(&replies[i].msg_hdr, r->control, (uint16_t)r->octets);
		}
	}
	if (count) {
		(void)sendmmsg(fd, replies, (unsigned)count, 0);
	}
}

static void run_sockets(char **argv, unsigned n)
{
	unsigned port = yard_number(argv[3], 65535), peer_port = yard_number(argv[5], 65535);
	int epoll = epoll_create1(0);

	for (unsigned i = 0; i < n; i++) {
		struct session *s = &table[i];
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = s };

		s->fd = yard_socket(argv[2], port + i, true);
		yard_connect(s->fd, argv[4], peer_port + i);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &e)) {
			yard_die("epoll_ctl");
		}
	}
	for (;;) {
		struct epoll_event events[EVENTS];
		int ready = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < ready; i++) {
			struct session *s = events[i].data.ptr;
			int got = receive(s->fd, MSG_DONTWAIT, false);

			if (got > 0) {
				reflect(s->fd, got, s);
			}
		}
	}
}

static void run_shared(char **argv, unsigned n)
{
	unsigned peer_port = yard_number(argv[5], 65535);
	int fd = yard_socket(argv[2], yard_number(argv[3], 65535), true);

	for (unsigned i = 0; i < n; i++) {
		union yard_address a;
		uint8_t ip[16];
		struct session *s;
		uint16_t port;

		yard_address(&a, argv[4], peer_port + i);
		port = take_peer(&a, ip);
		s = find(ip, port);
		memcpy(s->peer_ip, ip, sizeof(ip));
		s->peer_port = port;
	}
	for (;;) {
		int got = receive(fd, MSG_WAITFORONE, true);

		if (got > 0) {
			reflect(fd, got, NULL);
		}
	}
}

int main(int argc, char **argv)
{
	struct rlimit files;
	size_t places = 64;
	unsigned n;

	if (argc != 7 || (strcmp(argv[1], "sockets") && strcmp(argv[1], "shared"))) {
		fprintf(stderr, "usage: yard-multi sockets|shared ADDRESS PORT PEER PEER-PORT N\n");
		return 2;
	}
	n = yard_number(argv[6], SESSIONS_MAX);
	while (places < n * 2) {
		places *= 2;
	}
	mask = places - 1;
	table = calloc(places, sizeof(*table));
	if (!table) {
		yard_die("memory");
	}
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	for (int i = 0; i < YARD_BATCH; i++) {
		vectors[i] = (struct iovec){ in[i], YARD_OCTETS };
		messages[i].msg_hdr.msg_iov = &vectors[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_control = control[i];
	}
	if (!strcmp(argv[1], "shared")) {
		run_shared(argv, n);
	}
	run_sockets(argv, n);
}
