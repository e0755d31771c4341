// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void stream_init(struct stream *s, int fd)
{
	s->fd = fd;
	s->in = s->in_small;
	s->in_size = sizeof s->in_small;
	s->out = s->out_small;
	s->out_size = sizeof s->out_small;
	s->in_len = s->out_len = 0;
}

static void free_large(struct stream *s)
{
	if (s->in != s->in_small) {
		free(s->in);
	}
	s->in = s->in_small;
	s->in_size = sizeof s->in_small;
}

static void free_large_out(struct stream *s)
{
	if (s->out != s->out_small) {
		free(s->out);
	}
	s->out = s->out_small;
	s->out_size = sizeof s->out_small;
}

void stream_close(struct stream *s)
{
	free_large(s);
	free_large_out(s);
	close(s->fd);
	s->fd = -1;
}

bool stream_read(struct stream *s)
{
	ssize_t n = recv(s->fd, s->in + s->in_len, s->in_size - s->in_len, 0);

	if (n > 0) {
		s->in_len += (size_t)n;
		return true;
	}
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

void stream_consume(struct stream *s, size_t n)
{
	memmove(s->in, s->in + n, s->in_len - n);
	s->in_len -= n;
}

bool stream_fit(struct stream *s, size_t want)
{
	uint8_t *more;

	if (want > s->in_size) {
		more = malloc(want);
		if (!more) {
			return false;
		}
		memcpy(more, s->in, s->in_len);
		free_large(s);
		s->in = more;
		s->in_size = want;
	} else if (s->in != s->in_small && want <= sizeof s->in_small &&
		   s->in_len <= sizeof s->in_small) {
		memcpy(s->in_small, s->in, s->in_len);
		free_large(s);
	}
	return true;
}

bool stream_flush(struct stream *s)
{
	size_t sent = 0;

	while (sent < s->out_len) {
		ssize_t n = send(s->fd, s->out + sent, s->out_len - sent, MSG_NOSIGNAL);

		if (n > 0) {
			sent += (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			break;
		} else if (errno != EINTR) { /* reading tells that the peer is gone */
			sent = s->out_len;
		}
	}
	memmove(s->out, s->out + sent, s->out_len - sent);
	s->out_len -= sent;
	if (!s->out_len) {
		free_large_out(s);
	}
	return !s->out_len;
}

bool stream_push(struct stream *s, const uint8_t *octets, size_t n)
{
	uint8_t *more;

	if (n > s->out_size - s->out_len) {
		(void)stream_flush(s);
	}
	if (n > s->out_size - s->out_len) {
		more = malloc(s->out_len + n);
		if (!more) {
			return false;
		}
		memcpy(more, s->out, s->out_len);
		free_large_out(s);
		s->out = more;
		s->out_size = s->out_len + n;
	}
	memcpy(s->out + s->out_len, octets, n);
	s->out_len += n;
	return true;
}

void stream_carry(struct carry *c, struct stream *s)
{
	uint32_t in = (uint32_t)s->in_len, out = (uint32_t)s->out_len;

	CARRY(c, in);
	CARRY(c, out);
	if (c->way == CARRY_LOAD) {
		c->bad |= in > c->left || out > c->left - in || !stream_fit(s, in);
		in = c->bad ? 0 : in;
		out = c->bad ? 0 : out;
		c->bad |= out && !stream_push(s, c->at + in, out);
		s->in_len = in;
	}
	carry(c, s->in, in);
	carry(c, s->out, c->bad ? 0 : out);
}
