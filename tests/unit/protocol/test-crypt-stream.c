// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/protocol/test-crypt-stream.h"
#include "tests/unit/protocol/seed.h"

#include <signal.h>
#include <stdlib.h>

static struct seed seed;

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
