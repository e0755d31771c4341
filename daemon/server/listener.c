// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/listener.h"

#include "base/device.h"
#include "base/endpoint.h"
#include "base/sock.h"
#include "base/sockopt.h"
#include "daemon/log/log.h"
#include "daemon/server/inherited.h"
#include "daemon/server/leaving.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 4096 /* who does not fit tries again after a second */
#define ACCEPTS_PER_EVENT 32

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void pause_all(struct listener *l, bool pause)
{
	for (; l; l = l->next) {
		if (pause) {
			ev_io_stop(l->all->loop, &l->io);
		} else if (l->fd >= 0) {
			ev_io_start(l->all->loop, &l->io);
		}
	}
}

static void on_pause_over(struct ev_loop *loop, ev_timer *w, int events)
{
	struct listeners *ls = w->data;

	pause_all(ls->list, false);
	pause_all(ls->leaving, false);
}

/* Whoever knocks finds nothing that he could have: for a second nobody is let in. */
static void pause_a_second(struct listeners *ls, int error)
{
	log_say(ls->log, LOG_EVENT_ACCEPT_FAILED, strerror(error));
	pause_all(ls->list, true);
	pause_all(ls->leaving, true);
	ev_timer_stop(ls->loop, &ls->pause);
	ev_timer_set(&ls->pause, 1., 0.);
	ev_timer_start(ls->loop, &ls->pause);
}

void listener_init(struct listeners *ls)
{
	ev_init(&ls->pause, on_pause_over);
	ls->pause.data = ls;
}

bool listener_accept(struct listener *l)
{
	struct listeners *ls = l->all;

	for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
		union endpoint peer;
		socklen_t len = sizeof peer;
		int fd = accept4(l->fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		int error;

		if (fd >= 0) {
			/* Where somebody may have to go for who comes, those who are in are read
			 * first. */
			if (ls->take(ls->context, fd, &peer)) {
				continue;
			}
			return true;
		}
		error = errno;
		if (is_shortage(error) && !i && !ls->make_room(ls->context)) {
			pause_a_second(ls, error);
		}
		if (error != ECONNABORTED && error != EINTR && error != EPROTO) {
			return false;
		}
	}
	return true;
}

static void take_connections(struct ev_loop *loop, ev_io *w, int events)
{
	(void)listener_accept(w->data);
}

void listener_start(struct listener *l)
{
	ev_io_init(&l->io, take_connections, l->fd, EV_READ);
	ev_set_priority(&l->io, EV_MINPRI); /* who is in comes first */
	l->io.data = l;
	ev_io_start(l->all->loop, &l->io);
}

/* --- opening -------------------------------------------------------------------------- */

static int prepare_socket(int fd, const struct settings_listen *wanted, uint32_t device, bool share)
{
	bool v6 = wanted->address.family == 6;
	union endpoint at = endpoint_of(&wanted->address);
	int rc = device_bind(fd, device);

	rc = rc ? rc : sockopt_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	rc = rc || !share ? rc : sockopt_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	rc = rc || !v6 ? rc : sockopt_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	rc = rc || !wanted->freebind ? rc : sock_freebind(fd, wanted->address.family);
	if (rc) {
		return rc;
	}
	if (bind(fd, &at.any, endpoint_len(&at)) < 0 || listen(fd, BACKLOG) < 0) {
		return -errno;
	}
	/* For R-010; harmless where it is not known. */
	(void)sockopt_set(fd, IPPROTO_TCP, TCP_SAVE_SYN, 1);
	return 0;
}

/* Into @l. @share: ours that was invited has the port, too. */
static int open_socket(struct listener *l, const struct settings_listen *wanted, bool share)
{
	int family = wanted->address.family == 6 ? AF_INET6 : AF_INET;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0) {
		return -errno;
	}
	rc = prepare_socket(fd, wanted, l->device, share);
	rc = rc ? rc : endpoint_bound(fd, &l->bound);
	if (rc) {
		close(fd);
		return rc;
	}
	l->fd = fd;
	l->shares = share;
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

static bool overlaps(const struct listener *l, const struct address *a)
{
	return l->fd >= 0 && l->bound.port == a->port && l->bound.family == a->family &&
	       (address_same_host(&l->bound, a) || address_is_any(&l->bound) || address_is_any(a));
}

/* The kernel lets sockets share a port only if all of them agree, and any program of the same user
 * then could: so they do while one is opened, and no longer. */
static void let_share(struct listener *l, bool share)
{
	l->shares = !sockopt_set(l->fd, SOL_SOCKET, SO_REUSEPORT, share) && share;
}

/* Those of ours that may keep @l from its port: such as go, and such as serve another device.
 * False if there is none. */
static bool invite(struct listener *old, struct listener *list, const struct listener *l)
{
	bool any = false;

	for (; old; old = old->next) {
		if (overlaps(old, &l->wanted) && !uses(list, old->fd)) {
			let_share(old, true);
			any = true;
		}
	}
	for (; list; list = list->next) {
		if (overlaps(list, &l->wanted) && list->device != l->device) {
			let_share(list, true);
			any = true;
		}
	}
	return any;
}

static void part(struct listener *list)
{
	for (; list; list = list->next) {
		if (list->shares) {
			let_share(list, false);
		}
	}
}

/* The one of @old that is what is wanted, and that nobody of @list has. */
static struct listener *find(struct listener *old, const struct listener *list,
			     const struct listener *l)
{
	for (; old; old = old->next) {
		bool any_port = old->inherited && !l->wanted.port;

		if (old->device == l->device && !uses(list, old->fd) &&
		    (any_port ? address_same_host(&old->bound, &l->wanted)
			      : address_same_port(&old->wanted, &l->wanted))) {
			return old;
		}
	}
	return NULL;
}

/* A socket that is there moves into the new list as a copy of its struct; the fd is shared. */
static void reuse(struct listener *old, struct listener *list, bool any_port)
{
	for (struct listener *l = list; l; l = l->next) {
		struct listener *known = NULL;

		if (l->fd < 0 && any_port == !l->wanted.port) {
			known = find(old, list, l);
		}
		if (known) {
			l->fd = known->fd;
			l->bound = known->bound;
			l->said = known->said;
		}
	}
}

static void drop(struct listener *list, const struct listener *keep)
{
	while (list) {
		struct listener *next = list->next;

		if (ev_is_active(&list->io)) {
			ev_io_stop(list->all->loop, &list->io);
		}
		if (list->fd >= 0 && !uses(keep, list->fd)) {
			close(list->fd);
		}
		free(list);
		list = next;
	}
}

/* The sockets that were passed are the listeners for good: they are as they were passed. */
static int prepare_passed(struct listeners *ls, struct listener **out,
			  struct settings_listen *fault)
{
	struct listener *old = ls->list, *list = NULL, **end = &list;

	for (size_t i = 0; i < ls->inherited->n_control; i++) {
		struct listener *l = calloc(1, sizeof *l);
		int rc = l ? endpoint_bound(ls->inherited->control[i], &l->bound) : -ENOMEM;

		if (rc < 0) {
			free(l);
			*fault = (struct settings_listen){ .address.family = 6 };
			drop(list, old);
			return rc;
		}
		l->all = ls;
		l->fd = ls->inherited->control[i];
		l->wanted = l->bound;
		l->device = device_of(l->fd);
		l->said = uses(old, l->fd);
		*end = l;
		end = &l->next;
	}
	*out = list;
	return 0;
}

/* Entries without sockets. On failure @fault is the entry that it was. */
static int list_wanted(struct listeners *ls, const struct settings *now, struct listener **list,
		       const struct settings_listen **fault)
{
	for (size_t i = 0; i < now->n_listen; i++) {
		struct listener *l = calloc(1, sizeof *l);

		*fault = &now->listen[i];
		if (!l) {
			return -ENOMEM;
		}
		l->all = ls;
		l->wanted = now->listen[i].address;
		l->fd = -1;
		*list = l;
		list = &l->next;
		if (device_find(now->listen[i].device, &l->device)) {
			return -ENODEV;
		}
	}
	return 0;
}

/* Where both families were only implied, a host without one of them serves the other. */
static bool is_absent(const struct settings_listen *wanted, int error)
{
	return wanted->implied && (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL);
}

static int open_missing(struct listeners *ls, const struct settings *now, struct listener *list,
			const struct settings_listen **fault)
{
	struct listener *l = list;
	bool any = false;
	int rc = 0;

	for (size_t i = 0; i < now->n_listen; i++, l = l->next) {
		*fault = &now->listen[i];
		rc = l->fd >= 0 ? 0 : open_socket(l, *fault, false);
		if (rc == -EADDRINUSE && invite(ls->list, list, l)) {
			rc = open_socket(l, *fault, true);
		}
		if (rc && !is_absent(*fault, rc)) {
			return rc;
		}
		any |= !rc;
	}
	return any ? 0 : rc;
}

int listener_prepare(struct listeners *ls, const struct settings *now, struct listener **out,
		     struct settings_listen *fault)
{
	const struct settings_listen *at = NULL;
	struct listener *list = NULL;
	int rc;

	leaving_end(ls, true);
	if (ls->inherited->n_control) {
		return prepare_passed(ls, out, fault);
	}
	rc = list_wanted(ls, now, &list, &at);
	if (!rc) {
		reuse(ls->list, list, false);
		reuse(ls->list, list, true);
		rc = open_missing(ls, now, list, &at);
	}
	part(list);
	part(ls->list);
	if (rc) {
		*fault = *at;
		drop(list, ls->list);
		return rc;
	}
	*out = list;
	return 0;
}

/* Whether one of @list has the port of @l, and so may have its clients. */
static bool is_replaced(const struct listener *l, const struct listener *list)
{
	for (; list; list = list->next) {
		if (overlaps(list, &l->bound) && (!list->device || list->device == l->device)) {
			return true;
		}
	}
	return false;
}

void listener_swap(struct listeners *ls, struct listener *next)
{
	struct listener *old = ls->list;

	ls->list = next;
	while (old) {
		struct listener *l = old;

		old = old->next;
		if (ev_is_active(&l->io)) {
			ev_io_stop(ls->loop, &l->io);
		}
		if (uses(next, l->fd) || l->fd < 0) {
			free(l);
		} else {
			leaving_add(ls, l, is_replaced(l, next));
		}
	}
	for (; next; next = next->next) {
		if (next->fd >= 0) {
			listener_start(next);
		}
	}
}

void listener_close(struct listeners *ls)
{
	leaving_end(ls, false);
	drop(ls->list, NULL);
	ls->list = NULL;
	if (ls->loop) {
		ev_timer_stop(ls->loop, &ls->pause);
	}
}

int listener_inherit(struct listeners *ls)
{
	int fd;

	while ((fd = inherited_listener(ls->inherited)) >= 0) {
		struct listener *l = calloc(1, sizeof *l);

		if (!l || endpoint_bound(fd, &l->bound)) {
			free(l);
			close(fd);
			return -ENOMEM;
		}
		leaving_stay(fd);
		/* A process that was killed before it was ready may have ended it already. */
		if (listen(fd, BACKLOG) < 0) {
			free(l);
			close(fd);
			continue;
		}
		l->all = ls;
		l->fd = fd;
		l->inherited = true;
		l->wanted = l->bound;
		l->device = device_of(fd);
		l->next = ls->list;
		ls->list = l;
	}
	return 0;
}
