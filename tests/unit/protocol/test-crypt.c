// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/crypt.h"

#include "tests/unit/protocol/seed.h"
#include "tests/unit/protocol/test-crypt.h"

#include <nettle/pbkdf2.h>

static struct seed seed;
static struct vectors *inputs, *cipher, *handshake;

static const uint8_t *challenge(void)
{
	return vectors_octets(inputs, "in.challenge", CRYPT_CHALLENGE_LEN);
}

static const uint8_t *kdf(void)
{
	return vectors_octets(cipher, "kdf.count2048", CRYPT_AES_KEY_LEN);
}

static const uint8_t *token(void)
{
	return vectors_octets(cipher, "token.cipher", CRYPT_TOKEN_LEN);
}

/* C-050 C-051 */
START_TEST(derive_vectors)
{
	static const struct {
		const char *name;
		uint32_t count;
	} rows[] = {
		{ "kdf.count1024", 1024 },
		{ "kdf.count2048", 2048 },
		{ "kdf.count32768", 32768 },
	};
	const struct vector *passphrase = vectors_get(inputs, "in.passphrase");
	const uint8_t *salt = vectors_octets(inputs, "in.salt", CRYPT_SALT_LEN);

	ck_assert_uint_eq(vectors_number(inputs, "in.count"), 2048);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t out[CRYPT_AES_KEY_LEN + 1] = { 0 };

		crypt_derive(out, passphrase->octets, passphrase->n, salt, rows[i].count);
		ck_assert_mem_eq(out, vectors_octets(cipher, rows[i].name, CRYPT_AES_KEY_LEN),
				 CRYPT_AES_KEY_LEN);
		ck_assert_uint_eq(out[CRYPT_AES_KEY_LEN], 0);
	}
}
END_TEST

/*
 * The same as nettle's own PBKDF2, which gives the answer of RFC 6070 too: passphrases from
 * none to longer than a block of SHA-1 (64), few rounds and some more. C-050
 */
START_TEST(derive_as_nettle_does)
{
	uint8_t rfc6070[20];

	pbkdf2_hmac_sha1(8, (const uint8_t *)"password", 4096, 4, (const uint8_t *)"salt",
			 sizeof(rfc6070), rfc6070);
	ck_assert_mem_eq(rfc6070,
			 vectors_octets(cipher, "kdf.rfc6070_sanity_password_salt_c4096_dk20",
					sizeof(rfc6070)),
			 sizeof(rfc6070));
	for (size_t len = 0; len <= 130; len++) {
		uint8_t passphrase[130], salt[CRYPT_SALT_LEN];
		uint8_t ours[CRYPT_AES_KEY_LEN], theirs[CRYPT_AES_KEY_LEN];
		uint32_t count = len < 4 ? (uint32_t)len + 1
					 : (uint32_t)(seed_next(&seed) % 64 + 1);

		seed_fill(&seed, passphrase, sizeof(passphrase));
		seed_fill(&seed, salt, sizeof(salt));
		crypt_derive(ours, passphrase, len, salt, count);
		pbkdf2_hmac_sha1(len, passphrase, count, sizeof(salt), salt, sizeof(theirs),
				 theirs);
		ck_assert_mem_eq(ours, theirs, sizeof(ours));
	}
}
END_TEST

/* C-031 C-032 */
START_TEST(token_vectors)
{
	struct crypt_keys keys = test_keys(inputs);
	struct crypt_keys got;
	const uint8_t *plain = vectors_octets(cipher, "token.plain", CRYPT_TOKEN_LEN);
	uint8_t out[CRYPT_TOKEN_LEN];

	crypt_token_seal(out, kdf(), challenge(), &keys);
	ck_assert_mem_eq(out, token(), sizeof(out));
	ck_assert_mem_eq(out, vectors_octets(handshake, "setup.mode4", 164) + 84, sizeof(out));
	ck_assert_int_eq(crypt_token_open(token(), kdf(), challenge(), &got), 0);
	ck_assert_mem_eq(got.aes, plain + 16, sizeof(got.aes));
	ck_assert_mem_eq(got.hmac, plain + 32, sizeof(got.hmac));
}
END_TEST

/* Another connection has another challenge; also a single other bit will do. C-032 */
START_TEST(token_replayed)
{
	for (size_t bit = 0; bit < CRYPT_CHALLENGE_LEN * 8u; bit++) {
		struct crypt_keys got = test_keys(inputs);
		uint8_t other[CRYPT_CHALLENGE_LEN];

		memcpy(other, challenge(), sizeof(other));
		flip(other, bit);
		ck_assert_int_eq(crypt_token_open(token(), kdf(), other, &got), CRYPT_DENIED);
		assert_zeros(&got, sizeof(got));
	}
	for (int i = 0; i < 1000; i++) {
		struct crypt_keys got = test_keys(inputs);
		uint8_t other[CRYPT_CHALLENGE_LEN];

		seed_fill(&seed, other, sizeof(other));
		ck_assert_int_eq(crypt_token_open(token(), kdf(), other, &got), CRYPT_DENIED);
		assert_zeros(&got, sizeof(got));
	}
}
END_TEST

/* C-032 */
START_TEST(token_of_a_wrong_key)
{
	for (size_t bit = 0; bit < CRYPT_AES_KEY_LEN * 8u; bit++) {
		struct crypt_keys got = test_keys(inputs);
		uint8_t other[CRYPT_AES_KEY_LEN];

		memcpy(other, kdf(), sizeof(other));
		flip(other, bit);
		ck_assert_int_eq(crypt_token_open(token(), other, challenge(), &got), CRYPT_DENIED);
		assert_zeros(&got, sizeof(got));
	}
}
END_TEST

/* True if the first message of the genuine client opens with these keys. */
static bool first_message_opens(const struct crypt_keys *keys)
{
	const struct vector *wire = vectors_get(cipher, "enc.c2s.1_request_v4.wire");
	struct crypt_stream s;
	uint8_t message[112];

	ck_assert_uint_eq(wire->n, sizeof(message));
	memcpy(message, wire->octets, sizeof(message));
	crypt_stream_init_receive(&s, keys, vectors_octets(inputs, "in.client_iv", CRYPT_BLOCK));
	return crypt_open(&s, message, sizeof(message)) == 0;
}

/*
 * No bit of a Token can be changed: in the block of the challenge it is denied at once, in
 * the others the session keys are not those of the client. C-032 C-066
 */
START_TEST(token_every_bit)
{
	struct crypt_keys keys = test_keys(inputs);

	ck_assert(first_message_opens(&keys));
	for (size_t bit = 0; bit < CRYPT_TOKEN_LEN * 8u; bit++) {
		struct crypt_keys got = keys;
		uint8_t in[CRYPT_TOKEN_LEN];
		int r;

		memcpy(in, token(), sizeof(in));
		flip(in, bit);
		r = crypt_token_open(in, kdf(), challenge(), &got);
		if (bit < CRYPT_CHALLENGE_LEN * 8u) {
			ck_assert_int_eq(r, CRYPT_DENIED);
			assert_zeros(&got, sizeof(got));
		} else {
			ck_assert_int_eq(r, 0);
			ck_assert_mem_ne(&got, &keys, sizeof(got));
			ck_assert(!first_message_opens(&got));
		}
	}
}
END_TEST

START_TEST(tokens_round_trip)
{
	for (int i = 0; i < 1000; i++) {
		struct crypt_keys keys, got;
		uint8_t dk[CRYPT_AES_KEY_LEN], mine[CRYPT_CHALLENGE_LEN], t[CRYPT_TOKEN_LEN];

		seed_fill(&seed, &keys, sizeof(keys));
		seed_fill(&seed, dk, sizeof(dk));
		seed_fill(&seed, mine, sizeof(mine));
		crypt_token_seal(t, dk, mine, &keys);
		ck_assert_int_eq(crypt_token_open(t, dk, mine, &got), 0);
		ck_assert_mem_eq(&got, &keys, sizeof(keys));
	}
}
END_TEST

static void put_key_id(uint8_t field[static CRYPT_KEY_ID_LEN], const char *text, size_t n)
{
	memset(field, 0, CRYPT_KEY_ID_LEN);
	memcpy(field, text, n);
}

#define TEXT(s) s, sizeof(s) - 1

/* C-033 */
START_TEST(key_ids)
{
	static const struct {
		const char *text;
		size_t n;
		bool good;
	} rows[] = {
		{ TEXT("probe-user-01"), true },
		{ TEXT("a"), true },
		{ TEXT("with space\ttab"), true },
		{ TEXT("\x01\x7f"), true },
		{ TEXT("\xc2\x80"), true },
		{ TEXT("gr\xc3\xbc\xc3\x9f"), true },
		{ TEXT("\xdf\xbf"), true },
		{ TEXT("\xe0\xa0\x80"), true },
		{ TEXT("\xe2\x82\xac"), true },
		{ TEXT("\xed\x9f\xbf"), true },
		{ TEXT("\xee\x80\x80"), true },
		{ TEXT("\xef\xbf\xbf"), true },
		{ TEXT("\xf0\x90\x80\x80"), true },
		{ TEXT("\xf1\x80\x80\x80"), true },
		{ TEXT("\xf4\x8f\xbf\xbf"), true },
		{ TEXT(""), false },
		{ TEXT("a\0b"), false },
		{ TEXT("\0b"), false },
		{ TEXT("\x80"), false }, /* a continuation without its lead */
		{ TEXT("a\xbf"), false },
		{ TEXT("\xc3"), false }, /* the zeros of the field are no continuation */
		{ TEXT("\xc3("), false },
		{ TEXT("\xc0\x80"), false }, /* overlong */
		{ TEXT("\xc1\xbf"), false },
		{ TEXT("\xe0\x80\x80"), false },
		{ TEXT("\xe0\x9f\xbf"), false },
		{ TEXT("\xf0\x80\x80\x80"), false },
		{ TEXT("\xf0\x8f\xbf\xbf"), false },
		{ TEXT("\xed\xa0\x80"), false }, /* surrogates */
		{ TEXT("\xed\xbf\xbf"), false },
		{ TEXT("\xf4\x90\x80\x80"), false }, /* above U+10FFFF */
		{ TEXT("\xf5\x80\x80\x80"), false },
		{ TEXT("\xff"), false },
		{ TEXT("\xe2\x82"), false }, /* cut short */
		{ TEXT("\xe2\x28\xac"), false },
		{ TEXT("\xe2\x82\x28"), false },
		{ TEXT("\xf0\x90\x80"), false },
		{ TEXT("\xf0\x90\x80\x28"), false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint8_t field[CRYPT_KEY_ID_LEN];
		size_t len = 99;
		int r;

		put_key_id(field, rows[i].text, rows[i].n);
		r = crypt_key_id_len(field, &len);
		ck_assert_msg(r == (rows[i].good ? 0 : CRYPT_DENIED), "row %zu: %d", i, r);
		ck_assert_uint_eq(len, rows[i].good ? rows[i].n : 0);
	}
}
END_TEST

/* Full fields, where no zero ends the KeyID, and sequences across their end. C-033 */
START_TEST(key_ids_that_fill_the_field)
{
	for (size_t n = 1; n <= CRYPT_KEY_ID_LEN; n++) {
		uint8_t field[CRYPT_KEY_ID_LEN + 4] = { 0 };
		size_t len;

		memset(field, 'x', n);
		memset(field + CRYPT_KEY_ID_LEN, 0x80, 4); /* would go on with it */
		ck_assert_int_eq(crypt_key_id_len(field, &len), 0);
		ck_assert_uint_eq(len, n);
		field[n - 1] = 0xc3;
		ck_assert_int_eq(crypt_key_id_len(field, &len), CRYPT_DENIED);
		ck_assert_uint_eq(len, 0);
		if (n >= 2) {
			field[n - 2] = 0xc3;
			field[n - 1] = 0xbc;
			ck_assert_int_eq(crypt_key_id_len(field, &len), 0);
			ck_assert_uint_eq(len, n);
		}
		if (n >= 3) {
			field[n - 3] = 0xf0;
			field[n - 2] = 0x90;
			field[n - 1] = 0x80;
			ck_assert_int_eq(crypt_key_id_len(field, &len), CRYPT_DENIED);
		}
	}
}
END_TEST

/* Every code point there is, encoded by another route than the table of crypt.c. C-033 */
START_TEST(key_ids_of_every_code_point)
{
	for (uint32_t c = 1; c <= 0x10ffff; c++) {
		uint8_t field[CRYPT_KEY_ID_LEN] = { 0 };
		size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		bool good = c < 0xd800 || c > 0xdfff;
		uint32_t left = c;
		size_t len;
		int r;

		for (size_t i = n - 1; i > 0; i--, left >>= 6) {
			field[i] = (uint8_t)(0x80 | (left & 0x3f));
		}
		field[0] = (uint8_t)(n == 1 ? left : (0xf00u >> n & 0xf0u) | left);
		r = crypt_key_id_len(field, &len);
		if (r != (good ? 0 : CRYPT_DENIED) || len != (good ? n : 0)) {
			ck_abort_msg("U+%04X: %d, %zu octets", (unsigned)c, r, len);
		}
	}
}
END_TEST

START_TEST(wipe_keys)
{
	struct crypt_keys keys = test_keys(inputs);

	crypt_keys_wipe(&keys);
	assert_zeros(&keys, sizeof(keys));
	crypt_keys_wipe(&keys);
	assert_zeros(&keys, sizeof(keys));
}
END_TEST

/* Other passphrases and other salts have other marks. */
START_TEST(marks)
{
	static const uint8_t salt[CRYPT_SALT_LEN] = { 1 }, other_salt[CRYPT_SALT_LEN] = { 2 };
	uint8_t mark[CRYPT_MARK_LEN], other[CRYPT_MARK_LEN];

	crypt_mark(mark, "secret", 6, salt);
	crypt_mark(other, "secret", 6, salt);
	ck_assert_mem_eq(mark, other, sizeof(mark));
	crypt_mark(other, "secreu", 6, salt);
	ck_assert_mem_ne(mark, other, sizeof(mark));
	crypt_mark(other, "secret", 5, salt);
	ck_assert_mem_ne(mark, other, sizeof(mark));
	crypt_mark(other, "secret", 6, other_salt);
	ck_assert_mem_ne(mark, other, sizeof(mark));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypt");
	TCase *tc = tcase_create("crypt");
	int r;

	seed = seed_start();
	inputs = vectors_load("inputs.hex");
	cipher = vectors_load("cipher.hex");
	handshake = vectors_load("handshake.hex");
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, marks);
	tcase_add_test(tc, derive_vectors);
	tcase_add_test(tc, derive_as_nettle_does);
	tcase_add_test(tc, token_vectors);
	tcase_add_test(tc, token_replayed);
	tcase_add_test(tc, token_of_a_wrong_key);
	tcase_add_test(tc, token_every_bit);
	tcase_add_test(tc, tokens_round_trip);
	tcase_add_test(tc, key_ids);
	tcase_add_test(tc, key_ids_that_fill_the_field);
	tcase_add_test(tc, key_ids_of_every_code_point);
	tcase_add_test(tc, wipe_keys);
	suite_add_tcase(suite, tc);
	r = test_run(suite);
	vectors_free(inputs);
	vectors_free(cipher);
	vectors_free(handshake);
	return r;
}
