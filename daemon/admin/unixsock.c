// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/unixsock.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MODE 0660

/* A file that a process left which was killed. */
static bool is_stale(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool stale = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) < 0 &&
		     errno == ECONNREFUSED;

	if (fd >= 0) {
		close(fd);
	}
	return stale;
}

/* Until its mode is right nobody but the daemon's user gets in: the socket does not listen yet. */
static int open_at(int fd, const struct sockaddr_un *at, int backlog)
{
	if (bind(fd, (const struct sockaddr *)at, sizeof *at) < 0) {
		return -errno;
	}
	if (chmod(at->sun_path, MODE) < 0 || listen(fd, backlog) < 0) {
		int error = -errno;

		(void)unlink(at->sun_path);
		return error;
	}
	return 0;
}

int unixsock_listen(const char *path, int backlog)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof at.sun_path) {
		return -ENAMETOOLONG;
	}
	strcpy(at.sun_path, path); /* NOLINT: it fits */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	rc = open_at(fd, &at, backlog);
	if (rc == -EADDRINUSE && is_stale(&at) && !unlink(path)) {
		rc = open_at(fd, &at, backlog);
	}
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}
