// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/crypt.h"

#include "protocol/pkt.h"
#include "tests/unit/protocol/seed.h"
#include "tests/unit/protocol/test-crypt.h"

#include <stdlib.h>

#define GUARD 0xee
#define PAD 64
#define T3_AT 16

static struct seed seed;
static struct vectors *inputs, *clear, *cipher;

/* The two directions of the two modes, and which of their octets are protected. */
struct kind {
	bool encrypted;
	bool reply;
	size_t covered; /* octets from the start */
	size_t hmac_at;
	const char *wire;
};

static const struct kind kinds[] = {
	{ false, false, 16, 32, "test.auth.sender.wire.pad64" },
	{ true, false, 32, 32, "test.enc.sender.wire.pad64" },
	{ false, true, 16, 96, "test.auth.reflector.wire.sender_pad64" },
	{ true, true, 96, 96, "test.enc.reflector.wire.sender_pad64" },
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static struct crypt_test keyed(const char *sid)
{
	struct crypt_keys keys = test_keys(inputs);
	struct crypt_test t;

	crypt_test_init(&t, &keys, vectors_octets(inputs, sid, CRYPT_SID_LEN));
	return t;
}

static void seal(const struct kind *k, struct crypt_test *t, uint8_t *pkt)
{
	if (k->reply) {
		crypt_pkt_seal_reply(t, k->encrypted, pkt);
	} else {
		crypt_pkt_seal_send(t, k->encrypted, pkt);
	}
}

NODISCARD static int open_pkt(const struct kind *k, struct crypt_test *t, uint8_t *pkt, size_t n)
{
	return k->reply ? crypt_pkt_open_reply(t, k->encrypted, pkt, n)
			: crypt_pkt_open_send(t, k->encrypted, pkt, n);
}

static bool is_protected(const struct kind *k, size_t at)
{
	return at < k->covered || (at >= k->hmac_at && at < k->hmac_at + CRYPT_HMAC_LEN);
}

/* The plaintext of a vector: what precedes the HMAC, zeros for it, and padding. */
static void put_plain(const struct kind *k, uint8_t *out, size_t n)
{
	memset(out, 0, n);
	memcpy(out,
	       vectors_octets(clear,
			      k->reply ? "test.reflector.plain_first96"
				       : "test.sender.plain_first32",
			      k->hmac_at),
	       k->hmac_at);
	for (size_t i = k->hmac_at + CRYPT_HMAC_LEN; i < n; i++) {
		out[i] = (uint8_t)(0xa0 + i - k->hmac_at - CRYPT_HMAC_LEN);
	}
}

/* C-054 */
START_TEST(keys_of_a_session)
{
	struct crypt_test t = keyed("in.sid");
	struct aes128_ctx aes;
	struct hmac_sha1_ctx hmac;
	uint8_t ours[20], theirs[20];

	aes128_set_encrypt_key(&aes, vectors_octets(cipher, "testkey.aes", 16));
	ck_assert_mem_eq(&t.encrypt, &aes, sizeof(aes));
	aes128_set_decrypt_key(&aes, vectors_octets(cipher, "testkey.aes", 16));
	ck_assert_mem_eq(&t.decrypt, &aes, sizeof(aes));
	hmac_sha1_set_key(&hmac, 32, vectors_octets(cipher, "testkey.hmac", 32));
	for (int i = 0; i < 2; i++) {
		hmac_sha1_digest(&hmac, sizeof(theirs), theirs);
		hmac_sha1_digest(&t.hmac, sizeof(ours), ours);
		ck_assert_mem_eq(ours, theirs, sizeof(ours));
	}
}
END_TEST

/* T-001 T-002 T-003 T-010 T-011 T-014: sealed twice, as nothing of a packet stays in the keys */
START_TEST(vectors_both_ways)
{
	struct crypt_test t = keyed("in.sid");

	for (size_t i = 0; i < 2 * KINDS; i++) {
		const struct kind *k = &kinds[i % KINDS];
		const struct vector *wire = vectors_get(cipher, k->wire);
		uint8_t pkt[200], plain[200];

		put_plain(k, plain, wire->n);
		memcpy(pkt, plain, wire->n);
		seal(k, &t, pkt);
		ck_assert_mem_eq(pkt, wire->octets, wire->n);
		ck_assert_int_eq(open_pkt(k, &t, pkt, wire->n), 0);
		memcpy(plain + k->hmac_at, wire->octets + k->hmac_at, CRYPT_HMAC_LEN);
		ck_assert_mem_eq(pkt, plain, wire->n);
	}
}
END_TEST

/* The HMACs, named on their own. T-001 T-002 T-010 T-011 */
START_TEST(hmac_vectors)
{
	static const char *const names[KINDS] = { "test.auth.sender.hmac", "test.enc.sender.hmac",
						  "test.auth.reflector.hmac",
						  "test.enc.reflector.hmac" };
	struct crypt_test t = keyed("in.sid");

	for (size_t i = 0; i < KINDS; i++) {
		uint8_t pkt[200];

		put_plain(&kinds[i], pkt, sizeof(pkt));
		seal(&kinds[i], &t, pkt);
		ck_assert_mem_eq(pkt + kinds[i].hmac_at, vectors_octets(cipher, names[i], 16), 16);
	}
}
END_TEST

/* Replies with padding, and with the octet of RFC 7750. T-011 T-013 */
START_TEST(other_replies)
{
	static const char *const names[] = { "test.enc.reflector.wire.sender_pad80",
					     "test.enc.reflector.rfc7750.wire.sender_pad64" };
	uint8_t tos = (uint8_t)vectors_number(clear, "test.in.tos");

	for (size_t i = 0; i < 2; i++) {
		const struct vector *wire = vectors_get(cipher, names[i]);
		struct crypt_test t = keyed("in.sid");
		uint8_t pkt[200];

		put_plain(&kinds[3], pkt, wire->n);
		if (i == 1) {
			pkt[pkt_layout(MODE_ENCRYPTED | MODE_DSCP_ECN)->tos] = tos;
		}
		crypt_pkt_seal_reply(&t, true, pkt);
		ck_assert_mem_eq(pkt, wire->octets, wire->n);
		ck_assert_int_eq(crypt_pkt_open_reply(&t, true, pkt, wire->n), 0);
	}
}
END_TEST

/* T-042 */
START_TEST(bad_hmac_vector)
{
	const struct vector *bad = vectors_get(cipher, "neg.test.enc.sender.bad_hmac");
	const struct vector *good = vectors_get(cipher, "test.enc.sender.wire.pad64");
	struct crypt_test t = keyed("in.sid");
	uint8_t pkt[200];

	memcpy(pkt, bad->octets, bad->n);
	ck_assert_int_eq(crypt_pkt_open_send(&t, true, pkt, bad->n), CRYPT_DENIED);
	memcpy(pkt, good->octets, good->n);
	ck_assert_int_eq(crypt_pkt_open_send(&t, true, pkt, good->n), 0);
}
END_TEST

/*
 * Every bit of the packets: denied if it is protected, else let through as it is. After each
 * of them the genuine packet is good, as a packet never ends a session. T-003 T-010 T-042
 */
START_TEST(every_bit)
{
	struct crypt_test t = keyed("in.sid");

	for (size_t i = 0; i < KINDS; i++) {
		const struct kind *k = &kinds[i];
		const struct vector *wire = vectors_get(cipher, k->wire);

		for (size_t bit = 0; bit < wire->n * 8; bit++) {
			uint8_t pkt[200], good[200];
			int r;

			memcpy(good, wire->octets, wire->n);
			memcpy(pkt, wire->octets, wire->n);
			flip(pkt, bit);
			r = open_pkt(k, &t, pkt, wire->n);
			ck_assert_int_eq(r, is_protected(k, bit / 8) ? CRYPT_DENIED : 0);
			ck_assert_int_eq(open_pkt(k, &t, good, wire->n), 0);
			if (r == 0) {
				flip(pkt, bit);
				ck_assert_mem_eq(pkt, good, wire->n);
			}
		}
	}
}
END_TEST

/*
 * All octets at random, those that must be zero included: they are covered as they came.
 * Nothing is touched but what is protected, and nothing behind the packet. T-003 T-004
 */
START_TEST(random_packets)
{
	for (int round = 0; round < 2000; round++) {
		const struct kind *k = &kinds[round % (int)KINDS];
		size_t min = k->hmac_at + CRYPT_HMAC_LEN, n = min + seed_next(&seed) % PAD;
		struct crypt_keys keys;
		struct crypt_test t;
		uint8_t sid[CRYPT_SID_LEN], plain[200], pkt[200];

		seed_fill(&seed, &keys, sizeof(keys));
		seed_fill(&seed, sid, sizeof(sid));
		seed_fill(&seed, plain, sizeof(plain));
		crypt_test_init(&t, &keys, sid);
		memcpy(pkt, plain, sizeof(pkt));
		seal(k, &t, pkt);
		for (size_t at = 0; at < sizeof(pkt); at++) {
			if (!is_protected(k, at)) {
				ck_assert_uint_eq(pkt[at], plain[at]);
			}
		}
		ck_assert_mem_ne(pkt, plain, k->covered);
		ck_assert_int_eq(open_pkt(k, &t, pkt, n), 0);
		memcpy(plain + k->hmac_at, pkt + k->hmac_at, CRYPT_HMAC_LEN);
		ck_assert_mem_eq(pkt, plain, sizeof(pkt));
	}
}
END_TEST

/* In the authenticated mode the timestamp may be put last, in both directions. T-005 T-012 */
START_TEST(timestamp_after_sealing)
{
	for (size_t i = 0; i < KINDS; i++) {
		const struct vector *wire = vectors_get(cipher, kinds[i].wire);
		struct crypt_test t = keyed("in.sid");
		uint8_t pkt[200], stamp[8];

		if (kinds[i].encrypted) {
			continue;
		}
		put_plain(&kinds[i], pkt, wire->n);
		memcpy(stamp, pkt + T3_AT, sizeof(stamp));
		memset(pkt + T3_AT, GUARD, sizeof(stamp));
		seal(&kinds[i], &t, pkt);
		memcpy(pkt + T3_AT, stamp, sizeof(stamp));
		ck_assert_mem_eq(pkt, wire->octets, wire->n);
	}
}
END_TEST

/* Short packets are denied unread: each is a block of memory of its own. T-020 */
START_TEST(truncated)
{
	struct crypt_test t = keyed("in.sid");

	for (size_t i = 0; i < KINDS; i++) {
		const struct vector *wire = vectors_get(cipher, kinds[i].wire);
		size_t min = kinds[i].hmac_at + CRYPT_HMAC_LEN;

		for (size_t n = 0; n <= min; n++) {
			uint8_t *exact = malloc(n ? n : 1);

			ck_assert_ptr_nonnull(exact);
			memcpy(exact, wire->octets, n);
			ck_assert_int_eq(open_pkt(&kinds[i], &t, exact, n),
					 n < min ? CRYPT_DENIED : 0);
			if (n < min) {
				ck_assert(memcmp(exact, wire->octets, n) == 0);
			}
			free(exact);
		}
	}
}
END_TEST

/* Packets of the other mode, the other direction or another session. T-042 */
START_TEST(packets_of_others)
{
	for (size_t i = 0; i < KINDS; i++) {
		const struct vector *wire = vectors_get(cipher, kinds[i].wire);

		for (size_t as = 0; as < KINDS; as++) {
			struct crypt_test own = keyed("in.sid"), other = keyed("in.sid2");
			uint8_t pkt[200] = { 0 };

			memcpy(pkt, wire->octets, wire->n);
			ck_assert_int_eq(open_pkt(&kinds[as], &own, pkt, wire->n),
					 as == i ? 0 : CRYPT_DENIED);
			memcpy(pkt, wire->octets, wire->n);
			ck_assert_int_eq(open_pkt(&kinds[as], &other, pkt, wire->n), CRYPT_DENIED);
		}
	}
}
END_TEST

/* Every bit of the session keys and of the SID. C-054 */
START_TEST(every_bit_of_the_keys)
{
	const struct vector *wire = vectors_get(cipher, kinds[1].wire);

	for (size_t bit = 0; bit < 8 * (sizeof(struct crypt_keys) + CRYPT_SID_LEN); bit++) {
		struct crypt_keys keys = test_keys(inputs);
		struct crypt_test t;
		uint8_t sid[CRYPT_SID_LEN], pkt[200];

		memcpy(sid, vectors_octets(inputs, "in.sid", sizeof(sid)), sizeof(sid));
		if (bit < 8 * sizeof(keys.aes)) {
			flip(keys.aes, bit);
		} else if (bit < 8 * sizeof(keys)) {
			flip(keys.hmac, bit - 8 * sizeof(keys.aes));
		} else {
			flip(sid, bit - 8 * sizeof(keys));
		}
		crypt_test_init(&t, &keys, sid);
		memcpy(pkt, wire->octets, wire->n);
		ck_assert_int_eq(crypt_pkt_open_send(&t, true, pkt, wire->n), CRYPT_DENIED);
	}
}
END_TEST

START_TEST(wipe)
{
	struct crypt_test t = keyed("in.sid");

	crypt_test_wipe(&t);
	assert_zeros(&t, sizeof(t));
	crypt_test_wipe(&t);
	assert_zeros(&t, sizeof(t));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypt-pkt");
	TCase *tc = tcase_create("crypt-pkt"), *many = tcase_create("many");
	int r;

	seed = seed_start();
	inputs = vectors_load("inputs.hex");
	clear = vectors_load("test.hex");
	cipher = vectors_load("test-cipher.hex");
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, keys_of_a_session);
	tcase_add_test(tc, vectors_both_ways);
	tcase_add_test(tc, hmac_vectors);
	tcase_add_test(tc, other_replies);
	tcase_add_test(tc, bad_hmac_vector);
	tcase_add_test(tc, timestamp_after_sealing);
	tcase_add_test(tc, packets_of_others);
	tcase_add_test(tc, wipe);
	tcase_set_tags(many, "many");
	tcase_set_timeout(many, 0);
	tcase_add_test(many, every_bit);
	tcase_add_test(many, random_packets);
	tcase_add_test(many, truncated);
	tcase_add_test(many, every_bit_of_the_keys);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, many);
	r = test_run(suite);
	vectors_free(inputs);
	vectors_free(clear);
	vectors_free(cipher);
	return r;
}
