// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/desk.h"

#include "base/clock.h"
#include "daemon/admin/caller.h"
#include "daemon/admin/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ACCEPTS 32 /* at one turn of the loop */
#define BACKLOG 128
#define PAUSE_S 1. /* without descriptors */

struct desk {
	struct ev_loop *loop;
	struct desk_config config;
	struct callers callers;
	int fd; /* -1 = none */
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; /* of our own; "" = passed */
	ev_io io;
	ev_timer pause;
};

static const char busy[] = "{\"v\":1,\"ok\":false,\"error\":{\"kind\":\"busy\",\"text\":"
			   "\"too many ask at once; see admin.max_clients\"}}\n";

static void turn_away(int fd)
{
	(void)send(fd, busy, sizeof busy - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

int desk_serve(struct desk *d, int fd)
{
	struct ucred who;
	socklen_t len = sizeof who;
	bool privileged;
	unsigned places = d->config.max_callers;
	int rc;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	privileged = who.uid == 0 || who.uid == geteuid();
	if (d->callers.n >= places + (privileged ? DESK_RESERVED : 0)) {
		turn_away(fd);
		return -EBUSY;
	}
	return caller_new(&d->callers, fd, &who, privileged);
}

static void on_knock(struct ev_loop *loop, ev_io *w, int events)
{
	struct desk *d = w->data;

	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(d->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) {
			continue;
		}
		if (fd < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK) {
				ev_io_stop(loop, w);
				ev_timer_set(&d->pause, PAUSE_S, 0.);
				ev_timer_start(loop, &d->pause);
			}
			return;
		}
		if (desk_serve(d, fd) < 0) {
			continue; /* who is turned away has been told */
		}
	}
}

static void on_pause_over(struct ev_loop *loop, ev_timer *w, int events)
{
	struct desk *d = w->data;

	if (d->fd >= 0) {
		ev_io_start(loop, &d->io);
	}
}

int desk_new(struct desk **out, struct ev_loop *loop, const struct desk_config *c)
{
	struct desk *d = calloc(1, sizeof *d);

	if (!d) {
		return -ENOMEM;
	}
	d->loop = loop;
	d->config = *c;
	d->fd = -1;
	callers_init(&d->callers, loop, &d->config);
	ev_init(&d->io, on_knock);
	ev_init(&d->pause, on_pause_over);
	d->io.data = d->pause.data = d;
	*out = d;
	return 0;
}

void desk_free(struct desk *d)
{
	if (!d) {
		return;
	}
	desk_close(d);
	callers_wipe(&d->callers);
	free(d);
}

void desk_configure(struct desk *d, unsigned max_callers, unsigned idle_s)
{
	d->config.max_callers = max_callers;
	d->config.idle_s = idle_s;
}

static void start(struct desk *d, int fd)
{
	d->fd = fd;
	ev_io_set(&d->io, fd, EV_READ);
	ev_io_start(d->loop, &d->io);
}

int desk_listen(struct desk *d, const char *path)
{
	int fd = unixsock_listen(path, BACKLOG);

	if (fd < 0) {
		return fd;
	}
	desk_close(d);
	strcpy(d->path, path); /* NOLINT: it fits */
	start(d, fd);
	return 0;
}

int desk_take(struct desk *d, int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0) {
		return -errno;
	}
	desk_close(d);
	start(d, own);
	return 0;
}

void desk_close(struct desk *d)
{
	ev_timer_stop(d->loop, &d->pause);
	ev_io_stop(d->loop, &d->io);
	if (d->fd >= 0) {
		close(d->fd);
	}
	d->fd = -1;
	if (*d->path) {
		(void)unlink(d->path);
	}
	*d->path = '\0';
}

unsigned desk_callers(const struct desk *d)
{
	return d->callers.n;
}
