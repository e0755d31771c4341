// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/crypt.h"

#include "tests/unit/protocol/seed.h"
#include "tests/unit/protocol/test-crypt.h"

#include <signal.h>
#include <stdlib.h>

#define GUARD 0xee
#define BLOCK_AT 32 /* of what Server-Start adds to the stream of the server */
#define START_LEN 48

static struct seed seed;
static struct vectors *inputs, *cipher, *handshake;

/* The known answers: the messages of each direction of two connections. */
struct direction {
	bool server;
	size_t count;
	const char *messages[5];
};

static const struct direction directions[] = {
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
#define DIRECTIONS (sizeof(directions) / sizeof(*directions))

struct message {
	uint8_t plain[112]; /* with its HMAC */
	uint8_t wire[112];
	size_t n;
	const uint8_t *iv;
};

static const struct vector *part(const char *name, const char *what)
{
	char full[100];

	(void)snprintf(full, sizeof(full), "%s.%s", name, what);
	return vectors_get(cipher, full);
}

static struct message message(const struct direction *d, size_t i)
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

static const uint8_t *iv(const struct direction *d)
{
	return vectors_octets(inputs, d->server ? "in.server_iv" : "in.client_iv", CRYPT_BLOCK);
}

static const uint8_t *start_block(const char *kind)
{
	return vectors_octets(handshake, kind, START_LEN) + BLOCK_AT;
}

/* A stream that is ready for message number @skip of its direction. */
static struct crypt_stream sender(const struct direction *d, size_t skip)
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

static struct crypt_stream receiver_of(const struct direction *d, size_t skip,
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

static struct crypt_stream receiver(const struct direction *d, size_t skip)
{
	struct crypt_keys keys = test_keys(inputs);

	return receiver_of(d, skip, &keys, iv(d));
}

/* The message is denied, the stream is wiped, and the genuine one comes too late. */
static void assert_dead(struct crypt_stream *s, const struct message *genuine)
{
	struct message again = *genuine;

	assert_zeros(s, sizeof(*s));
	ck_assert_int_eq(s->state, CRYPT_UNUSABLE);
	ck_assert_int_eq(crypt_open(s, again.wire, again.n), CRYPT_DENIED);
	ck_assert_int_eq(crypt_open_part(s, again.wire, again.n), CRYPT_DENIED);
	ck_assert_int_eq(crypt_open_part(s, again.wire, 0), CRYPT_DENIED);
	ck_assert_mem_eq(again.wire, genuine->wire, again.n);
}

/* C-040 C-060 C-061 C-062 C-063 C-064 */
START_TEST(seal_vectors)
{
	for (size_t d = 0; d < DIRECTIONS; d++) {
		struct crypt_stream s = sender(&directions[d], 0);

		for (size_t i = 0; i < directions[d].count; i++) {
			struct message m = message(&directions[d], i);
			uint8_t buf[sizeof(m.wire) + 2];

			memset(buf, GUARD, sizeof(buf)); /* the HMAC field too: it is filled in */
			memcpy(buf + 1, m.plain, m.n - CRYPT_HMAC_LEN);
			ck_assert_mem_eq(s.iv, m.iv, CRYPT_BLOCK);
			crypt_seal(&s, buf + 1, m.n);
			ck_assert_mem_eq(buf + 1, m.wire, m.n);
			ck_assert_uint_eq(buf[0], GUARD);
			ck_assert_uint_eq(buf[m.n + 1], GUARD);
		}
	}
}
END_TEST

/* C-040 C-061 */
START_TEST(open_server_start)
{
	struct crypt_keys keys = test_keys(inputs);
	struct crypt_stream s;
	uint8_t block[CRYPT_BLOCK];

	memcpy(block, start_block("serverstart.enc.wire"), sizeof(block));
	crypt_stream_init_receive(&s, &keys, iv(&directions[1]));
	ck_assert_int_eq(crypt_open_part(&s, block, sizeof(block)), 0);
	ck_assert_mem_eq(block, start_block("serverstart.enc.plain"), sizeof(block));
}
END_TEST

/* Messages opened at once, and with each length of a head that is opened before. C-060 to C-064 */
START_TEST(open_vectors)
{
	for (size_t d = 0; d < DIRECTIONS; d++) {
		for (size_t i = 0; i < directions[d].count; i++) {
			struct crypt_stream ready = receiver(&directions[d], i);
			struct message m = message(&directions[d], i);

			ck_assert_mem_eq(ready.iv, m.iv, CRYPT_BLOCK);
			for (size_t head = 0; head < m.n; head += CRYPT_BLOCK) {
				struct crypt_stream s = ready;
				uint8_t buf[sizeof(m.wire) + 2];

				memset(buf, GUARD, sizeof(buf));
				memcpy(buf + 1, m.wire, m.n);
				ck_assert_int_eq(crypt_open_part(&s, buf + 1, head), 0);
				ck_assert_mem_eq(buf + 1, m.plain, head);
				ck_assert_int_eq(crypt_open(&s, buf + 1 + head, m.n - head), 0);
				ck_assert_mem_eq(buf + 1, m.plain, m.n);
				ck_assert_uint_eq(buf[0], GUARD);
				ck_assert_uint_eq(buf[m.n + 1], GUARD);
			}
		}
	}
}
END_TEST

static void hmac_of(uint8_t out[static CRYPT_HMAC_LEN], const uint8_t *a, size_t a_len,
		    const uint8_t *b, size_t b_len)
{
	struct crypt_keys keys = test_keys(inputs);
	struct hmac_sha1_ctx hmac;

	hmac_sha1_set_key(&hmac, sizeof(keys.hmac), keys.hmac);
	hmac_sha1_update(&hmac, a_len, a);
	hmac_sha1_update(&hmac, b_len, b);
	hmac_sha1_digest(&hmac, CRYPT_HMAC_LEN, out);
}

/*
 * The server's first HMAC covers the last block of Server-Start and the message; not all of
 * Server-Start, as the RFC may also be read: that is denied. C-064
 */
START_TEST(first_hmac_of_the_server)
{
	const struct direction *d = &directions[1];
	const uint8_t *start = vectors_octets(handshake, "serverstart.enc.plain", START_LEN);
	struct message m = message(d, 0);
	struct crypt_keys keys = test_keys(inputs);
	size_t covered = m.n - CRYPT_HMAC_LEN;
	uint8_t ours[CRYPT_HMAC_LEN], all48[CRYPT_HMAC_LEN], none[CRYPT_HMAC_LEN];
	const uint8_t *others[] = { all48, none };

	hmac_of(ours, start + BLOCK_AT, CRYPT_BLOCK, m.plain, covered);
	hmac_of(all48, start, START_LEN, m.plain, covered);
	hmac_of(none, start, 0, m.plain, covered);
	ck_assert_mem_eq(ours, m.plain + covered, sizeof(ours));
	ck_assert_mem_eq(all48,
			 vectors_octets(cipher,
					"alt.serverstart_full48_coverage.accept_session_hmac",
					sizeof(all48)),
			 sizeof(all48));
	for (size_t i = 0; i < 2; i++) {
		struct crypt_stream s = receiver(d, 0);
		uint8_t chain[CRYPT_BLOCK], forged[112];
		struct aes128_ctx aes;

		/* What a server that reads it so would send. */
		memcpy(forged, m.wire, covered);
		memcpy(chain, m.wire + covered - CRYPT_BLOCK, sizeof(chain));
		for (size_t k = 0; k < CRYPT_BLOCK; k++) {
			forged[covered + k] = chain[k] ^ others[i][k];
		}
		aes128_set_encrypt_key(&aes, keys.aes);
		aes128_encrypt(&aes, CRYPT_BLOCK, forged + covered, forged + covered);
		ck_assert_int_eq(crypt_open(&s, forged, m.n), CRYPT_DENIED);
		assert_dead(&s, &m);
	}
}
END_TEST

/* Whatever comes first from the server covers the block, e.g. a Start-Ack. C-065 */
START_TEST(first_hmac_of_another_message)
{
	struct crypt_stream out = sender(&directions[1], 0), in = receiver(&directions[1], 0);
	uint8_t ack[32] = { 3 }, hmac[CRYPT_HMAC_LEN];

	hmac_of(hmac, start_block("serverstart.enc.plain"), CRYPT_BLOCK, ack, CRYPT_BLOCK);
	crypt_seal(&out, ack, sizeof(ack));
	ck_assert_int_eq(crypt_open(&in, ack, sizeof(ack)), 0);
	ck_assert_uint_eq(ack[0], 3);
	ck_assert_mem_eq(ack + CRYPT_BLOCK, hmac, sizeof(hmac));
}
END_TEST

/* Every bit of every message, in whole or behind a head that was opened before. C-066 C-068 */
START_TEST(every_bit)
{
	for (size_t d = 0; d < DIRECTIONS; d++) {
		for (size_t i = 0; i < directions[d].count; i++) {
			struct crypt_stream ready = receiver(&directions[d], i);
			struct message m = message(&directions[d], i);

			for (size_t bit = 0; bit < m.n * 8; bit++) {
				struct crypt_stream s = ready, headed = ready;
				struct message bad = m, again;

				flip(bad.wire, bit);
				again = bad;
				ck_assert_int_eq(crypt_open(&s, bad.wire, m.n), CRYPT_DENIED);
				assert_dead(&s, &m);
				ck_assert_int_eq(crypt_open_part(&headed, again.wire, 16), 0);
				ck_assert_int_eq(crypt_open(&headed, again.wire + 16, m.n - 16),
						 CRYPT_DENIED);
				assert_dead(&headed, &m);
			}
		}
	}
}
END_TEST

/* Every bit of the block of Server-Start: the message after it is denied. C-064 */
START_TEST(every_bit_of_server_start)
{
	struct crypt_keys keys = test_keys(inputs);

	for (size_t bit = 0; bit < CRYPT_BLOCK * 8u; bit++) {
		struct message m = message(&directions[1], 0), bad = m;
		uint8_t block[CRYPT_BLOCK];
		struct crypt_stream s;

		memcpy(block, start_block("serverstart.enc.wire"), sizeof(block));
		flip(block, bit);
		crypt_stream_init_receive(&s, &keys, iv(&directions[1]));
		ck_assert_int_eq(crypt_open_part(&s, block, sizeof(block)), 0);
		ck_assert_int_eq(crypt_open(&s, bad.wire, m.n), CRYPT_DENIED);
		assert_dead(&s, &m);
	}
}
END_TEST

/* Every bit of the IV and of both keys. C-052 C-060 */
START_TEST(every_bit_of_the_keys)
{
	for (size_t d = 0; d < 2; d++) {
		struct message m = message(&directions[d], 0);

		for (size_t bit = 0; bit < 8 * (sizeof(struct crypt_keys) + CRYPT_BLOCK); bit++) {
			struct message bad = m;
			uint8_t other_iv[CRYPT_BLOCK];
			struct crypt_keys other = test_keys(inputs);
			struct crypt_stream s;

			memcpy(other_iv, iv(&directions[d]), sizeof(other_iv));
			if (bit < 8 * sizeof(other.aes)) {
				flip(other.aes, bit);
			} else if (bit < 8 * sizeof(other)) {
				flip(other.hmac, bit - 8 * sizeof(other.aes));
			} else {
				flip(other_iv, bit - 8 * sizeof(other));
			}
			s = receiver_of(&directions[d], 0, &other, other_iv);
			ck_assert_int_eq(crypt_open(&s, bad.wire, m.n), CRYPT_DENIED);
			assert_dead(&s, &m);
		}
	}
}
END_TEST

/* Every length of a message but the right one. C-066 C-068 */
START_TEST(truncated)
{
	for (size_t d = 0; d < DIRECTIONS; d++) {
		for (size_t i = 0; i < directions[d].count; i++) {
			struct crypt_stream ready = receiver(&directions[d], i);
			struct message m = message(&directions[d], i);

			for (size_t n = 0; n < m.n; n++) {
				struct crypt_stream s = ready;
				uint8_t *exact = malloc(n ? n : 1); /* for valgrind and ASan */

				ck_assert_ptr_nonnull(exact);
				memcpy(exact, m.wire, n);
				ck_assert_int_eq(crypt_open(&s, exact, n), CRYPT_DENIED);
				assert_dead(&s, &m);
				free(exact);
			}
		}
	}
}
END_TEST

/* Heads that are no whole blocks. C-062 */
START_TEST(heads_of_odd_length)
{
	for (size_t n = 1; n < 48; n++) {
		struct crypt_stream s = receiver(&directions[0], 0);
		struct message m = message(&directions[0], 0), bad = m;

		if (n % CRYPT_BLOCK == 0) {
			continue;
		}
		ck_assert_int_eq(crypt_open_part(&s, bad.wire, n), CRYPT_DENIED);
		ck_assert_mem_eq(bad.wire, m.wire, m.n);
		assert_dead(&s, &m);
	}
}
END_TEST

/* Any message of @from but the one that is due. */
static void assert_refuses(const struct direction *d, size_t due, const struct direction *from)
{
	for (size_t i = 0; i < from->count; i++) {
		struct crypt_stream s = receiver(d, due);
		struct message m = message(from, i), bad = m;

		if (from == d && i == due) {
			continue;
		}
		ck_assert_int_eq(crypt_open(&s, bad.wire, bad.n), CRYPT_DENIED);
		assert_dead(&s, &m);
	}
}

/*
 * Messages again, too early, or of the other direction. Not those of the other connection:
 * it has the same keys, IVs and first messages, and so goes on where this one is. C-062 C-064
 */
START_TEST(out_of_order)
{
	for (size_t d = 0; d < DIRECTIONS; d++) {
		for (size_t due = 0; due <= directions[d].count; due++) {
			assert_refuses(&directions[d], due, &directions[d]);
			assert_refuses(&directions[d], due, &directions[d ^ 1]);
		}
	}
}
END_TEST

/* Two messages taken for one: the HMAC of the first is no text of the second. C-064 */
START_TEST(joined)
{
	for (size_t d = 0; d < DIRECTIONS; d++) {
		struct crypt_stream s = receiver(&directions[d], 0);
		struct message m = message(&directions[d], 0), next = message(&directions[d], 1);
		uint8_t both[sizeof(m.wire) * 2];

		memcpy(both, m.wire, m.n);
		memcpy(both + m.n, next.wire, next.n);
		ck_assert_int_eq(crypt_open(&s, both, m.n + next.n), CRYPT_DENIED);
		assert_dead(&s, &m);
	}
}
END_TEST

/* C-060 C-062 */
START_TEST(random_conversations)
{
	for (int i = 0; i < 300; i++) {
		struct crypt_stream out, in;
		struct crypt_keys keys;
		uint8_t start_iv[CRYPT_BLOCK];

		seed_fill(&seed, &keys, sizeof(keys));
		seed_fill(&seed, start_iv, sizeof(start_iv));
		crypt_stream_init_send(&out, &keys, start_iv);
		crypt_stream_init_receive(&in, &keys, start_iv);
		for (int k = 0; k < 20; k++) {
			uint8_t text[1024], wire[1024];
			/* More than the 512 octets that nettle decrypts at once. */
			size_t n = 16 * (1 + seed_next(&seed) % 64);
			size_t head = 16 * (seed_next(&seed) % (n / 16));

			seed_fill(&seed, text, n);
			memcpy(wire, text, n);
			if (seed_next(&seed) % 4 == 0) {
				crypt_seal_block(&out, wire, n);
				ck_assert_int_eq(crypt_open_part(&in, wire, n), 0);
				ck_assert_mem_eq(wire, text, n);
				continue;
			}
			crypt_seal(&out, wire, n);
			ck_assert_mem_ne(wire, text, n);
			ck_assert_int_eq(crypt_open_part(&in, wire, head), 0);
			ck_assert_int_eq(crypt_open(&in, wire + head, n - head), 0);
			ck_assert_mem_eq(wire, text, n - CRYPT_HMAC_LEN);
		}
	}
}
END_TEST

/* A stream of the other direction opens nothing. */
START_TEST(sending_streams_do_not_open)
{
	struct crypt_stream s = sender(&directions[0], 0);
	struct message m = message(&directions[0], 0), bad = m;

	ck_assert_int_eq(crypt_open(&s, bad.wire, m.n), CRYPT_DENIED);
	assert_dead(&s, &m);
}
END_TEST

START_TEST(wipe)
{
	struct crypt_stream both[] = { sender(&directions[1], 1), receiver(&directions[1], 1) };
	struct message m = message(&directions[1], 1);

	for (size_t i = 0; i < 2; i++) {
		crypt_stream_wipe(&both[i]);
		assert_zeros(&both[i], sizeof(both[i]));
		crypt_stream_wipe(&both[i]);
		assert_dead(&both[i], &m);
	}
}
END_TEST

/* Nothing leaves under a key of zeros. */
START_TEST(wiped_streams_do_not_seal)
{
	struct crypt_stream s = sender(&directions[0], 0);
	uint8_t text[32] = { 0 };

	crypt_stream_wipe(&s);
	crypt_seal(&s, text, sizeof(text));
}
END_TEST

START_TEST(receiving_streams_do_not_seal)
{
	struct crypt_stream s = receiver(&directions[0], 0);
	uint8_t text[16] = { 0 };

	crypt_seal_block(&s, text, sizeof(text));
}
END_TEST

static TCase *forgeries(void)
{
	TCase *tc = tcase_create("forgeries");

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, every_bit);
	tcase_add_test(tc, every_bit_of_server_start);
	tcase_add_test(tc, every_bit_of_the_keys);
	tcase_add_test(tc, truncated);
	tcase_add_test(tc, heads_of_odd_length);
	tcase_add_test(tc, out_of_order);
	tcase_add_test(tc, joined);
	return tc;
}

int main(void)
{
	const char *fork_wanted = getenv("CK_FORK");
	Suite *suite = suite_create("crypt-stream");
	TCase *tc = tcase_create("crypt-stream");
	int r;

	seed = seed_start();
	inputs = vectors_load("inputs.hex");
	cipher = vectors_load("cipher.hex");
	handshake = vectors_load("handshake.hex");
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, seal_vectors);
	tcase_add_test(tc, open_server_start);
	tcase_add_test(tc, open_vectors);
	tcase_add_test(tc, first_hmac_of_the_server);
	tcase_add_test(tc, first_hmac_of_another_message);
	tcase_add_test(tc, random_conversations);
	tcase_add_test(tc, sending_streams_do_not_open);
	tcase_add_test(tc, wipe);
	if (!fork_wanted || strcmp(fork_wanted, "no") != 0) {
		tcase_add_test_raise_signal(tc, wiped_streams_do_not_seal, SIGABRT);
		tcase_add_test_raise_signal(tc, receiving_streams_do_not_seal, SIGABRT);
	}
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, forgeries());
	r = test_run(suite);
	vectors_free(inputs);
	vectors_free(cipher);
	vectors_free(handshake);
	return r;
}
