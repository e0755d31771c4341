// SPDX-License-Identifier: BSD-2-Clause
#include "base/sock.h"

#include "protocol/pkt.h"
#include "protocol/tlvreply.h"

#include <linux/net_tstamp.h>
#include <netinet/in.h>

static bool take_octet(const struct cmsghdr *c, uint8_t *out)
{
	int value;

	/* IP_TOS comes as one octet, the others as int */
	if (c->cmsg_len >= CMSG_LEN(sizeof(value))) {
		memcpy(&value, CMSG_DATA(c), sizeof(value));
		*out = (uint8_t)value;
		return true;
	}
	if (c->cmsg_len >= CMSG_LEN(1)) {
		*out = *CMSG_DATA(c);
		return true;
	}
	return false;
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

/* For broadcast and multicast the kernel offers another address for replies. */
static void take_local_v4(const struct cmsghdr *c, struct sock_meta *out)
{
	struct in_pktinfo info;

	if (c->cmsg_len >= CMSG_LEN(sizeof(info))) {
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(out->local, &info.ipi_addr, sizeof(info.ipi_addr));
		out->unicast = info.ipi_addr.s_addr == info.ipi_spec_dst.s_addr;
		out->arrival = (uint32_t)info.ipi_ifindex;
		out->family = 4;
	}
}

static void take_local_v6(const struct cmsghdr *c, struct sock_meta *out)
{
	struct in6_pktinfo info;

	if (c->cmsg_len >= CMSG_LEN(sizeof(info))) {
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		memcpy(out->local, &info.ipi6_addr, sizeof(info.ipi6_addr));
		out->unicast = !IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
		out->arrival = info.ipi6_ifindex;
		out->family = 6;
	}
}

static void take_v4(const struct cmsghdr *c, struct sock_meta *out)
{
	switch (c->cmsg_type) {
	case IP_TTL:
		out->has_ttl = take_octet(c, &out->ttl);
		break;
	case IP_TOS:
		out->has_tos = take_octet(c, &out->tos);
		break;
	case IP_PKTINFO:
		take_local_v4(c, out);
		break;
	default:
		break;
	}
}

static void take_v6(const struct cmsghdr *c, struct sock_meta *out)
{
	switch (c->cmsg_type) {
	case IPV6_HOPLIMIT:
		out->has_ttl = take_octet(c, &out->ttl);
		break;
	case IPV6_TCLASS:
		out->has_tos = take_octet(c, &out->tos);
		break;
	case IPV6_PKTINFO:
		take_local_v6(c, out);
		break;
	default:
		break;
	}
}

void sock_meta(struct msghdr *m, struct sock_meta *out)
{
	*out = (struct sock_meta){ .ttl = PKT_TTL_UNKNOWN };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP) {
			take_v4(c, out);
		} else if (c->cmsg_level == IPPROTO_IPV6) {
			take_v6(c, out);
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
			take_stamp(c, out);
		} else if (c->cmsg_level == SOL_SOCKET &&
			   c->cmsg_type == SCM_TIMESTAMPING_PKTINFO) {
			take_link(c, out);
		}
	}
}

/* To a link-local address there is a way only where the packet came from; else the route decides. */
static void append_source(struct msghdr *to, const struct sock_meta *meta)
{
	struct in_pktinfo v4 = { 0 };
	struct in6_pktinfo v6 = { 0 };

	if (meta->family == 4) {
		memcpy(&v4.ipi_spec_dst, meta->local, sizeof(v4.ipi_spec_dst));
		sock_append(to, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
		return;
	}
	memcpy(&v6.ipi6_addr, meta->local, sizeof(v6.ipi6_addr));
	if (IN6_IS_ADDR_LINKLOCAL(&v6.ipi6_addr)) {
		v6.ipi6_ifindex = meta->arrival;
	}
	sock_append(to, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
}

void sock_answer(struct sock_return *out, const struct msghdr *m, const struct sock_meta *meta,
		 uint8_t tos)
{
	int value = tos;

	out->to = (struct msghdr){ .msg_name = m->msg_name,
				   .msg_namelen = m->msg_namelen,
				   .msg_control = out->control };
	append_source(&out->to, meta);
	if (tos && meta->family == 4) { /* 0 is the socket's */
		sock_append(&out->to, IPPROTO_IP, IP_TOS, &value, sizeof(value));
	} else if (tos) {
		sock_append(&out->to, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof(value));
	}
}

/* The source is the first control message. */
static void set_source(struct msghdr *to, uint8_t family, const struct tlvreply *how,
		       uint32_t arrival)
{
	uint8_t *data = CMSG_DATA(CMSG_FIRSTHDR(to));
	struct in_pktinfo v4;
	struct in6_pktinfo v6;

	if (family == 4) {
		memcpy(&v4, data, sizeof(v4));
		v4.ipi_ifindex = how->same_link ? (int)arrival : v4.ipi_ifindex;
		if (how->from_set) {
			memcpy(&v4.ipi_spec_dst, how->from.ip, sizeof(v4.ipi_spec_dst));
		}
		memcpy(data, &v4, sizeof(v4));
		return;
	}
	memcpy(&v6, data, sizeof(v6));
	v6.ipi6_ifindex = how->same_link ? arrival : v6.ipi6_ifindex;
	if (how->from_set) {
		memcpy(&v6.ipi6_addr, how->from.ip, sizeof(v6.ipi6_addr));
	}
	memcpy(data, &v6, sizeof(v6));
}

void sock_answer_by(struct sock_return *out, const struct msghdr *m, const struct sock_meta *meta,
		    const struct tlvreply *how)
{
	struct sockaddr_in *v4 = (void *)&out->name;

	set_source(&out->to, meta->family, how, meta->arrival);
	if (!how->to_set) {
		return;
	}
	memcpy(&out->name, m->msg_name,
	       m->msg_namelen < sizeof(out->name) ? m->msg_namelen : sizeof(out->name));
	if (how->to.family == 4) {
		memcpy(&v4->sin_addr, how->to.ip, sizeof(v4->sin_addr));
	} else {
		memcpy(&out->name.sin6_addr, how->to.ip, sizeof(out->name.sin6_addr));
	}
	out->to.msg_name = &out->name;
}
