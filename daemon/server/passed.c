// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/passed.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

static bool option_is(int fd, int name, int wanted)
{
	int value;
	socklen_t len = sizeof value;

	return !getsockopt(fd, SOL_SOCKET, name, &value, &len) && value == wanted;
}

/* The names that a service manager gives when none was said: the unit's, or "unknown". */
static bool is_control_name(const char *name)
{
	size_t len = strlen(name);

	return !strcmp(name, PASSED_CONTROL) || !strcmp(name, "unknown") ||
	       (len > 7 && !strcmp(name + len - 7, ".socket"));
}

/* What is wrong with it, or NULL. */
static const char *find_fault(int fd, const char *name)
{
	if (!is_control_name(name)) {
		return "its name is unknown here, expected: \"" PASSED_CONTROL
		       "\" (FileDescriptorName=)";
	}
	if (!option_is(fd, SO_DOMAIN, AF_INET) && !option_is(fd, SO_DOMAIN, AF_INET6)) {
		return "it is not a socket of IPv4 or IPv6";
	}
	if (!option_is(fd, SO_PROTOCOL, IPPROTO_TCP)) {
		return "it is not a TCP socket (ListenStream=)";
	}
	if (!option_is(fd, SO_ACCEPTCONN, 1)) {
		return "it does not listen (Accept= must be no)";
	}
	return NULL;
}

static int prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL), on = 1;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		return -errno;
	}
	/* For R-010; harmless where it is not known. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_SAVE_SYN, &on, sizeof on);
	return 0;
}

static int take_one(struct passed *p, int fd, const char *name, char *why, size_t size)
{
	const char *fault = find_fault(fd, name);
	int rc = fault ? -EINVAL : prepare(fd);

	if (rc < 0) {
		snprintf(why, size, "descriptor %d \"%s\" of the service manager: %s", fd, name,
			 fault ? fault : strerror(-rc));
		return rc;
	}
	p->control[p->n_control++] = fd;
	return 0;
}

int passed_take(struct passed *p, char *why, size_t size)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), rc = n < 0 ? n : 0;

	p->n_control = 0;
	if (n < 0) {
		snprintf(why, size, "cannot take the sockets of the service manager: %s",
			 strerror(-n));
	} else if (n > PASSED_MAX) {
		snprintf(why, size, "the service manager passed %d sockets, at most %d are taken",
			 n, PASSED_MAX);
		rc = -E2BIG;
	}
	for (int i = 0; i < n && !rc; i++) {
		rc = take_one(p, SD_LISTEN_FDS_START + i, names[i], why, size);
	}
	for (char **name = names; name && *name; name++) {
		free(*name);
	}
	free(names);
	return rc;
}
