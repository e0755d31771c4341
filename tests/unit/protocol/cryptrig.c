// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/protocol/test-crypt-stream.h"

#include <stdio.h>
#include <string.h>

struct vectors *inputs, *cipher, *handshake;

const struct direction directions[DIRECTIONS] = {
	{ false,
	  4,
	  { "enc.c2s.1_request_v4", "enc.c2s.2_request_v6", "enc.c2s.3_start_sessions",
	    "enc.c2s.4_stop_sessions" } },
	{ true,
	  3,
	  { "enc.s2c.1_accept_session", "enc.s2c.2_accept_session_reject3",
	    "enc.s2c.3_start_ack" } },
	{ false,
	  4,
	  { "isc.c2s.1_request", "isc.c2s.2_request", "isc.c2s.3_start_n", "isc.c2s.4_stop_n" } },
	{ true,
	  5,
	  { "isc.s2c.1_accept", "isc.s2c.2_accept", "isc.s2c.3_start_n_ack_0",
	    "isc.s2c.4_start_n_ack_5", "isc.s2c.5_stop_n_ack" } },
};

static const struct vector *part(const char *name, const char *what)
{
	char full[100];

	(void)snprintf(full, sizeof(full), "%s.%s", name, what);
	return vectors_get(cipher, full);
}

struct message message(const struct direction *d, size_t i)
{
	const struct vector *wire = part(d->messages[i], "wire");
	const struct vector *text = part(d->messages[i], "hmac_input");
	const struct vector *hmac = part(d->messages[i], "hmac");
	/* The HMAC of the server's first message also covers the block of Server-Start. */
	size_t skip = d->server && i == 0 ? CRYPT_BLOCK : 0;
	struct message m = { .n = wire->n, .iv = part(d->messages[i], "iv")->octets };

	ck_assert_uint_le(m.n, sizeof(m.wire));
	ck_assert_uint_eq(hmac->n, CRYPT_HMAC_LEN);
	ck_assert_uint_eq(text->n - skip + hmac->n, m.n);
	memcpy(m.wire, wire->octets, m.n);
	memcpy(m.plain, text->octets + skip, m.n - CRYPT_HMAC_LEN);
	memcpy(m.plain + m.n - CRYPT_HMAC_LEN, hmac->octets, hmac->n);
	return m;
}

const uint8_t *iv(const struct direction *d)
{
	return vectors_octets(inputs, d->server ? "in.server_iv" : "in.client_iv", CRYPT_BLOCK);
}

const uint8_t *start_block(const char *kind)
{
	return vectors_octets(handshake, kind, START_LEN) + BLOCK_AT;
}

struct crypt_stream sender(const struct direction *d, size_t skip)
{
	struct crypt_keys keys = test_keys(inputs);
	struct crypt_stream s;
	uint8_t block[CRYPT_BLOCK];

	crypt_stream_init_send(&s, &keys, iv(d));
	if (d->server) {
		memcpy(block, start_block("serverstart.enc.plain"), sizeof(block));
		crypt_seal_block(&s, block, sizeof(block));
		ck_assert_mem_eq(block, start_block("serverstart.enc.wire"), sizeof(block));
	}
	for (size_t i = 0; i < skip; i++) {
		struct message m = message(d, i);

		crypt_seal(&s, m.plain, m.n);
		ck_assert_mem_eq(m.plain, m.wire, m.n);
	}
	return s;
}

struct crypt_stream receiver_of(const struct direction *d, size_t skip,
				const struct crypt_keys *keys, const uint8_t *from_iv)
{
	struct crypt_stream s;
	uint8_t block[CRYPT_BLOCK];

	crypt_stream_init_receive(&s, keys, from_iv);
	if (d->server) {
		memcpy(block, start_block("serverstart.enc.wire"), sizeof(block));
		ck_assert_int_eq(crypt_open_part(&s, block, sizeof(block)), 0);
	}
	for (size_t i = 0; i < skip; i++) {
		struct message m = message(d, i);

		ck_assert_int_eq(crypt_open(&s, m.wire, m.n), 0);
	}
	return s;
}

struct crypt_stream receiver(const struct direction *d, size_t skip)
{
	struct crypt_keys keys = test_keys(inputs);

	return receiver_of(d, skip, &keys, iv(d));
}

void assert_dead(struct crypt_stream *s, const struct message *genuine)
{
	struct message again = *genuine;

	assert_zeros(s, sizeof(*s));
	ck_assert_int_eq(s->state, CRYPT_UNUSABLE);
	ck_assert_int_eq(crypt_open(s, again.wire, again.n), CRYPT_DENIED);
	ck_assert_int_eq(crypt_open_part(s, again.wire, again.n), CRYPT_DENIED);
	ck_assert_int_eq(crypt_open_part(s, again.wire, 0), CRYPT_DENIED);
	ck_assert_mem_eq(again.wire, genuine->wire, again.n);
}
