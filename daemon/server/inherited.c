// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/inherited.h"

#include "base/device.h"
#include "base/endpoint.h"
#include "base/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define KNOCKS_MAX 100000 /* who is faster than that is not waited for */

static bool option_is(int fd, int name, int wanted)
{
	int value;
	socklen_t len = sizeof value;

	return !getsockopt(fd, SOL_SOCKET, name, &value, &len) && value == wanted;
}

/* The names that a service manager gives when none was said: the unit's, or "unknown". */
static bool is_default_name(const char *name)
{
	size_t len = strlen(name);

	return !strcmp(name, "unknown") || (len > 7 && !strcmp(name + len - 7, ".socket"));
}

/* A socket without a name of its own is what its type says. */
static bool is_light(int fd, const char *name)
{
	return !strcmp(name, INHERITED_LIGHT) ||
	       (is_default_name(name) && option_is(fd, SO_PROTOCOL, IPPROTO_UDP));
}

static const char *find_control_fault(int fd)
{
	if (!option_is(fd, SO_PROTOCOL, IPPROTO_TCP)) {
		return "it is not a TCP socket (ListenStream=)";
	}
	if (!option_is(fd, SO_ACCEPTCONN, 1)) {
		return "it does not listen (Accept= must be no)";
	}
	return NULL;
}

/* One that takes IPv4 as well gives no IPv4 addresses, and it is too late to forbid it that. */
static bool is_of_both_families(int fd, const struct sockaddr_in6 *at)
{
	int only = 1;
	socklen_t len = sizeof only;

	return at->sin6_family == AF_INET6 &&
	       !getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) && !only &&
	       (IN6_IS_ADDR_UNSPECIFIED(&at->sin6_addr) || IN6_IS_ADDR_V4MAPPED(&at->sin6_addr));
}

static const char *find_light_fault(int fd)
{
	struct sockaddr_in6 at = { 0 }, peer; /* the port is in the same place for IPv4 */
	socklen_t len = sizeof at, peer_len = sizeof peer;

	if (!option_is(fd, SO_PROTOCOL, IPPROTO_UDP)) {
		return "it is not a UDP socket (ListenDatagram=)";
	}
	if (getsockname(fd, (struct sockaddr *)&at, &len) < 0 || !at.sin6_port) {
		return "it is not bound to a port";
	}
	if (!getpeername(fd, (struct sockaddr *)&peer, &peer_len)) {
		return "it is connected to a peer";
	}
	return is_of_both_families(fd, &at)
		       ? "it serves both families (BindIPv6Only= must be ipv6-only)"
		       : NULL;
}

static const char *find_admin_fault(int fd)
{
	if (!option_is(fd, SO_DOMAIN, AF_UNIX) || !option_is(fd, SO_TYPE, SOCK_STREAM)) {
		return "it is not a Unix stream socket (ListenStream= with a path)";
	}
	return option_is(fd, SO_ACCEPTCONN, 1) ? NULL : "it does not listen (Accept= must be no)";
}

/* What is wrong with it, or NULL. */
static const char *find_fault(int fd, const char *name)
{
	if (strcmp(name, INHERITED_CONTROL) != 0 && strcmp(name, INHERITED_LIGHT) != 0 &&
	    strcmp(name, INHERITED_ADMIN) != 0 && !is_default_name(name)) {
		return "its name is unknown here, expected: \"" INHERITED_CONTROL
		       "\", \"" INHERITED_LIGHT "\" or \"" INHERITED_ADMIN
		       "\" (FileDescriptorName=)";
	}
	if (!strcmp(name, INHERITED_ADMIN)) {
		return find_admin_fault(fd);
	}
	if (!option_is(fd, SO_DOMAIN, AF_INET) && !option_is(fd, SO_DOMAIN, AF_INET6)) {
		return "it is not a socket of IPv4 or IPv6";
	}
	return is_light(fd, name) ? find_light_fault(fd) : find_control_fault(fd);
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

static int take_one(struct inherited *p, int fd, const char *name, char *why, size_t size)
{
	bool light = is_light(fd, name), admin = !strcmp(name, INHERITED_ADMIN);
	size_t *n = light ? &p->n_light : &p->n_control;
	const char *fault = (admin ? p->admin >= 0 : *n == INHERITED_MAX)
				    ? "there are too many of its kind"
				    : find_fault(fd, name);
	int rc = fault ? -EINVAL : prepare(fd);

	if (rc < 0) {
		snprintf(why, size, "descriptor %d \"%s\" of the service manager: %s", fd, name,
			 fault ? fault : strerror(-rc));
		return rc;
	}
	if (admin) {
		p->admin = fd;
	} else {
		(light ? p->light : p->control)[(*n)++] = fd;
	}
	return 0;
}

/* Without memory it is closed. */
static void keep(struct inherited *p, int fd, bool port)
{
	if (p->n_left == p->room) {
		size_t room = p->room ? 2 * p->room : 256;
		struct inherited_socket *more = realloc(p->left, room * sizeof *more);

		if (!more) {
			close(fd);
			return;
		}
		p->left = more;
		p->room = room;
	}
	p->left[p->n_left++] = (struct inherited_socket){
		.cookie = sock_cookie(fd),
		.fd = fd,
		.port = port,
	};
}

static void take_fd(struct inherited *p, char kind, size_t i, int fd)
{
	if (kind != INHERITED_LOT_KEPT) {
		keep(p, fd, kind == INHERITED_LOT_ADDRESS);
	} else if (i == 0 && p->kept.settings < 0) {
		p->kept.settings = fd;
	} else if (i == 1 && p->kept.keys < 0) {
		p->kept.keys = fd;
	} else {
		close(fd);
	}
}

/* One lot. False at the end. */
static bool receive(struct inherited *p, int from, int flags)
{
	char kind = 0;
	struct iovec octet = { &kind, 1 };
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(INHERITED_LOT_MAX * sizeof(int))];
	} control;
	struct msghdr m = { .msg_iov = &octet,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof control };
	ssize_t n = recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | flags);

	if (n <= 0) {
		return n < 0 && errno == EINTR;
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		bool rights = c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS;
		size_t fds = rights ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

		for (size_t i = 0; i < fds; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			take_fd(p, kind, i, fd);
		}
	}
	return true;
}

/* Of the process before. What nobody asks for is closed in the end. */
static bool take_left(struct inherited *p, int fd, const char *name)
{
	int from = 0, flags;

	if (!strcmp(name, INHERITED_STATE)) {
		if (p->state >= 0) {
			close(p->state);
		}
		p->state = fd;
		return true;
	}
	if (strcmp(name, INHERITED_SOCKETS) != 0) {
		return false;
	}
	/* Looked at, not taken out: they are there again should this process end too soon. */
	flags = setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &from, sizeof from) ? 0 : MSG_PEEK;
	while (receive(p, fd, flags)) {
		;
	}
	close(fd);
	p->any_left = true;
	return true;
}

static int by_cookie(const void *a, const void *b)
{
	const struct inherited_socket *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

/* What the service manager passed again is not needed twice. */
static void drop_copies(struct inherited *p, const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t cookie = sock_cookie(fds[i]);

		for (size_t k = 0; k < p->n_left; k++) {
			p->left[k].given |= p->left[k].cookie == cookie;
		}
	}
}

static int take_all(struct inherited *p, int n, char **names, char *why, size_t size)
{
	int rc = 0;

	for (int i = 0; i < n && !rc; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (!take_left(p, fd, names[i])) {
			rc = take_one(p, fd, names[i], why, size);
		}
	}
	if (p->n_left) {
		qsort(p->left, p->n_left, sizeof *p->left, by_cookie);
	}
	drop_copies(p, p->control, p->n_control);
	drop_copies(p, p->light, p->n_light);
	return rc;
}

int inherited_take(struct inherited *p, char *why, size_t size)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), rc = n < 0 ? n : 0;

	*p = (struct inherited){ .state = -1, .admin = -1, .kept = KEPT_NONE };
	if (n < 0) {
		snprintf(why, size, "cannot take the sockets of the service manager: %s",
			 strerror(-n));
	} else if (n > 0) {
		rc = take_all(p, n, names, why, size);
	}
	for (char **name = names; name && *name; name++) {
		free(*name);
	}
	free(names);
	return rc;
}

static bool is_port(const struct inherited_socket *s, int type)
{
	return s->port && !s->given && option_is(s->fd, SO_TYPE, type);
}

void inherited_free(struct inherited *p)
{
	for (size_t i = 0; i < p->n_left; i++) {
		if (p->left[i].fd >= 0) {
			close(p->left[i].fd);
		}
	}
	if (p->state >= 0) {
		close(p->state);
	}
	kept_close(&p->kept);
	free(p->left);
	p->left = NULL;
	p->n_left = p->room = 0;
	p->state = -1;
}

/* One that is connected gets nothing from anybody else: packets go to the socket that has its
 * port now, although the service manager holds this one open for a moment. */
static void mute(int fd)
{
	struct sockaddr_storage self;
	socklen_t len = sizeof self;

	if (!getsockname(fd, (struct sockaddr *)&self, &len)) {
		(void)connect(fd, (struct sockaddr *)&self, len);
	}
}

void inherited_retire(struct inherited *p)
{
	for (size_t i = 0; i < p->n_left; i++) {
		if (is_port(&p->left[i], SOCK_DGRAM)) {
			mute(p->left[i].fd);
		}
	}
	inherited_free(p);
}

int inherited_socket(struct inherited *p, uint64_t cookie)
{
	struct inherited_socket wanted = { .cookie = cookie }, *s = NULL;
	int fd;

	if (cookie && p->n_left) {
		s = bsearch(&wanted, p->left, p->n_left, sizeof *s, by_cookie);
	}
	if (!s || s->port) {
		return -1;
	}
	fd = s->fd;
	s->fd = -1;
	return fd;
}

static int give(struct inherited_socket *s)
{
	s->given = true;
	return fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
}

int inherited_listener(struct inherited *p)
{
	for (size_t i = 0; i < p->n_left; i++) {
		struct inherited_socket *s = &p->left[i];

		if (is_port(s, SOCK_STREAM)) {
			return give(s);
		}
	}
	return -1;
}

int inherited_udp(struct inherited *p, const struct address *bound, uint32_t device)
{
	int none = -1;

	for (size_t i = 0; i < p->n_left; i++) {
		struct inherited_socket *s = &p->left[i];
		struct address at;
		int fd = s->fd;

		if (!is_port(s, SOCK_DGRAM) || endpoint_bound(fd, &at) || at.port != bound->port) {
			continue;
		}
		if (address_same_port(&at, bound) && device_of(fd) == device) {
			return give(s);
		}
		none = -EEXIST;
	}
	return none;
}

void inherited_again(struct inherited *p)
{
	for (size_t i = 0; i < p->n_left; i++) {
		p->left[i].given = false;
	}
	drop_copies(p, p->control, p->n_control);
	drop_copies(p, p->light, p->n_light);
}

bool inherited_turn_away(int n)
{
	int knocks = 0;

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
		bool udp = option_is(fd, SO_PROTOCOL, IPPROTO_UDP);
		int got;

		if ((!udp && !option_is(fd, SO_ACCEPTCONN, 1)) || prepare(fd) < 0) {
			continue;
		}
		do {
			char octet;

			got = udp ? (int)recv(fd, &octet, 1, 0)
				  : accept4(fd, NULL, NULL, SOCK_CLOEXEC);
			if (got >= 0 && !udp) {
				close(got);
			}
			knocks += got >= 0;
		} while (got >= 0 && knocks < KNOCKS_MAX);
	}
	return knocks;
}
