// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/responder_sock.h"

#include "base/clock.h"
#include "base/sockopt.h"
#include "protocol/pkt.h"

#include <errno.h>
#include <netinet/ip.h>
#include <sys/uio.h>
#include <unistd.h>

#define CONTROL_LEN 256

union control {
	struct cmsghdr align;
	uint8_t octets[CONTROL_LEN];
};

/* T-047 TTL 255; T-027 fragments rather than silence. */
static int ask(int fd, int family)
{
	int level = family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
	const int v4[][2] = { { IP_TTL, 255 },
			      { IP_MTU_DISCOVER, IP_PMTUDISC_DONT },
			      { IP_RECVTTL, 1 },
			      { IP_RECVTOS, 1 },
			      { IP_PKTINFO, 1 } };
	const int v6[][2] = { { IPV6_V6ONLY, 1 },
			      { IPV6_UNICAST_HOPS, 255 },
			      { IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT },
			      { IPV6_RECVHOPLIMIT, 1 },
			      { IPV6_RECVTCLASS, 1 },
			      { IPV6_RECVPKTINFO, 1 } };
	size_t n = family == AF_INET6 ? sizeof(v6) / sizeof(v6[0]) : sizeof(v4) / sizeof(v4[0]);
	int error = 0;

	for (size_t i = 0; i < n && !error; i++) {
		const int *pair = family == AF_INET6 ? v6[i] : v4[i];

		error = sockopt_set(fd, level, pair[0], pair[1]);
	}
	(void)sockopt_set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	return error;
}

int responder_sock_open(const union endpoint *local)
{
	int fd = socket(local->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0) {
		return -errno;
	}
	error = ask(fd, local->any.sa_family);
	if (!error && bind(fd, &local->any, endpoint_len(local)) < 0) {
		error = -errno;
	}
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

/* IP_TOS comes as one octet, the others as int. */
static uint8_t read_octet(const struct cmsghdr *c)
{
	int value;

	if (c->cmsg_len < CMSG_LEN(sizeof(value))) {
		return *CMSG_DATA(c);
	}
	memcpy(&value, CMSG_DATA(c), sizeof(value));
	return (uint8_t)value;
}

static void read_v4(const struct cmsghdr *c, struct responder_packet *p)
{
	struct in_pktinfo info;

	switch (c->cmsg_type) {
	case IP_TTL:
		p->ttl = read_octet(c);
		break;
	case IP_TOS:
		p->tos = read_octet(c);
		break;
	case IP_PKTINFO:
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(p->local.ip, &info.ipi_addr, sizeof(info.ipi_addr));
		/* for broadcast and multicast the kernel offers another one for replies */
		p->unicast = info.ipi_addr.s_addr == info.ipi_spec_dst.s_addr;
		break;
	default:
		break;
	}
}

static void read_v6(const struct cmsghdr *c, struct responder_packet *p)
{
	struct in6_pktinfo info;

	switch (c->cmsg_type) {
	case IPV6_HOPLIMIT:
		p->ttl = read_octet(c);
		break;
	case IPV6_TCLASS:
		p->tos = read_octet(c);
		break;
	case IPV6_PKTINFO:
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(p->local.ip, &info.ipi6_addr, sizeof(info.ipi6_addr));
		p->local.link = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
		p->unicast = !IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
		break;
	default:
		break;
	}
}

static void read_control(struct msghdr *m, struct responder_packet *p)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP) {
			read_v4(c, p);
		} else if (c->cmsg_level == IPPROTO_IPV6) {
			read_v6(c, p);
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec t;

			memcpy(&t, CMSG_DATA(c), sizeof(t));
			p->t2.ns = (int64_t)t.tv_sec * TS_NS_PER_S + t.tv_nsec;
		}
	}
}

int responder_sock_receive(int fd, uint8_t *to, size_t size, struct responder_packet *p)
{
	union control control;
	struct iovec v = { .iov_base = to, .iov_len = size };
	struct msghdr m = { .msg_name = &p->from,
			    .msg_namelen = sizeof(p->from),
			    .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n;

	memset(p, 0, sizeof(*p));
	p->ttl = PKT_TTL_UNKNOWN;
	n = recvmsg(fd, &m, 0);
	if (n < 0) {
		return -errno;
	}
	p->octets = (size_t)n;
	read_control(&m, p);
	if (!p->t2.ns) {
		p->t2 = clock_wall();
	}
	return 0;
}

static void append(struct msghdr *m, int level, int type, const void *data, size_t n)
{
	struct cmsghdr *c = (void *)((uint8_t *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	memcpy(CMSG_DATA(c), data, n);
	m->msg_controllen += CMSG_SPACE(n);
}

int responder_sock_send(int fd, const struct responder_packet *p, const uint8_t *from, size_t n)
{
	union control control = { .octets = { 0 } };
	union endpoint to = p->from;
	struct iovec v = { .iov_base = (void *)from, .iov_len = n };
	struct msghdr m = { .msg_name = &to,
			    .msg_namelen = endpoint_len(&to),
			    .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &control };
	int tos = p->tos & 0xfc; /* its DSCP, and no ECN */

	if (to.any.sa_family == AF_INET6) {
		struct in6_pktinfo info = { .ipi6_ifindex = p->local.link };

		memcpy(&info.ipi6_addr, p->local.ip, sizeof(info.ipi6_addr));
		append(&m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
		append(&m, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
	} else {
		struct in_pktinfo info = { 0 };

		memcpy(&info.ipi_spec_dst, p->local.ip, sizeof(info.ipi_spec_dst));
		append(&m, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
		append(&m, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	}
	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
