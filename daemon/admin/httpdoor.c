// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/httpdoor.h"

#include "base/endpoint.h"
#include "base/sockopt.h"
#include "daemon/admin/unixsock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 64
#define ACCEPTS 8 /* at one turn of the loop */
#define PAUSE_S 1. /* without descriptors */

struct door {
	struct httpdoor *of;
	int fd; /* -1 = none */
	ev_io io;
	struct address address; /* of TCP */
	char path[SETTINGS_SOCKET_LEN]; /* of a Unix socket; "" = TCP */
};

struct httpdoor {
	struct ev_loop *loop;
	void (*enter)(void *context, int fd);
	void *context;
	struct door tcp, local; /* that are served */
	struct door next_tcp, next_local; /* that were prepared */
	ev_timer pause;
};

/* --- those who come ------------------------------------------------------------------------- */

static void on_knock(struct ev_loop *loop, ev_io *w, int events)
{
	struct door *door = w->data;
	struct httpdoor *d = door->of;

	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			d->enter(d->context, fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			ev_io_stop(loop, &d->tcp.io);
			ev_io_stop(loop, &d->local.io);
			ev_timer_set(&d->pause, PAUSE_S, 0.);
			ev_timer_start(loop, &d->pause);
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

static void start(struct door *door)
{
	if (door->fd >= 0 && !ev_is_active(&door->io)) {
		ev_io_init(&door->io, on_knock, door->fd, EV_READ);
		ev_set_priority(&door->io, EV_MINPRI);
		door->io.data = door;
		ev_io_start(door->of->loop, &door->io);
	}
}

static void on_pause_over(struct ev_loop *loop, ev_timer *w, int events)
{
	struct httpdoor *d = w->data;

	start(&d->tcp);
	start(&d->local);
}

/* --- doors ---------------------------------------------------------------------------------- */

static int bind_to(int fd, const struct address *a)
{
	union endpoint e = endpoint_of(a);

	return bind(fd, &e.any, endpoint_len(&e)) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
}

/* "::" is for both families: there is one address only. */
static int open_tcp(const struct address *a, bool share)
{
	bool is_v6 = a->family == 6;
	int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc = fd < 0 ? -errno : sockopt_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	rc = rc || !is_v6 ? rc : sockopt_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !address_is_any(a));
	rc = rc || !share ? rc : sockopt_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	rc = rc ? rc : bind_to(fd, a);
	if (rc && fd >= 0) {
		close(fd);
	}
	return rc ? rc : fd;
}

/* What is open may have the port at an address that is part of the new one, or the other way
 * round. The kernel lets them share it if both agree, while one is opened, and no longer. */
static int open_beside(const struct door *old, const struct address *a)
{
	int fd = open_tcp(a, false);

	if (fd != -EADDRINUSE || old->fd < 0 || old->address.port != a->port) {
		return fd;
	}
	(void)sockopt_set(old->fd, SOL_SOCKET, SO_REUSEPORT, 1);
	fd = open_tcp(a, true);
	(void)sockopt_set(old->fd, SOL_SOCKET, SO_REUSEPORT, 0);
	if (fd >= 0) {
		(void)sockopt_set(fd, SOL_SOCKET, SO_REUSEPORT, 0);
	}
	return fd;
}

static int prepare_tcp(struct httpdoor *d, const struct address *a)
{
	d->next_tcp.address = *a;
	if (!a->port) {
		return 0;
	}
	d->next_tcp.fd = d->tcp.fd >= 0 && address_same_port(&d->tcp.address, a)
				 ? d->tcp.fd
				 : open_beside(&d->tcp, a);
	return d->next_tcp.fd < 0 ? d->next_tcp.fd : 0;
}

static int prepare_local(struct httpdoor *d, const char *path)
{
	strcpy(d->next_local.path, path); /* NOLINT: both are of one size */
	if (!*path) {
		return 0;
	}
	d->next_local.fd = d->local.fd >= 0 && !strcmp(d->local.path, path)
				   ? d->local.fd
				   : unixsock_listen(path, BACKLOG);
	return d->next_local.fd < 0 ? d->next_local.fd : 0;
}

static void close_door(struct door *door)
{
	if (door->fd >= 0) {
		close(door->fd);
		if (*door->path) {
			(void)unlink(door->path);
		}
	}
	door->fd = -1;
}

int httpdoor_prepare(struct httpdoor *d, const struct settings_metrics *next, const char **key)
{
	int rc;

	d->next_tcp.fd = d->next_local.fd = -1;
	*key = "metrics.port";
	rc = prepare_tcp(d, &next->address);
	if (!rc) {
		*key = "metrics.socket";
		rc = prepare_local(d, next->socket);
	}
	if (rc) {
		httpdoor_settle(d, false);
	}
	return rc;
}

static void settle_one(struct door *now, struct door *next, bool taken)
{
	struct door *gone = taken ? now : next;

	if (next->fd == now->fd) {
		next->fd = -1; /* it is there already, or none is wanted */
		return;
	}
	if (taken && now->fd >= 0) {
		ev_io_stop(now->of->loop, &now->io);
	}
	close_door(gone);
	if (taken) {
		now->fd = next->fd;
		now->address = next->address;
		memcpy(now->path, next->path, sizeof now->path);
		start(now);
	}
	next->fd = -1;
}

void httpdoor_settle(struct httpdoor *d, bool taken)
{
	settle_one(&d->tcp, &d->next_tcp, taken);
	settle_one(&d->local, &d->next_local, taken);
}

bool httpdoor_is_open(const struct httpdoor *d)
{
	return d->tcp.fd >= 0 || d->local.fd >= 0;
}

int httpdoor_new(struct httpdoor **out, struct ev_loop *loop, void (*enter)(void *context, int fd),
		 void *context)
{
	struct httpdoor *d = calloc(1, sizeof *d);

	if (!d) {
		return -ENOMEM;
	}
	d->loop = loop;
	d->enter = enter;
	d->context = context;
	d->tcp = d->local = d->next_tcp = d->next_local = (struct door){ .of = d, .fd = -1 };
	ev_init(&d->tcp.io, on_knock);
	ev_init(&d->local.io, on_knock);
	ev_init(&d->pause, on_pause_over);
	d->pause.data = d;
	*out = d;
	return 0;
}

void httpdoor_free(struct httpdoor *d)
{
	if (!d) {
		return;
	}
	d->next_tcp.fd = d->next_local.fd = -1;
	httpdoor_settle(d, true);
	ev_timer_stop(d->loop, &d->pause);
	free(d);
}
