// SPDX-License-Identifier: BSD-2-Clause
/* What clients hear, and what they think of it. */
#include "tests/flow/world.h"

#include <string.h>

static bool is_zero(const uint8_t *octets, size_t n)
{
	while (n && !*octets) {
		octets++;
		n--;
	}
	return !n;
}

/* R-103 R-112: a refusal carries nothing but its code. */
static void check_refusal(const uint8_t *octets, size_t n)
{
	MUST(n == MSG_ACCEPT_SESSION_LEN);
	MUST(octets[0] >= ACCEPT_FAILURE && octets[0] <= ACCEPT_TEMPORARY);
	MUST(is_zero(octets + 1, n - 1));
}

static void hear_start_ack(const struct conn *c, struct client *k, const uint8_t *octets, size_t n)
{
	MUST(n == MSG_START_ACK_LEN);
	MUST(is_zero(octets + 1, n - 1));
	switch (octets[0]) {
	case ACCEPT_OK: /* */
		MUST(k->accepted > 0);
		k->in_progress += k->accepted;
		k->accepted = 0;
		return;
	case ACCEPT_FAILURE: /* */
		MUST(k->accepted == 0 || k->barred);
		return;
	case ACCEPT_UNSUPPORTED: /* */
		MUST(c->control.state == CONTROL_ACTIVE);
		return;
	case ACCEPT_INTERNAL: /* */
	case ACCEPT_TEMPORARY:
		MUST(k->accepted > 0);
		k->accepted = 0;
		return;
	}
	ck_abort_msg("Start-Ack %u", octets[0]);
}

struct known *client_known(struct client *k, const uint8_t *sid)
{
	for (unsigned i = 0; i < k->n_sessions; i++) {
		if (!memcmp(k->sessions[i].sid, sid, MSG_SID_LEN)) {
			return &k->sessions[i];
		}
	}
	return NULL;
}

/* */
static void hear_started(const struct client *k, const struct expected *e, struct known *s,
			 unsigned accept)
{
	switch (accept) {
	case ACCEPT_OK:
		MUST(s && s->state == KNOWN_ACCEPTED);
		s->state = KNOWN_STARTED;
		return;
	case ACCEPT_FAILURE:
		MUST(!s || s->state == KNOWN_STOPPED || s->forgotten ||
		     (k->barred && s->state == KNOWN_ACCEPTED));
		return;
	case ACCEPT_UNSUPPORTED:
		MUST(s && (s->state != KNOWN_ACCEPTED || e->repeats));
		return;
	case ACCEPT_INTERNAL:
	case ACCEPT_TEMPORARY:
		MUST(s && s->state == KNOWN_ACCEPTED);
		return;
	}
	ck_abort_msg("Start-N-Ack %u", accept);
}

/* */
static void hear_stopped(struct known *s, unsigned accept)
{
	switch (accept) {
	case ACCEPT_OK:
		MUST(s && s->state != KNOWN_STOPPED);
		s->state = KNOWN_STOPPED;
		return;
	case ACCEPT_FAILURE:
		MUST(!s || s->state == KNOWN_STOPPED || s->forgotten);
		return;
	case ACCEPT_UNSUPPORTED:
		MUST(s && s->state == KNOWN_STOPPED);
		return;
	}
	ck_abort_msg("Stop-N-Ack %u", accept);
}

/* R-201 R-203 R-206: every SID of the command, and an Accept value once, ascending */
static void hear_list(struct client *k, const struct expected *e, uint8_t *octets, size_t len)
{
	uint64_t sum = 0;
	uint32_t total = 0;
	int accept = -1;

	while (len) {
		struct msg_n m;

		MUST(len >= MSG_N_LEN(1));
		if (k->keyed) {
			MUST(!crypt_open_part(&k->open, octets, MSG_BLOCK));
		}
		msg_get_n_head(octets, &m);
		MUST(m.command == (e->reply == REPLY_START_N ? 8 : 10));
		MUST(m.n && MSG_N_LEN(m.n) <= len && m.accept > accept);
		accept = m.accept;
		if (k->keyed) {
			MUST(!crypt_open(&k->open, octets + MSG_BLOCK, MSG_N_LEN(m.n) - MSG_BLOCK));
		}
		total += m.n;
		for (uint32_t i = 0; i < m.n; i++) {
			const uint8_t *sid = octets + MSG_BLOCK + MSG_SID_LEN * (size_t)i;

			sum += client_sum(sid);
			if (e->reply == REPLY_START_N) {
				hear_started(k, e, client_known(k, sid), m.accept);
			} else {
				hear_stopped(client_known(k, sid), m.accept);
			}
		}
		octets += MSG_N_LEN(m.n);
		len -= MSG_N_LEN(m.n);
	}
	MUST(total == e->n && sum == e->sum);
}

static void hear_greeting(struct client *k, const uint8_t *octets, size_t n)
{
	struct msg_greeting m;

	MUST(n == MSG_GREETING_LEN);
	MUST(msg_get_greeting(octets, &m) == 0);
	k->offered = m.modes;
	k->greeted = true;
}

static void hear_server_start(struct client *k, uint8_t *octets, size_t n)
{
	MUST(n == MSG_SERVER_START_LEN);
	if (k->refused_mode) {
		MUST(octets[15] == ACCEPT_UNSUPPORTED ||
		     (k->barred && octets[15] == ACCEPT_FAILURE));
	}
	if (octets[15] != ACCEPT_OK) { /* clear, and nothing else in it */
		MUST(is_zero(octets, 15) && is_zero(octets + 16, n - 16));
		return;
	}
	if (!k->keyed) {
		return;
	}
	crypt_stream_init_receive(&k->open, &k->keys, octets + 16);
	MUST(!crypt_open_part(&k->open, octets + 32, MSG_BLOCK));
	MUST(is_zero(octets + 40, 8));
}

static void hear_session(struct client *k, const uint8_t *octets, size_t n)
{
	MUST(n == MSG_ACCEPT_SESSION_LEN);
	if (octets[0] != ACCEPT_OK) {
		check_refusal(octets, n);
		return;
	}
	MUST(!is_zero(octets + 2, 2));
	MUST(!is_zero(octets + 4, MSG_SID_LEN));
	k->accepted++;
	if (!client_individual(k)) {
		return;
	}
	MUST(k->n_sessions < WORLD_KNOWN && !client_known(k, octets + 4)); /* */
	memcpy(k->sessions[k->n_sessions++].sid, octets + 4, MSG_SID_LEN);
}

/* A sealed answer, opened and its HMAC field made what it is in the clear. */
static void unseal(struct client *k, uint8_t *octets, size_t n)
{
	MUST(!crypt_open(&k->open, octets, n));
	memset(octets + n - MSG_HMAC_LEN, 0, MSG_HMAC_LEN);
}

static void hear(const struct conn *c, struct client *k, const struct expected *e, uint8_t *octets,
		 size_t n)
{
	if (k->keyed && (e->reply == REPLY_SESSION || e->reply == REPLY_REFUSAL ||
			 e->reply == REPLY_UNEXPECTED || e->reply == REPLY_START_ACK)) {
		unseal(k, octets, n);
	}
	switch (e->reply) {
	case REPLY_GREETING:
		hear_greeting(k, octets, n);
		return;
	case REPLY_SERVER_START:
		hear_server_start(k, octets, n);
		return;
	case REPLY_SESSION:
		hear_session(k, octets, n);
		return;
	case REPLY_REFUSAL:
		check_refusal(octets, n);
		return;
	case REPLY_UNEXPECTED:
		check_refusal(octets, n);
		MUST(octets[0] == ACCEPT_UNSUPPORTED);
		return;
	case REPLY_START_ACK:
		hear_start_ack(c, k, octets, n);
		return;
	case REPLY_START_N:
	case REPLY_STOP_N:
		hear_list(k, e, octets, n);
		return;
	}
}

void client_reply(struct world *w, struct conn *c, const uint8_t *octets, size_t n)
{
	static uint8_t copy[4 * MSG_N_LEN(MSG_N_MAX)];
	struct client *k = &c->client;
	struct expected e;

	MUST(n <= sizeof(copy));
	memcpy(copy, octets, n);
	if (n == MSG_GREETING_LEN && !k->greeted) {
		hear_greeting(k, octets, n);
		k->n_expected = 0;
		return;
	}
	if (k->manner == MANNER_GARBAGE || k->damaged) {
		k->n_expected = 0;
		return;
	}
	MUST(k->n_expected);
	e = k->expected[0];
	k->n_expected--;
	memmove(k->expected, k->expected + 1, k->n_expected * sizeof(k->expected[0]));
	hear(c, k, &e, copy, n);
}
