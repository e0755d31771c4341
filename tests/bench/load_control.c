// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bench/load_control.h"

#include "protocol/pkt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define REPLY_TIMEOUT_S 60

/* Deriving a key takes milliseconds, and a server may well use one salt for all. */
struct derived {
	bool valid;
	uint8_t salt[CRYPT_SALT_LEN];
	uint32_t count;
	uint8_t key[CRYPT_AES_KEY_LEN];
};

static bool is_keyed(uint32_t mode)
{
	return mode & MODE_KEYED_MASK;
}

static bool is_v6(const char *address)
{
	return strchr(address, ':') != NULL;
}

static socklen_t fill(struct sockaddr_storage *out, const char *address, unsigned port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (is_v6(address)) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1) {
			load_die(address);
		}
		return sizeof(*v6);
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, address, &v4->sin_addr) != 1) {
		load_die(address);
	}
	return sizeof(*v4);
}

void load_write(int fd, const void *from, size_t n)
{
	const uint8_t *at = from;

	while (n) {
		ssize_t put = send(fd, at, n, MSG_NOSIGNAL);

		if (put <= 0) {
			load_die("control connection: send");
		}
		at += put;
		n -= (size_t)put;
	}
}

static void read_all(int fd, void *to, size_t n)
{
	uint8_t *at = to;

	while (n) {
		ssize_t got = recv(fd, at, n, 0);

		if (got <= 0) {
			errno = got == 0 ? ECONNRESET : errno;
			load_die("control connection: receive");
		}
		at += got;
		n -= (size_t)got;
	}
}

static const uint8_t *derive(const struct load_options *o, const struct msg_greeting *g)
{
	static struct derived cache;

	if (!cache.valid || cache.count != g->count || memcmp(cache.salt, g->salt, sizeof(g->salt))) {
		crypt_derive(cache.key, o->passphrase, strlen(o->passphrase), g->salt, g->count);
		memcpy(cache.salt, g->salt, sizeof(g->salt));
		cache.count = g->count;
		cache.valid = true;
	}
	return cache.key;
}

static int dial(const struct load_options *o, const char *source)
{
	struct timeval wait = { .tv_sec = REPLY_TIMEOUT_S };
	struct sockaddr_storage a;
	socklen_t len = fill(&a, o->server, o->control_port);
	int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0) {
		load_die("socket");
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (source) {
		struct sockaddr_storage s;
		socklen_t source_len = fill(&s, source, 0);

		if (bind(fd, (struct sockaddr *)&s, source_len)) {
			load_die("bind");
		}
	}
	if (connect(fd, (struct sockaddr *)&a, len)) {
		load_die("connect");
	}
	return fd;
}

void load_control_open(struct load_control *c, const struct load_options *o, const char *source,
		       uint8_t setup[static MSG_SETUP_LEN])
{
	uint8_t octets[MSG_GREETING_LEN];
	struct msg_greeting greeting;
	struct msg_setup m = { .mode = o->mode };

	*c = (struct load_control){ .fd = dial(o, source), .mode = o->mode };
	read_all(c->fd, octets, sizeof(octets));
	errno = 0;
	if (msg_get_greeting(octets, &greeting) || !(greeting.modes & o->mode)) {
		load_die("the server does not offer the mode");
	}
	if (is_keyed(o->mode)) {
		const uint8_t *key = derive(o, &greeting);

		if (getrandom(&c->keys, sizeof(c->keys), 0) < 0 ||
		    getrandom(m.client_iv, sizeof(m.client_iv), 0) < 0) {
			load_die("getrandom");
		}
		memcpy(m.key_id, o->key_id, strnlen(o->key_id, sizeof(m.key_id)));
		crypt_token_seal(m.token, key, greeting.challenge, &c->keys);
		crypt_stream_init_send(&c->out, &c->keys, m.client_iv);
	}
	msg_put_setup(setup, &m);
}

uint8_t load_control_started(struct load_control *c)
{
	uint8_t octets[MSG_SERVER_START_LEN];
	struct msg_server_start start;

	read_all(c->fd, octets, sizeof(octets));
	msg_get_server_start(octets, &start);
	if (start.accept == 0 && is_keyed(c->mode)) {
		crypt_stream_init_receive(&c->in, &c->keys, start.server_iv);
		if (crypt_open_part(&c->in, octets + MSG_SERVER_START_LEN - MSG_BLOCK, MSG_BLOCK)) {
			load_die("Server-Start");
		}
	}
	return start.accept;
}

void load_control_connect(struct load_control *c, const struct load_options *o,
			  const char *source)
{
	uint8_t setup[MSG_SETUP_LEN], accept;

	load_control_open(c, o, source, setup);
	load_write(c->fd, setup, sizeof(setup));
	accept = load_control_started(c);
	if (accept) {
		fprintf(stderr, "load: Server-Start with Accept %u\n", accept);
		exit(1);
	}
}

static void read_message(struct load_control *c, uint8_t *to, size_t n)
{
	read_all(c->fd, to, n);
	if (is_keyed(c->mode) && crypt_open(&c->in, to, n)) {
		errno = EBADMSG;
		load_die("control message");
	}
}

static void write_message(struct load_control *c, uint8_t *from, size_t n)
{
	if (is_keyed(c->mode)) {
		crypt_seal(&c->out, from, n);
	}
	load_write(c->fd, from, n);
}

static void write_requests(struct load_control *c, const struct load_options *o,
			   const struct load_session *sessions, size_t n)
{
	uint8_t octets[CONTROL_WINDOW * MSG_REQUEST_LEN];
	size_t base = pkt_send_len(pkt_layout(o->mode), 0);

	for (size_t i = 0; i < n; i++) {
		struct msg_request m = {
			.ipvn = is_v6(o->server) ? 6 : 4,
			.sender_port = sessions[i].sender_port,
			.receiver_port = sessions[i].sender_port,
			.padding = o->payload > base ? o->payload - (uint32_t)base : 0,
		};

		msg_put_request(octets + i * MSG_REQUEST_LEN, &m);
		if (is_keyed(c->mode)) {
			crypt_seal(&c->out, octets + i * MSG_REQUEST_LEN, MSG_REQUEST_LEN);
		}
	}
	load_write(c->fd, octets, n * MSG_REQUEST_LEN);
}

static void read_accept(struct load_control *c, struct load_session *s)
{
	uint8_t octets[MSG_ACCEPT_SESSION_LEN];
	struct msg_accept_session m;

	read_message(c, octets, sizeof(octets));
	msg_get_accept_session(octets, &m);
	s->accept = m.accept;
	s->port = m.accept ? 0 : m.port;
	memcpy(s->sid, m.sid, sizeof(s->sid));
}

void load_control_request(struct load_control *c, const struct load_options *o,
			  struct load_session *sessions, size_t n,
			  void (*mark)(void *context, size_t done), void *context)
{
	size_t written = 0, done = 0;

	while (done < n) {
		while (written < n && written - done <= CONTROL_WINDOW) {
			size_t some = n - written < CONTROL_WINDOW ? n - written : CONTROL_WINDOW;

			write_requests(c, o, sessions + written, some);
			written += some;
		}
		for (size_t i = 0; i < CONTROL_WINDOW && done < n; i++) {
			read_accept(c, &sessions[done++]);
		}
		if (mark) {
			mark(context, done);
		}
	}
}

void load_control_start(struct load_control *c)
{
	uint8_t octets[MSG_START_LEN], ack[MSG_START_ACK_LEN];

	msg_put_start(octets);
	write_message(c, octets, sizeof(octets));
	read_message(c, ack, sizeof(ack));
	if (msg_get_start_ack(ack)) {
		errno = EPROTO;
		load_die("Start-Sessions");
	}
}

void load_control_stop(struct load_control *c, size_t sessions)
{
	struct msg_stop m = { .sessions = (uint32_t)sessions };
	uint8_t octets[MSG_STOP_LEN];

	msg_put_stop(octets, &m);
	write_message(c, octets, sizeof(octets));
	close(c->fd);
	crypt_keys_wipe(&c->keys);
}
