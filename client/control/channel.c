// SPDX-License-Identifier: BSD-2-Clause
#include "client/control/channel.h"

#include "base/clock.h"
#include "client/measure/interrupt.h"
#include "client/measure/reach.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void hint(const struct channel *c, struct outcome *out)
{
	outcome_hint(out,
		     "check that TCP port %u of the server is TWAMP-Control, and compare the "
		     "versions and settings of both ends; the log of the server says more",
		     endpoint_port(&c->peer));
}

int channel_fault(struct channel *c, struct outcome *out, const char *format, ...)
{
	char text[sizeof(out->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	outcome_set(out, OUTCOME_NO_ACCEPT, 1, "%s", text);
	hint(c, out);
	c->broken = true;
	return OUTCOME_NO_ACCEPT;
}

static int tell_local(struct outcome *out, const char *what, int error)
{
	return outcome_set(out, OUTCOME_LOCAL, 0, "%s: %s", what, strerror(-error));
}

/* Octets read, 0 at the end of the stream, or a negative errno. */
static ssize_t read_some(int fd, uint8_t *to, size_t n, struct mono deadline)
{
	for (;;) {
		ssize_t got = recv(fd, to, n, 0);
		int r;

		if (got >= 0) {
			return got;
		}
		if (errno != EAGAIN && errno != EINTR) {
			return -errno;
		}
		r = interrupt_poll(fd, POLLIN, deadline);
		if (r < 0) {
			return r;
		}
	}
}

static int tell_read(struct channel *c, const char *message, size_t have, size_t want,
		     ssize_t error, struct outcome *out)
{
	c->broken = (error != -ETIMEDOUT && error != -EINTR) || have > 0;
	if (error == -EINTR) {
		return outcome_set(out, OUTCOME_INCOMPLETE, 0, "interrupted while waiting for %s",
				   message);
	}
	if (error == -ETIMEDOUT) {
		outcome_set(out, OUTCOME_NO_ACCEPT, 1,
			    "timed out waiting for %s: %zu of %zu octets in %.3g s", message, have,
			    want, (double)c->timeout_ns / 1e9);
	} else if (error == 0) {
		outcome_set(out, OUTCOME_NO_ACCEPT, 1,
			    "the server closed the connection in place of %s (%zu of %zu octets)",
			    message, have, want);
	} else {
		outcome_set(out, OUTCOME_NO_ACCEPT, 1, "connection lost while waiting for %s: %s",
			    message, strerror((int)-error));
	}
	hint(c, out);
	return OUTCOME_NO_ACCEPT;
}

int channel_read(struct channel *c, uint8_t *to, size_t n, const char *message, struct outcome *out)
{
	struct mono deadline = { clock_mono().ns + c->timeout_ns };
	size_t have = 0;

	while (have < n) {
		ssize_t got = read_some(c->fd, to + have, n - have, deadline);

		if (got <= 0) {
			return tell_read(c, message, have, n, got, out);
		}
		have += (size_t)got;
	}
	return OUTCOME_OK;
}

int channel_write(struct channel *c, const uint8_t *from, size_t n, const char *message,
		  struct outcome *out)
{
	struct mono deadline = { clock_mono().ns + c->timeout_ns };
	size_t done = 0;

	while (done < n) {
		ssize_t put = send(c->fd, from + done, n - done, MSG_NOSIGNAL);
		int r = 0;

		if (put >= 0) {
			done += (size_t)put;
			continue;
		}
		if (errno == EAGAIN) {
			r = interrupt_poll(c->fd, POLLOUT, deadline);
		} else if (errno != EINTR) {
			r = -errno;
		}
		if (r == -EINTR) {
			c->broken = true;
			return outcome_set(out, OUTCOME_INCOMPLETE, 0,
					   "interrupted while sending %s", message);
		}
		if (r < 0) {
			outcome_set(out, OUTCOME_NO_ACCEPT, 1, "cannot send %s: %s", message,
				    r == -ETIMEDOUT ? "timed out" : strerror(-r));
			c->broken = true;
			hint(c, out);
			return OUTCOME_NO_ACCEPT;
		}
	}
	return OUTCOME_OK;
}

/* RFC 4656 6.10: nothing of it is used, nothing is answered, the connection is dropped. */
static int tell_denied(struct channel *c, const char *message, struct outcome *out)
{
	outcome_set(out, OUTCOME_NO_ACCEPT, 1, "the HMAC of %s is wrong", message);
	outcome_hint(out, "what came was changed on its way, or is not from the holder of the key; "
			  "if it is always so, report it with the version of the server");
	c->broken = true;
	return OUTCOME_NO_ACCEPT;
}

int channel_open(struct channel *c, const struct plan *plan, int64_t timeout_ns,
		 struct notes *notes, struct outcome *out)
{
	socklen_t peer_len = sizeof(c->peer), local_len = sizeof(c->local);
	int r;

	*c = (struct channel){ .fd = -1, .timeout_ns = timeout_ns };
	r = reach_connect(plan, timeout_ns, &c->fd, notes, out);
	if (r != OUTCOME_OK) {
		return r;
	}
	if (getpeername(c->fd, &c->peer.any, &peer_len) < 0 ||
	    getsockname(c->fd, &c->local.any, &local_len) < 0) {
		return tell_local(out, "control connection", -errno);
	}
	return OUTCOME_OK;
}

void channel_close(struct channel *c)
{
	uint8_t rest[256];

	crypt_stream_wipe(&c->to_server);
	crypt_stream_wipe(&c->from_server);
	if (c->fd < 0) {
		return;
	}
	/* Unread octets would turn the close into a reset, which may overtake Stop-Sessions. */
	for (int i = 0; i < 64 && recv(c->fd, rest, sizeof(rest), MSG_DONTWAIT) > 0; i++) {
	}
	close(c->fd);
	c->fd = -1;
}

int channel_cipher(struct channel *c, const struct crypt_keys *keys,
		   const uint8_t client_iv[static CRYPT_BLOCK],
		   const uint8_t server_iv[static CRYPT_BLOCK], uint8_t block[static CRYPT_BLOCK],
		   struct outcome *out)
{
	crypt_stream_init_send(&c->to_server, keys, client_iv);
	crypt_stream_init_receive(&c->from_server, keys, server_iv);
	c->ciphered = true;
	if (crypt_open_part(&c->from_server, block, CRYPT_BLOCK) != 0) {
		return tell_denied(c, "Server-Start", out);
	}
	return OUTCOME_OK;
}

int channel_put(struct channel *c, uint8_t *message_octets, size_t n, const char *message,
		struct outcome *out)
{
	if (c->ciphered) {
		crypt_seal(&c->to_server, message_octets, n);
	}
	return channel_write(c, message_octets, n, message, out);
}

int channel_get(struct channel *c, uint8_t *to, size_t n, const char *message, struct outcome *out)
{
	int r = channel_read(c, to, n, message, out);

	if (r == OUTCOME_OK && c->ciphered && crypt_open(&c->from_server, to, n) != 0) {
		return tell_denied(c, message, out);
	}
	return r;
}

int channel_get_head(struct channel *c, uint8_t *to, size_t n, const char *message,
		     struct outcome *out)
{
	int r = channel_read(c, to, n, message, out);

	if (r == OUTCOME_OK && c->ciphered && crypt_open_part(&c->from_server, to, n) != 0) {
		return tell_denied(c, message, out);
	}
	return r;
}
