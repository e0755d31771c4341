// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/server/lobby.h"

#include "base/clock.h"
#include "base/endpoint.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_NS (60 * TS_NS_PER_S) /* for what is there at once, unless the host is stuck */

/* The one leak that daemon/config/source.h owns up to. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

struct settings *lobby_settings(const char *text)
{
	char path[] = "/tmp/test-lobby.XXXXXX.conf";
	struct settings_error err = { .text = "" };
	struct settings *settings = NULL;
	int fd = text ? mkstemps(path, 5) : -1;

	if (text) {
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
		close(fd);
	}
	ck_assert_msg(!settings_load(text ? path : NULL, &settings, &err), "%s", err.text);
	if (text) {
		ck_assert_int_eq(unlink(path), 0);
	}
	return settings;
}

static void open_door(struct lobby *s)
{
	union endpoint at = endpoint_of(&(struct address){ .family = 4, .ip = { 127, 0, 0, 1 } });

	s->door = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(s->door, &at.any, endpoint_len(&at)), 0);
	ck_assert_int_eq(listen(s->door, 16), 0);
	ck_assert_int_eq(endpoint_bound(s->door, &s->at), 0);
}

void lobby_init(struct lobby *s, const char *text)
{
	struct conns *cs = &s->conns;
	struct settings *settings = lobby_settings(text);

	*s = (struct lobby){ 0 };
	fake_forget();
	cs->loop = ev_loop_new(0);
	ck_assert_ptr_nonnull(cs->loop);
	cs->reflector = &fake_reflector;
	cs->start_time = ts_encode(TS_NTP, clock_wall());
	ck_assert_int_eq(conns_init(cs), 0);
	ck_assert_int_eq(host_init(&cs->host, cs->loop), 0);
	ck_assert_int_eq(ends_new(&cs->ends, NULL), 0);
	ck_assert_int_eq(class_use_prepare(&cs->class_uses, settings), 0);
	conns_use(cs, settings);
	cs->clients = clients_new(settings->ipv6_client_prefix);
	ck_assert_ptr_nonnull(cs->clients);
	open_door(s);
}

void lobby_use(struct lobby *s, const char *text)
{
	struct settings *next = lobby_settings(text), *old = s->conns.settings;

	ck_assert_int_eq(class_use_prepare(&s->conns.class_uses, next), 0);
	conns_use(&s->conns, next);
	(void)clients_set_prefix(s->conns.clients, next->ipv6_client_prefix);
	conn_settings_changed(&s->conns);
	settings_unref(old);
}

void lobby_wipe(struct lobby *s)
{
	struct conns *cs = &s->conns;

	conn_free_all(cs);
	while (fake_reflector.first) {
		fake_end(cs, fake_reflector.first, UDP_END_ORDERED);
	}
	ck_assert_uint_eq(cs->admit.connections, 0);
	ck_assert_uint_eq(cs->admit.sessions, 0);
	ck_assert_uint_eq(cs->sessions.n, 0);
	ck_assert_ptr_null(cs->standings);
	conns_wipe(cs);
	host_wipe(&cs->host);
	ends_free(cs->ends);
	settings_unref(cs->settings);
	ev_loop_destroy(cs->loop);
	close(s->door);
}

int lobby_dial_from(struct lobby *s, uint8_t host)
{
	union endpoint to = endpoint_of(&s->at), peer;
	union endpoint from = endpoint_of(
		&(struct address){ .family = 4, .ip = { 127, 0, 0, host } });
	socklen_t len = sizeof peer;
	int fd = socket(AF_INET, SOCK_STREAM, 0), in;

	ck_assert_int_eq(bind(fd, &from.any, endpoint_len(&from)), 0);
	ck_assert_int_eq(connect(fd, &to.any, endpoint_len(&to)), 0);
	in = accept4(s->door, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ck_assert_int_ge(in, 0);
	(void)conn_new(&s->conns, in, &peer);
	return fd;
}

int lobby_dial(struct lobby *s)
{
	return lobby_dial_from(s, 1);
}

void lobby_turn(struct lobby *s)
{
	for (int i = 0; i < 4; i++) {
		ev_run(s->conns.loop, EVRUN_NOWAIT);
	}
}

/* As recv(), but the server gets its turns until there is something. */
static ssize_t receive(struct lobby *s, int fd, void *to, size_t n)
{
	int64_t until = clock_mono().ns + PATIENCE_NS;
	ssize_t got;

	do {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		lobby_turn(s);
		(void)poll(&p, 1, 1);
		got = recv(fd, to, n, MSG_DONTWAIT);
	} while (got < 0 && errno == EAGAIN && clock_mono().ns < until);
	return got;
}

void lobby_read(struct lobby *s, int fd, uint8_t *to, size_t n)
{
	while (n) {
		ssize_t got = receive(s, fd, to, n);

		ck_assert_int_gt(got, 0);
		to += got;
		n -= (size_t)got;
	}
}

void lobby_read_end(struct lobby *s, int fd)
{
	uint8_t octets[256];
	ssize_t got;

	do {
		got = receive(s, fd, octets, sizeof octets);
	} while (got > 0);
	ck_assert(got == 0 || errno == ECONNRESET);
}

void lobby_write(struct lobby *s, int fd, const uint8_t *from, size_t n)
{
	ck_assert_int_eq(send(fd, from, n, MSG_NOSIGNAL), (ssize_t)n);
	lobby_turn(s);
}

uint8_t lobby_shake_hands(struct lobby *s, int fd)
{
	uint8_t octets[MSG_SETUP_LEN];
	struct msg_setup setup = { .mode = MODE_UNAUTHENTICATED };
	struct msg_server_start start;

	lobby_read(s, fd, octets, MSG_GREETING_LEN);
	msg_put_setup(octets, &setup);
	lobby_write(s, fd, octets, MSG_SETUP_LEN);
	lobby_read(s, fd, octets, MSG_SERVER_START_LEN);
	msg_get_server_start(octets, &start);
	return start.accept;
}

struct msg_accept_session lobby_request(struct lobby *s, int fd, uint16_t port)
{
	uint8_t octets[MSG_REQUEST_LEN];
	struct msg_accept_session answer;

	msg_put_request(octets, &(struct msg_request){ .ipvn = 4,
						       .sender_port = port,
						       .timeout = UINT64_C(2) << 32 });
	lobby_write(s, fd, octets, MSG_REQUEST_LEN);
	lobby_read(s, fd, octets, MSG_ACCEPT_SESSION_LEN);
	msg_get_accept_session(octets, &answer);
	return answer;
}

uint8_t lobby_start(struct lobby *s, int fd)
{
	uint8_t octets[MSG_START_LEN];

	msg_put_start(octets);
	lobby_write(s, fd, octets, MSG_START_LEN);
	lobby_read(s, fd, octets, MSG_START_ACK_LEN);
	return msg_get_start_ack(octets);
}

void lobby_stop(struct lobby *s, int fd, uint32_t sessions)
{
	uint8_t octets[MSG_STOP_LEN];

	msg_put_stop(octets, &(struct msg_stop){ .sessions = sessions });
	lobby_write(s, fd, octets, MSG_STOP_LEN);
}
