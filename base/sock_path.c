// SPDX-License-Identifier: BSD-2-Clause
#include "base/sock.h"

#include <netinet/in.h>

uint32_t sock_unfragmented(int fd)
{
	int family = 0, mtu = 0, headers;
	socklen_t len = sizeof(family);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len)) {
		return 0;
	}
	headers = family == AF_INET ? 20 + 8 : 40 + 8;
	len = sizeof(mtu);
	if (family == AF_INET ? getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &len)
			      : getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &len)) {
		return 0;
	}
	return mtu > headers ? (uint32_t)(mtu - headers) : 0;
}
