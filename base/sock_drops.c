// SPDX-License-Identifier: BSD-2-Clause
#include "base/sock.h"

#include <linux/sock_diag.h>
#include <stdlib.h>

bool sock_read_drops(int fd, uint32_t *now)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len)) {
		return false;
	}
	*now = info[SK_MEMINFO_DROPS];
	return true;
}

uint32_t sock_new_drops(uint32_t *seen, uint32_t now)
{
	uint32_t more = now - *seen;

	if (more > INT32_MAX) {
		return 0;
	}
	*seen = now;
	return more;
}

uint64_t sock_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof cookie;

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) ? 0 : cookie;
}
