// SPDX-License-Identifier: BSD-2-Clause
#include "base/sock.h"

#include "base/endpoint.h"
#include "base/sockopt.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <unistd.h>

/* More small packets than any buffer holds: what arrives meanwhile does not make it endless. */
#define DRAIN_ALL 65536

int sock_make(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;

	if (fd < 0) {
		return -errno;
	}
	if (family == AF_INET6) {
		error = sockopt_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	}
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

int sock_tell_tos(int fd, int family, bool on)
{
	return family == AF_INET ? sockopt_set(fd, IPPROTO_IP, IP_RECVTOS, on)
				 : sockopt_set(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, on);
}

static int set_v4(int fd, uint8_t ttl, uint8_t tos, unsigned tell)
{
	int error = sockopt_set(fd, IPPROTO_IP, IP_TTL, ttl);

	error = error ? error : sockopt_set(fd, IPPROTO_IP, IP_TOS, tos);
	error = error ? error : sockopt_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	error = error ? error : sockopt_set(fd, IPPROTO_IP, IP_RECVTTL, 1);
	if (!error && tell & SOCK_TELL_TOS) {
		error = sock_tell_tos(fd, AF_INET, true);
	}
	if (!error && tell & SOCK_TELL_LOCAL) {
		error = sockopt_set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	}
	return error;
}

static int set_v6(int fd, uint8_t ttl, uint8_t tos, unsigned tell)
{
	int error = sockopt_set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);

	error = error ? error : sockopt_set(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
	error = error ? error
		      : sockopt_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
	error = error ? error : sockopt_set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	if (!error && tell & SOCK_TELL_TOS) {
		error = sock_tell_tos(fd, AF_INET6, true);
	}
	if (!error && tell & SOCK_TELL_LOCAL) {
		error = sockopt_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	}
	return error;
}

int sock_set(int fd, int family, uint8_t ttl, uint8_t tos, unsigned tell)
{
	return family == AF_INET6 ? set_v6(fd, ttl, tos, tell) : set_v4(fd, ttl, tos, tell);
}

int sock_bind(int fd, const struct address *local, uint16_t port)
{
	union endpoint e = endpoint_of(local);

	endpoint_set_port(&e, port);
	if (!bind(fd, &e.any, endpoint_len(&e))) {
		return 0;
	}
	return errno == EINVAL || errno == ENODEV ? -EADDRNOTAVAIL : -errno;
}

int sock_freebind(int fd, int family)
{
	return family == 4 ? sockopt_set(fd, IPPROTO_IP, IP_FREEBIND, 1)
			   : sockopt_set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
}

void sock_drain(int fd)
{
	for (int i = 0; i < DRAIN_ALL && recv(fd, NULL, 0, MSG_DONTWAIT | MSG_TRUNC) >= 0; i++) {
	}
}

/*
 * Not SO_TIMESTAMPNS: where the kernel took no stamp, that one makes one up at the time of
 * the read, and nobody can tell.
 */
bool sock_ask_stamps(int fd)
{
	return !sockopt_set(fd, SOL_SOCKET, SO_TIMESTAMPING,
			    SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
}

void sock_ask_hardware(int fd)
{
	(void)sockopt_set(fd, SOL_SOCKET, SO_TIMESTAMPING,
			  SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
				  SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE |
				  SOF_TIMESTAMPING_OPT_PKTINFO);
}

bool sock_is_stamped(int fd)
{
	int flags;

	return !sockopt_get(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags) &&
	       (flags & SOF_TIMESTAMPING_RX_SOFTWARE);
}
