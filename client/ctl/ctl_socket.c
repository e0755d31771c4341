// SPDX-License-Identifier: BSD-2-Clause
#include "client/ctl/ctl_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PIECE 65536
#define LINE_MAX_OCTETS (64u * 1024 * 1024) /* of a daemon that is none */

static const char *remedy(int error)
{
	switch (error) {
	case ENOENT:
		return "; is it running? systemctl status twampd";
	case ECONNREFUSED:
		return "; it has ended: systemctl status twampd";
	case EACCES:
		return "; ask with sudo, or as a member of the group twampd";
	default:
		return "";
	}
}

int ctl_socket_open(struct ctl_socket *s, const char *path, char why[static CTL_WHY_LEN])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int error = 0;

	*s = (struct ctl_socket){ .fd = -1 };
	if (strlen(path) >= sizeof at.sun_path) {
		error = ENAMETOOLONG;
	} else {
		memcpy(at.sun_path, path, strlen(path) + 1);
		s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&at, sizeof at) < 0) {
			error = errno;
		}
	}
	if (error) {
		(void)snprintf(why, CTL_WHY_LEN, "cannot reach twampd at %s: %s%s", path,
			       strerror(error), remedy(error));
		ctl_socket_close(s);
	}
	return -error;
}

void ctl_socket_close(struct ctl_socket *s)
{
	if (s->fd >= 0) {
		close(s->fd);
	}
	free(s->octets);
	*s = (struct ctl_socket){ .fd = -1 };
}

static int send_all(int fd, const char *octets, size_t len)
{
	while (len) {
		ssize_t n = send(fd, octets, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		octets += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int ctl_socket_ask(struct ctl_socket *s, const char *command, const json_t *args)
{
	json_t *o = json_object();
	char *text = NULL;
	int rc = -ENOMEM;

	if (o && !json_object_set_new(o, "v", json_integer(1)) &&
	    !json_object_set_new(o, "cmd", json_string(command)) &&
	    (!args || !json_object_set(o, "args", (json_t *)(uintptr_t)args))) {
		text = json_dumps(o, JSON_COMPACT);
	}
	if (text) {
		rc = send_all(s->fd, text, strlen(text));
		rc = rc < 0 ? rc : send_all(s->fd, "\n", 1);
	}
	free(text);
	json_decref(o);
	return rc;
}

static int read_more(struct ctl_socket *s)
{
	ssize_t n;

	if (s->start) {
		memmove(s->octets, s->octets + s->start, s->end - s->start);
		s->end -= s->start;
		s->start = 0;
	}
	if (s->size - s->end < PIECE) {
		size_t size = s->size ? 2 * s->size : 2 * PIECE;
		char *more = size > LINE_MAX_OCTETS ? NULL : realloc(s->octets, size);

		if (!more) {
			return -ENOMEM;
		}
		s->octets = more;
		s->size = size;
	}
	do {
		n = recv(s->fd, s->octets + s->end, s->size - s->end, 0);
	} while (n < 0 && errno == EINTR);
	if (n <= 0) {
		return n < 0 ? -errno : -ECONNRESET;
	}
	s->end += (size_t)n;
	return 0;
}

int ctl_socket_line(struct ctl_socket *s, char **line, size_t *len)
{
	size_t looked = 0;
	char *end;

	while (s->end == s->start ||
	       !(end = memchr(s->octets + s->start + looked, '\n', s->end - s->start - looked))) {
		int rc;

		looked = s->end - s->start;
		rc = read_more(s);
		if (rc < 0) {
			return rc;
		}
	}
	*end = '\0';
	*line = s->octets + s->start;
	*len = (size_t)(end - *line);
	s->start += *len + 1;
	return 0;
}
