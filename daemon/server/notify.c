// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/notify.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define WAITING_MAX 8
#define TEXT_LEN 1024
#define RETRY_S 0.1
#define STATUS_NS (10 * TS_NS_PER_S)
#define LAST_NS (TS_NS_PER_S / 5) /* at the end, for what waits */

struct notify {
	struct ev_loop *loop;
	int fd; /* -1: nobody is to be told */
	struct sockaddr_un to;
	socklen_t to_len;
	ev_timer retry;
	unsigned n_waiting;
	char waiting[WAITING_MAX][TEXT_LEN]; /* oldest first */
	char status[TEXT_LEN]; /* the newest */
	bool status_new; /* not sent yet */
	struct mono status_next; /* not before */
	bool alive; /* could not be sent */
};

/* --- sending -------------------------------------------------------------------------- */

/* @flags MSG_DONTWAIT, or 0 to wait for SO_SNDTIMEO at most. */
static int transmit(const struct notify *n, const char *text, int fd, int flags)
{
	struct iovec octets = { (char *)text, strlen(text) };
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(sizeof fd)];
	} control = { .octets = { 0 } };
	struct msghdr m = { .msg_name = (void *)&n->to,
			    .msg_namelen = n->to_len,
			    .msg_iov = &octets,
			    .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof control.octets;
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	return sendmsg(n->fd, &m, flags | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Its queue is full. All else is as good as sent: to try again would not help. */
static bool must_wait(int error)
{
	return error == -EAGAIN || error == -ENOBUFS || error == -EINTR;
}

static void forget_oldest(struct notify *n, unsigned many)
{
	n->n_waiting -= many;
	memmove(n->waiting, n->waiting[many], n->n_waiting * sizeof n->waiting[0]);
}

/* False if something still waits that need not wait for its time. */
static bool try_all(struct notify *n)
{
	if (n->alive && must_wait(transmit(n, "WATCHDOG=1", -1, MSG_DONTWAIT))) {
		return false;
	}
	n->alive = false;
	while (n->n_waiting) {
		if (must_wait(transmit(n, n->waiting[0], -1, MSG_DONTWAIT))) {
			return false;
		}
		forget_oldest(n, 1);
	}
	if (n->status_new && clock_mono().ns >= n->status_next.ns) {
		if (must_wait(transmit(n, n->status, -1, MSG_DONTWAIT))) {
			return false;
		}
		n->status_new = false;
		n->status_next.ns = clock_mono().ns + STATUS_NS;
	}
	return true;
}

static void on_retry(struct ev_loop *loop, ev_timer *w, int events)
{
	if (try_all(w->data)) {
		ev_timer_stop(loop, w);
	}
}

static void send_soon(struct notify *n)
{
	if (!try_all(n) && !ev_is_active(&n->retry)) {
		ev_timer_again(n->loop, &n->retry);
	}
}

/* --- what is said --------------------------------------------------------------------- */

void notify_say(struct notify *n, const char *format, ...)
{
	va_list ap;

	if (n->fd < 0) {
		return;
	}
	if (n->n_waiting == WAITING_MAX) { /* a RELOADING and its READY: others follow */
		forget_oldest(n, 2);
	}
	va_start(ap, format);
	vsnprintf(n->waiting[n->n_waiting++], TEXT_LEN, format, ap);
	va_end(ap);
	send_soon(n);
}

void notify_status(struct notify *n, const char *text, struct mono now)
{
	char status[TEXT_LEN];

	snprintf(status, sizeof status, "STATUS=%s", text);
	if (n->fd >= 0 && strcmp(status, n->status) != 0) {
		memcpy(n->status, status, sizeof status);
		n->status_new = true;
	}
	if (n->fd >= 0 && n->status_new && now.ns >= n->status_next.ns) {
		send_soon(n);
	}
}

void notify_ready(struct notify *n, const char *status, struct mono now)
{
	snprintf(n->status, sizeof n->status, "STATUS=%s", status);
	n->status_new = false;
	n->status_next.ns = now.ns + STATUS_NS;
	notify_say(n, "READY=1\n%s", n->status);
}

void notify_alive(struct notify *n)
{
	if (n->fd >= 0) {
		n->alive = true;
		send_soon(n);
	}
}

/* --- while nothing else is to be done --------------------------------------------------- */

static int wait_and_send(struct notify *n, const char *text, int fd, struct mono until)
{
	int rc;

	do {
		int64_t left_us = (until.ns - clock_mono().ns) / 1000;
		struct timeval t = { .tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000 };

		if (left_us <= 0) { /* which would mean: for ever */
			return transmit(n, text, fd, MSG_DONTWAIT);
		}
		(void)setsockopt(n->fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
		rc = transmit(n, text, fd, 0);
	} while (rc == -EINTR);
	return rc;
}

static void send_waiting(struct notify *n, struct mono until)
{
	while (n->n_waiting) {
		(void)wait_and_send(n, n->waiting[0], -1, until);
		forget_oldest(n, 1);
	}
}

int notify_deliver(struct notify *n, const char *text, int fd, struct mono until)
{
	if (n->fd < 0) {
		return -EOPNOTSUPP;
	}
	send_waiting(n, until);
	return wait_and_send(n, text, fd, until);
}

int notify_barrier(struct notify *n, struct mono until)
{
	int ends[2], rc;
	int64_t left_ms;
	struct pollfd p;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return -errno;
	}
	rc = notify_deliver(n, "BARRIER=1", ends[1], until);
	close(ends[1]);
	p = (struct pollfd){ .fd = ends[0] }; /* closed by the other side: POLLHUP */
	while (!rc) {
		left_ms = (until.ns - clock_mono().ns) / 1000000;
		rc = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
		rc = rc < 0 && errno != EINTR ? -errno : rc == 0 ? -ETIMEDOUT : rc < 0 ? 0 : 1;
	}
	close(ends[0]);
	return rc > 0 ? 0 : rc;
}

/* --- life ----------------------------------------------------------------------------- */

/* A path, or behind '@' a name without a file. */
static bool take_address(struct notify *n, const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (len < 2 || len >= sizeof n->to.sun_path || (*name != '/' && *name != '@')) {
		return false;
	}
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, name, len);
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (*name == '@') {
		n->to.sun_path[0] = '\0';
	} else {
		n->to_len++; /* and the zero behind it */
	}
	return true;
}

int notify_new(struct notify **out, struct ev_loop *loop)
{
	struct notify *n = calloc(1, sizeof *n);
	int error = 0;

	if (!n) {
		return -ENOMEM;
	}
	n->loop = loop;
	n->fd = -1;
	ev_timer_init(&n->retry, on_retry, RETRY_S, RETRY_S);
	n->retry.data = n;
	if (take_address(n, getenv("NOTIFY_SOCKET"))) {
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		error = n->fd < 0 ? -errno : 0;
	}
	if (error) { /* READY=1 would never come */
		free(n);
		return error;
	}
	*out = n;
	return 0;
}

void notify_free(struct notify *n)
{
	struct mono until = { clock_mono().ns + LAST_NS };

	if (!n) {
		return;
	}
	send_waiting(n, until);
	ev_timer_stop(n->loop, &n->retry);
	if (n->fd >= 0) {
		close(n->fd);
	}
	free(n);
}

bool notify_is_on(const struct notify *n)
{
	return n->fd >= 0;
}
