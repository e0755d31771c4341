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
	if (sockopt_set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF)) {
		(void)sockopt_set(fd, SOL_SOCKET, SO_RCVBUF, RCVBUF); /* as rmem_max allows */
	}
	return sock_set(fd, family, plan->ttl, (uint8_t)(plan->dscp << 2),
			SOCK_TELL_TOS); /* ECN: Not-ECT */
}

bool probe_sock_stamp(int fd, bool departures)
{
	int receive = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	int both = receive | SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_OPT_ID |
		   SOF_TIMESTAMPING_OPT_TSONLY;

	/* Numbers begin at 0 when OPT_ID is newly set. */
	(void)sock_ask_stamps(fd);
	return departures && sockopt_set(fd, SOL_SOCKET, SO_TIMESTAMPING, both) == 0;
}

/* Of the error queue: which packet left. */
static bool is_departure(const struct cmsghdr *c, uint32_t *number)
{
	struct sock_extended_err e;

	if ((c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) &&
	    (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR)) {
		return false;
	}
	if (c->cmsg_len < CMSG_LEN(sizeof(e))) {
		return false;
	}
	memcpy(&e, CMSG_DATA(c), sizeof(e));
	*number = e.ee_data;
	return e.ee_errno == ENOMSG && e.ee_origin == SO_EE_ORIGIN_TIMESTAMPING;
}

bool probe_sock_departure(struct msghdr *m, uint32_t *number, struct wall *at)
{
	struct sock_meta meta;
	bool found = false;

	sock_meta(m, &meta);
	*at = meta.stamp;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c && !found; c = CMSG_NXTHDR(m, c)) {
		found = is_departure(c, number);
	}
	return found && meta.stamped;
}
