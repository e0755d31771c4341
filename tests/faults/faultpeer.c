// SPDX-License-Identifier: BSD-2-Clause
#include "tests/faults/faultpeer.h"

#include "protocol/accept.h"
#include "protocol/mode.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_OCTETS 60

static const uint8_t iv[CRYPT_BLOCK] = { 1, 2, 3 };

void (*faultpeer_stuck)(void);

static bool fail(struct faultpeer *p)
{
	if (p->fd >= 0) {
		close(p->fd);
	}
	p->fd = -1;
	return false;
}

/* False if the connection is gone. */
static bool get(struct faultpeer *p, uint8_t *to, size_t n)
{
	while (n && p->fd >= 0) {
		ssize_t got = recv(p->fd, to, n, 0);

		if (got < 0 && errno == EAGAIN) {
			faultpeer_stuck();
		}
		if (got <= 0) {
			return fail(p);
		}
		to += got;
		n -= (size_t)got;
	}
	return !n;
}

static bool put(struct faultpeer *p, const uint8_t *from, size_t n)
{
	return p->fd >= 0 && (send(p->fd, from, n, MSG_NOSIGNAL) == (ssize_t)n || fail(p));
}

static bool is_keyed(const struct faultpeer *p)
{
	return p->mode & MODE_KEYED_MASK;
}

static bool put_message(struct faultpeer *p, uint8_t *message, size_t n)
{
	if (p->fd >= 0 && is_keyed(p)) {
		crypt_seal(&p->seal, message, n);
	}
	return put(p, message, n);
}

static bool get_message(struct faultpeer *p, uint8_t *to, size_t n)
{
	return get(p, to, n) && (!is_keyed(p) || !crypt_open(&p->open, to, n) || fail(p));
}

static int connect_to(const struct sockaddr_in *server)
{
	struct timeval wait = { .tv_sec = FAULTPEER_WAIT_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		abort();
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)server, sizeof(*server))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void prove(struct faultpeer *p, const struct msg_greeting *g, struct msg_setup *setup,
		  const char *key_id, const char *passphrase)
{
	uint8_t dk[CRYPT_AES_KEY_LEN];

	memset(&p->keys, 7, sizeof(p->keys));
	memcpy(setup->key_id, key_id, strlen(key_id));
	memcpy(setup->client_iv, iv, sizeof(iv));
	crypt_derive(dk, passphrase, strlen(passphrase), g->salt, g->count);
	crypt_token_seal(setup->token, dk, g->challenge, &p->keys);
	crypt_stream_init_send(&p->seal, &p->keys, iv);
}

bool faultpeer_open(struct faultpeer *p, const struct sockaddr_in *server, uint32_t mode,
		    const char *key_id, const char *passphrase)
{
	uint8_t greeting[MSG_GREETING_LEN], setup[MSG_SETUP_LEN], start[MSG_SERVER_START_LEN];
	struct msg_setup s = { .mode = mode };
	struct msg_server_start m;
	struct msg_greeting g;

	*p = (struct faultpeer){ .fd = connect_to(server), .mode = mode };
	p->udp = faultpeer_udp(&p->port);
	if (!get(p, greeting, sizeof(greeting)) || msg_get_greeting(greeting, &g) ||
	    (g.modes & mode) != mode) {
		return fail(p);
	}
	if (is_keyed(p)) {
		prove(p, &g, &s, key_id, passphrase);
	}
	msg_put_setup(setup, &s);
	if (!put(p, setup, sizeof(setup)) || !get(p, start, sizeof(start))) {
		return false;
	}
	msg_get_server_start(start, &m);
	if (m.accept) {
		return fail(p);
	}
	if (is_keyed(p)) {
		crypt_stream_init_receive(&p->open, &p->keys, m.server_iv);
		return !crypt_open_part(&p->open, start + 32, CRYPT_BLOCK) || fail(p);
	}
	return true;
}

void faultpeer_close(struct faultpeer *p)
{
	(void)fail(p);
	close(p->udp);
}

bool faultpeer_request(struct faultpeer *p, double timeout_s, uint16_t to_port)
{
	struct msg_request m = { .ipvn = 4,
				 .sender_port = p->port,
				 .receiver_port = to_port,
				 .timeout = (uint64_t)(timeout_s * 4294967296.) };
	uint8_t octets[MSG_REQUEST_LEN], answer[MSG_ACCEPT_SESSION_LEN];

	msg_put_request(octets, &m);
	memset(octets + MSG_REQUEST_LEN - MSG_HMAC_LEN, 0, MSG_HMAC_LEN);
	if (p->n) { /* another sender's port, which nothing comes from */
		octets[13] ^= 1;
	}
	if (!put_message(p, octets, sizeof(octets)) || !get_message(p, answer, sizeof(answer))) {
		return false;
	}
	msg_get_accept_session(answer, &p->session[p->n]);
	return !p->session[p->n].accept && ++p->n;
}

/* All sessions that were accepted; one acknowledgement for each Accept value. */
static bool name_all(struct faultpeer *p, uint8_t command)
{
	struct msg_n m = { .command = command, .n = p->n };
	uint8_t octets[MSG_N_LEN(FAULTPEER_SESSIONS)] = { 0 };
	unsigned good = 0;

	msg_put_n_head(octets, &m);
	for (unsigned i = 0; i < p->n; i++) {
		memcpy(octets + MSG_BLOCK * (1 + i), p->session[i].sid, MSG_SID_LEN);
	}
	if (!put_message(p, octets, MSG_N_LEN(p->n))) {
		return false;
	}
	for (unsigned named = 0; named < p->n; named += m.n) {
		if (!get(p, octets, MSG_BLOCK)) {
			return false;
		}
		msg_get_n_head(octets, &m);
		if (!m.n || m.n > p->n || !get(p, octets + MSG_BLOCK, MSG_N_LEN(m.n) - MSG_BLOCK)) {
			return fail(p);
		}
		good += m.accept ? 0 : m.n;
	}
	return good == p->n;
}

static bool is_individual(const struct faultpeer *p)
{
	return p->mode & MODE_INDIVIDUAL_CONTROL;
}

bool faultpeer_start(struct faultpeer *p)
{
	uint8_t octets[MSG_START_LEN], answer[MSG_START_ACK_LEN];

	if (is_individual(p)) {
		return name_all(p, 7);
	}
	msg_put_start(octets);
	return put_message(p, octets, sizeof(octets)) && get_message(p, answer, sizeof(answer)) &&
	       !msg_get_start_ack(answer);
}

bool faultpeer_stop(struct faultpeer *p)
{
	struct msg_stop m = { .sessions = p->n };
	uint8_t octets[MSG_STOP_LEN];

	if (is_individual(p)) {
		return name_all(p, 9);
	}
	msg_put_stop(octets, &m);
	return put_message(p, octets, sizeof(octets));
}

bool faultpeer_stop_many(struct faultpeer *p, uint32_t n)
{
	struct msg_n m = { .command = 9, .n = n };
	uint8_t octets[MSG_BLOCK];

	msg_put_n_head(octets, &m);
	return put(p, octets, sizeof(octets));
}

bool faultpeer_stop_many_rest(struct faultpeer *p, uint32_t n)
{
	static uint8_t octets[MSG_N_LEN(MSG_N_MAX)];
	struct msg_n m;

	memset(octets, 0xee, sizeof(octets));
	memset(octets + MSG_N_LEN(n) - MSG_BLOCK - MSG_HMAC_LEN, 0, MSG_HMAC_LEN);
	if (!put(p, octets, MSG_N_LEN(n) - MSG_BLOCK) || !get(p, octets, MSG_BLOCK)) {
		return false;
	}
	msg_get_n_head(octets, &m);
	return (m.n == n && m.accept == ACCEPT_FAILURE &&
		get(p, octets, MSG_N_LEN(n) - MSG_BLOCK)) ||
	       fail(p);
}

/* --- packets ------------------------------------------------------------------------------ */

int faultpeer_udp(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) ||
	    getsockname(fd, (struct sockaddr *)&a, &len)) {
		abort();
	}
	*port = ntohs(a.sin_port);
	return fd;
}

bool faultpeer_exchange(int udp, uint16_t to_port, int wait_ms)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(to_port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint8_t octets[PACKET_OCTETS] = { [12] = 1, [13] = 1 };
	struct pollfd p = { .fd = udp, .events = POLLIN };

	(void)!sendto(udp, octets, sizeof(octets), 0, (struct sockaddr *)&to, sizeof(to));
	return poll(&p, 1, wait_ms) == 1 && recv(udp, octets, sizeof(octets), 0) == sizeof(octets);
}
