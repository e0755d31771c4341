// SPDX-License-Identifier: BSD-2-Clause
/* Options of sockets that are a number. */
#pragma once

#include <errno.h>
#include <sys/socket.h>

/** Return 0 or negative errno. */
static inline int sockopt_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

/** Return 0 or negative errno. */
static inline int sockopt_get(int fd, int level, int name, int *value)
{
	socklen_t len = sizeof(*value);

	return getsockopt(fd, level, name, value, &len) ? -errno : 0;
}
