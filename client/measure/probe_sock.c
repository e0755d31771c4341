// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/probe_sock.h"

#include "base/sockopt.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sock_diag.h>
#include <netinet/ip.h>
#include <string.h>

/* 0.1 s of the smallest replies at 100,000 packets/s: the kernel takes 768 octets for one. */
#define RCVBUF (8 << 20)

int probe_sock_set(int fd, const struct plan *plan, int family)
{
	bool v6 = family == AF_INET6;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	const int options[][2] = {
		{ v6 ? IPV6_UNICAST_HOPS : IP_TTL, plan->ttl },
		{ v6 ? IPV6_TCLASS : IP_TOS, plan->dscp << 2 }, /* ECN: Not-ECT */
		{ v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, 1 },
		{ v6 ? IPV6_RECVTCLASS : IP_RECVTOS, 1 },
	};

	(void)sockopt_set(fd, level, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
			  v6 ? IPV6_PMTUDISC_DONT : IP_PMTUDISC_DONT);
	if (sockopt_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF) < 0) {
		(void)sockopt_set(fd, SOL_SOCKET, SO_RCVBUF,
				  RCVBUF); /* as much as rmem_max allows */
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		int r = sockopt_set(fd, level, options[i][0], options[i][1]);

		if (r < 0) {
			return r;
		}
	}
	return 0;
}

bool probe_sock_stamp(int fd, bool departures)
{
	int receive = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	int both = receive | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
		   SOF_TIMESTAMPING_OPT_TSONLY;

	/* Numbers begin at 0 when OPT_ID is newly set. */
	(void)sockopt_set(fd, SOL_SOCKET, SO_TIMESTAMPING, receive);
	return departures && sockopt_set(fd, SOL_SOCKET, SO_TIMESTAMPING, both) == 0;
}

static void read_stamp(const struct cmsghdr *c, struct probe_sock_meta *out)
{
	struct scm_timestamping t;

	memcpy(&t, CMSG_DATA(c), sizeof(t));
	out->stamp.ns = (int64_t)t.ts[0].tv_sec * TS_NS_PER_S + t.ts[0].tv_nsec;
	out->stamped = out->stamp.ns != 0;
}

static void read_error(const struct cmsghdr *c, struct probe_sock_meta *out)
{
	struct sock_extended_err e;

	memcpy(&e, CMSG_DATA(c), sizeof(e));
	out->departure = e.ee_errno == ENOMSG && e.ee_origin == SO_EE_ORIGIN_TIMESTAMPING;
	out->number = e.ee_data;
}

static bool is(const struct cmsghdr *c, int level, int type, size_t octets)
{
	return c->cmsg_level == level && c->cmsg_type == type && c->cmsg_len >= CMSG_LEN(octets);
}

void probe_sock_meta(struct msghdr *m, struct probe_sock_meta *out)
{
	*out = (struct probe_sock_meta){ .ttl = -1, .tos = -1 };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (is(c, IPPROTO_IP, IP_TTL, sizeof(int)) ||
		    is(c, IPPROTO_IPV6, IPV6_HOPLIMIT, sizeof(int))) {
			memcpy(&out->ttl, CMSG_DATA(c), sizeof(out->ttl));
		} else if (is(c, IPPROTO_IPV6, IPV6_TCLASS, sizeof(int))) {
			memcpy(&out->tos, CMSG_DATA(c), sizeof(out->tos));
		} else if (is(c, IPPROTO_IP, IP_TOS, sizeof(uint8_t))) { /* one octet */
			out->tos = *CMSG_DATA(c);
		} else if (is(c, SOL_SOCKET, SCM_TIMESTAMPING, sizeof(struct scm_timestamping))) {
			read_stamp(c, out);
		} else if (is(c, IPPROTO_IP, IP_RECVERR, sizeof(struct sock_extended_err)) ||
			   is(c, IPPROTO_IPV6, IPV6_RECVERR, sizeof(struct sock_extended_err))) {
			read_error(c, out);
		}
	}
}

uint64_t probe_sock_drops(int fd)
{
	uint32_t values[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(values);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &len) < 0) {
		return 0;
	}
	return values[SK_MEMINFO_DROPS];
}
