// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/parcel.h"

#include "daemon/reflector/light.h"
#include "daemon/server/conn.h"
#include "daemon/server/conns.h"
#include "daemon/server/inherited.h"
#include "daemon/server/listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct lot {
	int to; /* a Unix stream */
	char kind;
	unsigned n;
	int fds[INHERITED_LOT_MAX];
	int error; /* the first */
};

static void flush(struct lot *l)
{
	struct iovec octet = { &l->kind, 1 };
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof l->fds)];
	} control = { .octets = { 0 } };
	struct msghdr m = { .msg_iov = &octet,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = CMSG_SPACE(l->n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (!l->n || l->error) {
		return;
	}
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(l->n * sizeof(int));
	memcpy(CMSG_DATA(c), l->fds, l->n * sizeof(int));
	if (sendmsg(l->to, &m, MSG_DONTWAIT | MSG_NOSIGNAL) != 1) {
		l->error = -errno;
	}
	l->n = 0;
}

static void put(struct lot *l, int fd)
{
	if (fd < 0) {
		return;
	}
	l->fds[l->n++] = fd;
	if (l->n == INHERITED_LOT_MAX) {
		flush(l);
	}
}

static int put_sockets(const struct conns *cs, int to)
{
	struct lot l = { .to = to, .kind = INHERITED_LOT_COOKIE };

	for (const struct conn *c = conns_first(cs); c; c = conns_next(c)) {
		put(&l, conn_at_rest(c) ? c->stream.fd : -1);
	}
	for (struct udp_session *u = udp_next(cs->reflector, NULL); u;
	     u = udp_next(cs->reflector, u)) {
		put(&l, udp_fd(u));
	}
	flush(&l);
	return l.error;
}

/* Those that the service manager listens on it has already; and who holds them, too, is in the way
 * when its units change. */
static int put_ports(const struct reflector *r, const struct listeners *ls, int to)
{
	struct lot l = { .to = to, .kind = INHERITED_LOT_ADDRESS };
	int fd;

	for (const struct listener *i = ls->list; i && !ls->inherited->n_control; i = i->next) {
		put(&l, i->fd);
	}
	for (unsigned i = 0; (fd = reflector_shared_fd(r, i)) >= 0; i++) {
		put(&l, fd);
	}
	for (size_t n = 0; (fd = light_fd(r, n)) >= 0; n++) {
		put(&l, fd);
	}
	flush(&l);
	return l.error;
}

static int put_kept(const struct kept *kept, int to)
{
	struct lot l = { .to = to, .kind = INHERITED_LOT_KEPT };

	put(&l, kept->settings);
	put(&l, kept->keys);
	flush(&l);
	return l.error;
}

/*
 * All sockets, waiting to be received from one: the service manager compares each descriptor that
 * it is given with each that it has, which takes it a minute for 8000 of them.
 */
int parcel_pack(const struct conns *cs, const struct listeners *ls, const struct kept *kept)
{
	int ends[2], octets = 1 << 24, rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		return -errno;
	}
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets);
	rc = put_kept(kept, ends[0]);
	rc = rc ? rc : put_sockets(cs, ends[0]);
	rc = rc ? rc : put_ports(cs->reflector, ls, ends[0]);
	close(ends[0]);
	if (rc) {
		close(ends[1]);
		return rc;
	}
	return ends[1];
}
