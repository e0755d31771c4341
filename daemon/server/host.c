// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/host.h"

#include "daemon/reflector/sock.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

bool host_has(const struct address *a)
{
	struct ifaddrs *all, *i;
	bool found = a->family == 4 && a->ip[0] == 127;

	if (found || getifaddrs(&all) < 0) {
		return found;
	}
	for (i = all; i && !found; i = i->ifa_next) {
		struct sockaddr_storage ss = { 0 };
		struct address have;

		if (!i->ifa_addr ||
		    (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6)) {
			continue;
		}
		memcpy(&ss, i->ifa_addr,
		       i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
							 : sizeof(struct sockaddr_in6));
		have = sock_address(&ss);
		found = address_same_host(a, &have);
	}
	freeifaddrs(all);
	return found;
}

void host_ipv4(uint8_t out[static 4])
{
	struct ifaddrs *all, *i;

	memset(out, 0, 4);
	if (getifaddrs(&all) < 0) {
		return;
	}
	for (i = all; i; i = i->ifa_next) {
		struct sockaddr_in v4;

		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET) {
			continue;
		}
		memcpy(&v4, i->ifa_addr, sizeof v4);
		if (ntohl(v4.sin_addr.s_addr) >> 24 != 127) {
			memcpy(out, &v4.sin_addr, 4);
			break;
		}
	}
	freeifaddrs(all);
}

/* answer with the DSCP of the client's SYN. A socket of both families has IPv4, too. */
static void copy_dscp(int fd)
{
	uint8_t syn[256];
	socklen_t len = sizeof syn;
	int tos;

	if (getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len) < 0 ||
	    len < sizeof(struct iphdr)) {
		return;
	}
	if (syn[0] >> 4 == 4) {
		tos = syn[1] & 0xfc;
	} else {
		tos = (syn[0] << 4 | syn[1] >> 4) & 0xfc;
	}
	if (!tos) {
		return;
	}
	if (syn[0] >> 4 == 4) {
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
	} else {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
	}
}

void host_tune_tcp(int fd)
{
	int on = 1, idle = 60, interval = 15, tries = 4;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
	copy_dscp(fd);
}
