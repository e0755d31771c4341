// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/listener.h"

#include "base/device.h"
#include "daemon/reflector/sock.h"
#include "daemon/server/conn.h"
#include "daemon/server/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 4096 /* who does not fit tries again after a second */
#define ACCEPTS_PER_EVENT 32

static socklen_t to_sockaddr(const struct address *a, struct sockaddr_storage *ss)
{
	struct sockaddr_in *v4 = (void *)ss;
	struct sockaddr_in6 *v6 = (void *)ss;

	memset(ss, 0, sizeof *ss);
	if (a->family == 4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(a->port);
		memcpy(&v4->sin_addr, a->ip, 4);
		return sizeof *v4;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(a->port);
	v6->sin6_scope_id = a->scope;
	memcpy(&v6->sin6_addr, a->ip, 16);
	return sizeof *v6;
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Where somebody may have to go for who comes, those who are in are read first. */
static void take_connections(struct ev_loop *loop, ev_io *w, int events)
{
	struct listener *l = w->data;

	for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof ss;
		int fd = accept4(l->fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		int error;

		if (fd >= 0) {
			if (conn_new(l->server, fd, &ss)) {
				continue;
			}
			return;
		}
		error = errno;
		if (is_shortage(error) && !i && !conn_make_room(l->server)) {
			server_pause_accept(l->server, error);
		}
		if (error != ECONNABORTED && error != EINTR && error != EPROTO) {
			return;
		}
	}
}

/* That of the process before, or a new one. */
static int open_socket(struct passed *p, const struct address *a, uint32_t device,
		       struct address *bound)
{
	struct sockaddr_storage ss;
	socklen_t len = to_sockaddr(a, &ss);
	int fd = passed_port(p, SOCK_STREAM, a, device);
	int on = 1, rc;

	if (fd >= 0) {
		*bound = *a;
		return fd;
	}
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	rc = device_bind(fd, device);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    (a->family == 6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
	    bind(fd, (struct sockaddr *)&ss, len) < 0 || listen(fd, BACKLOG) < 0) {
		goto fail;
	}
	/* For R-010; harmless where it is not known. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_SAVE_SYN, &on, sizeof on);
	rc = sock_local(fd, bound);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
fail:
	rc = -errno;
	close(fd);
	return rc;
}

static struct listener *find(struct listener *list, const struct address *wanted, uint32_t device)
{
	for (; list; list = list->next) {
		if (address_same_port(&list->wanted, wanted) && list->device == device) {
			return list;
		}
	}
	return NULL;
}

/* A reused socket moves into the new list as a copy of its struct; the fd is shared. */
static int add(struct server *s, struct listener *old, const struct settings_listen *wanted,
	       struct listener **out)
{
	struct listener *known, *l;
	uint32_t device = 0;
	int error = device_find(wanted->device, &device);

	if (error) {
		return error;
	}
	l = calloc(1, sizeof *l);
	if (!l) {
		return -ENOMEM;
	}
	known = find(old, &wanted->address, device);
	l->server = s;
	l->wanted = wanted->address;
	l->device = device;
	l->fd = known ? known->fd : open_socket(&s->passed, &wanted->address, device, &l->bound);
	if (l->fd < 0) {
		int rc = l->fd;

		free(l);
		return rc;
	}
	if (known) {
		l->bound = known->bound;
		l->said = known->said;
	}
	*out = l;
	return 0;
}

static bool uses(const struct listener *list, int fd)
{
	for (; list; list = list->next) {
		if (list->fd == fd) {
			return true;
		}
	}
	return false;
}

static void drop(struct listener *list, const struct listener *keep)
{
	while (list) {
		struct listener *next = list->next;

		if (ev_is_active(&list->io)) {
			ev_io_stop(list->server->loop, &list->io);
		}
		if (!uses(keep, list->fd)) {
			close(list->fd);
		}
		free(list);
		list = next;
	}
}

/* The sockets that were passed are the listeners for good: they are as they were passed. */
static int prepare_passed(struct server *s, struct listener *old, struct listener **out,
			  struct settings_listen *fault)
{
	struct listener *list = NULL, **end = &list;

	for (size_t i = 0; i < s->passed.n_control; i++) {
		struct listener *l = calloc(1, sizeof *l);
		int rc = l ? sock_local(s->passed.control[i], &l->bound) : -ENOMEM;

		if (rc < 0) {
			free(l);
			*fault = (struct settings_listen){ .address.family = 6 };
			drop(list, old);
			return rc;
		}
		l->server = s;
		l->fd = s->passed.control[i];
		l->wanted = l->bound;
		l->device = device_of(l->fd);
		l->said = uses(old, l->fd);
		*end = l;
		end = &l->next;
	}
	*out = list;
	return 0;
}

int listener_prepare(struct server *s, struct listener *old, const struct settings *now,
		     struct listener **out, struct settings_listen *fault)
{
	struct listener *list = NULL, **end = &list, *l = NULL;
	int rc;

	if (s->passed.n_control) {
		return prepare_passed(s, old, out, fault);
	}
	for (size_t i = 0; i < now->n_listen; i++) {
		rc = add(s, old, &now->listen[i], &l);
		if (rc) {
			*fault = now->listen[i];
			drop(list, old);
			return rc;
		}
		*end = l;
		end = &l->next;
	}
	*out = list;
	return 0;
}

void listener_swap(struct listener **list, struct listener *next)
{
	drop(*list, next);
	*list = next;
	for (; next; next = next->next) {
		ev_io_init(&next->io, take_connections, next->fd, EV_READ);
		ev_set_priority(&next->io, EV_MINPRI); /* who is in comes first */
		next->io.data = next;
		ev_io_start(next->server->loop, &next->io);
	}
}

void listener_close(struct listener **list)
{
	drop(*list, NULL);
	*list = NULL;
}

void listener_pause(struct listener *list, bool pause)
{
	for (; list; list = list->next) {
		if (pause) {
			ev_io_stop(list->server->loop, &list->io);
		} else {
			ev_io_start(list->server->loop, &list->io);
		}
	}
}
