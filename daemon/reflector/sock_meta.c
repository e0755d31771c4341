// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/sock.h"

#include "protocol/pkt.h"

#include <linux/net_tstamp.h>
#include <netinet/in.h>

static void take_octet(const struct cmsghdr *c, uint8_t *out)
{
	int value;

	/* IP_TOS comes as one octet, the others as int */
	if (c->cmsg_len >= CMSG_LEN(sizeof(value))) {
		memcpy(&value, CMSG_DATA(c), sizeof(value));
		*out = (uint8_t)value;
	} else if (c->cmsg_len >= CMSG_LEN(1)) {
		*out = *CMSG_DATA(c);
	}
}

static void take_stamp(const struct cmsghdr *c, struct sock_meta *out)
{
	struct timespec t[3]; /* software, unused, hardware */

	if (c->cmsg_len < CMSG_LEN(sizeof(t))) {
		return;
	}
	memcpy(t, CMSG_DATA(c), sizeof(t));
	if (t[0].tv_sec || t[0].tv_nsec) {
		out->stamp.ns = (int64_t)t[0].tv_sec * TS_NS_PER_S + t[0].tv_nsec;
		out->stamped = true;
	}
	/* a card's clock may show anything */
	if (t[2].tv_sec >= 0 && t[2].tv_sec < INT64_MAX / TS_NS_PER_S / 2 && t[2].tv_nsec >= 0 &&
	    t[2].tv_nsec < TS_NS_PER_S) {
		out->hardware_ns = (int64_t)t[2].tv_sec * TS_NS_PER_S + t[2].tv_nsec;
	}
}

static void take_link(const struct cmsghdr *c, struct sock_meta *out)
{
	struct scm_ts_pktinfo info;

	if (c->cmsg_len >= CMSG_LEN(sizeof(info))) {
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		out->link = info.if_index;
	}
}

void sock_meta(struct msghdr *m, struct sock_meta *out)
{
	*out = (struct sock_meta){ .ttl = PKT_TTL_UNKNOWN };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
			take_stamp(c, out);
		} else if (c->cmsg_level == SOL_SOCKET &&
			   c->cmsg_type == SCM_TIMESTAMPING_PKTINFO) {
			take_link(c, out);
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
			take_octet(c, &out->ttl);
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)) {
			take_octet(c, &out->tos);
		}
	}
}
