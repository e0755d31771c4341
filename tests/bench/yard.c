// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bench/yard.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NTP_UNIX_OFFSET_S UINT64_C(2208988800)
#define ERROR_ESTIMATE 0x3fff

void yard_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

unsigned yard_number(const char *text, unsigned max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || n > max) {
		fprintf(stderr, "%s: a number up to %u expected\n", text, max);
		exit(2);
	}
	return (unsigned)n;
}

socklen_t yard_address(union yard_address *out, const char *text, unsigned port)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons((uint16_t)port);
		return sizeof(out->v4);
	}
	if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) != 1) {
		fprintf(stderr, "%s: not an address\n", text);
		exit(2);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons((uint16_t)port);
	return sizeof(out->v6);
}

int yard_socket(const char *address, unsigned port, bool stamps)
{
	union yard_address a;
	socklen_t len = yard_address(&a, address, port);
	int fd = socket(a.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	int octets = 2 << 20; /* the kernel doubles it */

	if (fd < 0 || bind(fd, &a.any, len)) {
		yard_die("socket");
	}
	if (stamps && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags))) {
		yard_die("SO_TIMESTAMPING");
	}
	/* As much as twampd asks for, or what waits for long is lost and not late. */
	if (stamps && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets))) {
		yard_die("SO_RCVBUFFORCE");
	}
	return fd;
}

void yard_connect(int fd, const char *address, unsigned port)
{
	union yard_address a;
	socklen_t len = yard_address(&a, address, port);

	if (connect(fd, &a.any, len)) {
		yard_die("connect");
	}
}

static uint64_t ntp(const struct timespec *t)
{
	uint64_t s = (uint64_t)t->tv_sec + NTP_UNIX_OFFSET_S;

	return s << 32 | ((uint64_t)t->tv_nsec << 32) / 1000000000;
}

uint64_t yard_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return ntp(&t);
}

uint64_t yard_stamp(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
			struct timespec t;

			memcpy(&t, CMSG_DATA(c), sizeof(t));
			return t.tv_sec ? ntp(&t) : 0;
		}
	}
	return 0;
}

static void put64(uint8_t *at, uint64_t v)
{
	v = htobe64(v);
	memcpy(at, &v, sizeof(v));
}

size_t yard_reply(uint8_t *out, const uint8_t *in, size_t n, uint32_t seq, uint64_t t2)
{
	uint32_t seq_be = htobe32(seq);
	uint16_t ee_be = htobe16(ERROR_ESTIMATE);

	memcpy(out, &seq_be, 4);
	memcpy(out + 12, &ee_be, 2);
	memset(out + 14, 0, 2);
	put64(out + 16, t2);
	memcpy(out + 24, in, YARD_SEND_MIN);
	memset(out + 38, 0, 2);
	out[40] = 255;
	if (n <= YARD_REPLY_MIN) {
		return YARD_REPLY_MIN;
	}
	memcpy(out + YARD_REPLY_MIN, in + YARD_SEND_MIN, n - YARD_REPLY_MIN);
	return n;
}

void yard_set_t3(uint8_t *out, uint64_t t3)
{
	put64(out + 4, t3);
}

void yard_segment(struct msghdr *m, uint8_t *control, uint16_t octets)
{
	struct cmsghdr *c;

	m->msg_control = control;
	m->msg_controllen = CMSG_SPACE(sizeof(octets));
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = IPPROTO_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(octets));
	memcpy(CMSG_DATA(c), &octets, sizeof(octets));
}
