// SPDX-License-Identifier: BSD-2-Clause
#include "client/dialog.h"

#include "client/timing.h"
#include "protocol/accept.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VERSIONS_HINT \
	"check that TCP port %u of the server is TWAMP-Control, and compare the versions and " \
	"settings of both ends; the log of the server says more"

/* Modes that this client can speak, the most wanted first. */
static const uint32_t preference[] = { MODE_UNAUTHENTICATED };

uint32_t dialog_choose(uint32_t offered)
{
	for (size_t i = 0; i < sizeof(preference) / sizeof(preference[0]); i++) {
		if (offered & preference[i]) {
			return preference[i];
		}
	}
	return 0;
}

static int tell_local(struct outcome *out, const char *what, int error)
{
	return outcome_set(out, OUTCOME_LOCAL, 0, "%s: %s", what, strerror(-error));
}

/* Wait for @events until @deadline: 0, or a negative errno (-ETIMEDOUT). */
static int wait_for(int fd, short events, struct mono deadline)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = deadline.ns - timing_mono().ns;
		int n;

		if (left <= 0) {
			return -ETIMEDOUT;
		}
		n = poll(&p, 1, (int)(left / 1000000) + 1);
		if (n > 0) {
			return 0;
		}
		if (n < 0 && errno != EINTR) {
			return -errno;
		}
	}
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
		r = wait_for(fd, POLLIN, deadline);
		if (r < 0) {
			return r;
		}
	}
}

static int tell_read(const struct dialog *d, const char *message, size_t have, size_t want,
		     ssize_t error, struct outcome *out)
{
	unsigned port = endpoint_port(&d->peer);

	if (error == -ETIMEDOUT) {
		outcome_set(out, OUTCOME_NO_ACCEPT, 1,
			    "timed out waiting for %s: %zu of %zu octets in %.3g s", message, have,
			    want, (double)d->timeout_ns / 1e9);
	} else if (error == 0) {
		outcome_set(out, OUTCOME_NO_ACCEPT, 1,
			    "the server closed the connection in place of %s (%zu of %zu octets)",
			    message, have, want);
	} else {
		outcome_set(out, OUTCOME_NO_ACCEPT, 1, "connection lost while waiting for %s: %s",
			    message, strerror((int)-error));
	}
	outcome_hint(out, VERSIONS_HINT, port);
	return OUTCOME_NO_ACCEPT;
}

/* Exactly @n octets, however they are cut. @message names what is due. */
static int read_message(struct dialog *d, uint8_t *to, size_t n, const char *message,
			struct outcome *out)
{
	struct mono deadline = { timing_mono().ns + d->timeout_ns };
	size_t have = 0;

	while (have < n) {
		ssize_t got = read_some(d->fd, to + have, n - have, deadline);

		if (got <= 0) {
			return tell_read(d, message, have, n, got, out);
		}
		have += (size_t)got;
	}
	return OUTCOME_OK;
}

static int write_message(struct dialog *d, const uint8_t *from, size_t n, const char *message,
			 struct outcome *out)
{
	struct mono deadline = { timing_mono().ns + d->timeout_ns };
	size_t done = 0;

	while (done < n) {
		ssize_t put = send(d->fd, from + done, n - done, MSG_NOSIGNAL);
		int r = 0;

		if (put >= 0) {
			done += (size_t)put;
			continue;
		}
		if (errno == EAGAIN) {
			r = wait_for(d->fd, POLLOUT, deadline);
		} else if (errno != EINTR) {
			r = -errno;
		}
		if (r < 0) {
			outcome_set(out, OUTCOME_NO_ACCEPT, 1, "cannot send %s: %s", message,
				    r == -ETIMEDOUT ? "timed out" : strerror(-r));
			outcome_hint(out, VERSIONS_HINT, endpoint_port(&d->peer));
			return OUTCOME_NO_ACCEPT;
		}
	}
	return OUTCOME_OK;
}

static int take_greeting(struct dialog *d, struct outcome *out)
{
	uint8_t octets[MSG_GREETING_LEN];
	struct msg_greeting greeting;
	int r = read_message(d, octets, sizeof(octets), "Server-Greeting", out);

	if (r != OUTCOME_OK) {
		return r;
	}
	if (msg_get_greeting(octets, &greeting) != 0) {
		outcome_set(
			out, OUTCOME_NO_ACCEPT, 1,
			"what the server sent is not a Server-Greeting: Count is no power of two "
			"from 1024 on");
		outcome_hint(out, VERSIONS_HINT, endpoint_port(&d->peer));
		return OUTCOME_NO_ACCEPT;
	}
	d->offered = greeting.modes;
	if (greeting.modes == 0) { /* */
		outcome_set(out, OUTCOME_NO_ACCEPT, 1,
			    "the server refuses to talk to this client (Modes 0 in its greeting)");
		outcome_hint(out,
			     "the server allows only certain clients: check its clients setting "
			     "and from which address this client comes (--source)");
		return OUTCOME_NO_ACCEPT;
	}
	return OUTCOME_OK;
}

/* S-4, S-5: the client ends it, with a category of its own. */
static int refuse_modes(struct dialog *d, struct outcome *out)
{
	uint8_t octets[MSG_SETUP_LEN];
	struct msg_setup setup = { .mode = 0 };
	char text[MODE_TEXT_LEN];

	msg_put_setup(octets, &setup);
	(void)write_message(d, octets, sizeof(octets), "Set-Up-Response", out);
	outcome_set(out, OUTCOME_NO_ACCEPT, ACCEPT_UNSUPPORTED,
		    "no mode in common: the server offers %s, this client can do unauthenticated",
		    mode_text(d->offered & MODE_KNOWN_MASK, text, sizeof(text)));
	outcome_hint(out, "compare the modes of the client with the setting modes of the server");
	return OUTCOME_NO_ACCEPT;
}

static int set_up(struct dialog *d, struct outcome *out)
{
	uint8_t octets[MSG_SETUP_LEN];
	uint8_t answer[MSG_SERVER_START_LEN];
	struct msg_setup setup = { .mode = d->modes };
	struct msg_server_start start;
	int r;

	msg_put_setup(octets, &setup);
	r = write_message(d, octets, sizeof(octets), "Set-Up-Response", out);
	if (r != OUTCOME_OK) {
		return r;
	}
	r = read_message(d, answer, sizeof(answer), "Server-Start", out);
	if (r != OUTCOME_OK) {
		return r;
	}
	msg_get_server_start(answer, &start);
	return start.accept == ACCEPT_OK ? OUTCOME_OK
					 : outcome_refused(out, "Server-Start", start.accept);
}

int dialog_open(struct dialog *d, const struct options *o, struct outcome *out)
{
	socklen_t peer_len = sizeof(d->peer), local_len = sizeof(d->local);
	int r;

	*d = (struct dialog){ .fd = -1, .timeout_ns = o->control_timeout_ns };
	r = endpoint_connect(o, &d->fd, out);
	if (r != OUTCOME_OK) {
		return r;
	}
	if (getpeername(d->fd, &d->peer.any, &peer_len) < 0 ||
	    getsockname(d->fd, &d->local.any, &local_len) < 0) {
		return tell_local(out, "control connection", -errno);
	}
	r = take_greeting(d, out);
	if (r != OUTCOME_OK) {
		return r;
	}
	d->modes = dialog_choose(d->offered);
	return d->modes ? set_up(d, out) : refuse_modes(d, out);
}

int dialog_request(struct dialog *d, const struct options *o, uint16_t sender_port,
		   struct msg_accept_session *accept, struct outcome *out)
{
	uint8_t octets[MSG_REQUEST_LEN];
	uint8_t answer[MSG_ACCEPT_SESSION_LEN];
	/* Addresses stay zero: those of this connection (RFC 5357 3.5), right through NAT, too. */
	struct msg_request request = {
		.ipvn = d->peer.any.sa_family == AF_INET6 ? 6 : 4,
		.sender_port = sender_port,
		.receiver_port = o->receiver_port ? o->receiver_port : sender_port,
		.padding = o->padding,
		.timeout = ts_duration_fixed(o->timeout_ns),
		.type_p = msg_type_p(o->dscp),
	};
	int r;

	msg_put_request(octets, &request);
	r = write_message(d, octets, sizeof(octets), "Request-TW-Session", out);
	if (r != OUTCOME_OK) {
		return r;
	}
	r = read_message(d, answer, sizeof(answer), "Accept-Session", out);
	if (r != OUTCOME_OK) {
		return r;
	}
	msg_get_accept_session(answer, accept);
	if (accept->accept != ACCEPT_OK) {
		return outcome_refused(out, "Accept-Session", accept->accept);
	}
	if (accept->port == 0) { /* */
		outcome_set(out, OUTCOME_NO_ACCEPT, 1,
			    "malformed Accept-Session: Accept 0 without a port");
		outcome_hint(out, VERSIONS_HINT, endpoint_port(&d->peer));
		return OUTCOME_NO_ACCEPT;
	}
	return OUTCOME_OK;
}

int dialog_start(struct dialog *d, struct outcome *out)
{
	uint8_t octets[MSG_START_LEN];
	uint8_t answer[MSG_START_ACK_LEN];
	uint8_t accept;
	int r;

	msg_put_start(octets);
	r = write_message(d, octets, sizeof(octets), "Start-Sessions", out);
	if (r != OUTCOME_OK) {
		return r;
	}
	r = read_message(d, answer, sizeof(answer), "Start-Ack", out);
	if (r != OUTCOME_OK) {
		return r;
	}
	accept = msg_get_start_ack(answer);
	return accept == ACCEPT_OK ? OUTCOME_OK : outcome_refused(out, "Start-Ack", accept);
}

int dialog_stop(struct dialog *d, uint32_t sessions, struct outcome *out)
{
	uint8_t octets[MSG_STOP_LEN];
	struct msg_stop stop = { .accept = ACCEPT_OK, .sessions = sessions };

	msg_put_stop(octets, &stop);
	return write_message(d, octets, sizeof(octets), "Stop-Sessions", out);
}

void dialog_close(struct dialog *d)
{
	uint8_t rest[256];

	if (d->fd < 0) {
		return;
	}
	/* Unread octets would turn the close into a reset, which may overtake Stop-Sessions. */
	for (int i = 0; i < 64 && recv(d->fd, rest, sizeof(rest), MSG_DONTWAIT) > 0; i++) {
	}
	close(d->fd);
	d->fd = -1;
}
