// SPDX-License-Identifier: BSD-2-Clause
/* The hash table of shared ports: grows and shrinks bucket by bucket, and loses nobody. */
#include "base/hashmap.h"
#include "base/siphash.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define N 20000

static struct hashmap x;
static struct hashmap_node nodes[N];

static bool finds(const struct hashmap_node *want, unsigned *steps)
{
	for (struct hashmap_node *n = hashmap_first(&x, want->hash); n; n = n->next) {
		++*steps;
		if (n == want) {
			return true;
		}
	}
	return false;
}

static uint32_t spread(uint32_t i)
{
	static const uint64_t seed[2] = { 1, 2 };
	uint64_t word = i;

	return (uint32_t)siphash(seed, &word, 1);
}

static void put(uint32_t i, uint32_t hash)
{
	ck_assert_int_eq(hashmap_reserve(&x, x.count + 1), 0);
	hashmap_put(&x, &nodes[i], hash);
}

START_TEST(empty)
{
	ck_assert_ptr_null(hashmap_first(&x, 0));
	ck_assert_ptr_null(hashmap_first(&x, UINT32_MAX));
}
END_TEST

/* each is found in a few steps, at every size on the way up and down */
START_TEST(up_and_down)
{
	unsigned steps = 0;

	for (uint32_t i = 0; i < N; i++) {
		put(i, spread(i));
		ck_assert(finds(&nodes[i], &steps));
		ck_assert(finds(&nodes[i / 2], &steps));
		ck_assert(finds(&nodes[0], &steps));
	}
	ck_assert_uint_lt(steps, 3 * N * 2);
	ck_assert_uint_eq(x.count, N);
	ck_assert_uint_ge(x.buckets, N - 1);
	for (uint32_t i = 0; i < N; i += 2) {
		hashmap_remove(&x, &nodes[i]);
	}
	for (uint32_t i = 0; i < N; i++) {
		ck_assert_int_eq(finds(&nodes[i], &steps), i % 2);
	}
	for (uint32_t i = 0; i < N; i += 2) {
		put(i, spread(i));
	}
	steps = 0;
	for (uint32_t i = 0; i < N; i++) {
		ck_assert(finds(&nodes[i], &steps));
	}
	ck_assert_uint_lt(steps, 2 * N);
	for (uint32_t i = 0; i < N; i++) {
		hashmap_remove(&x, &nodes[i]);
	}
	ck_assert_uint_eq(x.count, 0);
	for (uint32_t i = 0; i < N; i++) {
		ck_assert_ptr_null(hashmap_first(&x, spread(i)));
	}
}
END_TEST

/* the same hash for all, and all that end in zeros: slow, and right */
START_TEST(bad_hashes)
{
	unsigned steps = 0;

	for (uint32_t i = 0; i < 500; i++) {
		put(i, 7);
		put(i + 500, i << 20);
	}
	for (uint32_t i = 0; i < 1000; i += 3) {
		hashmap_remove(&x, &nodes[i]);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		ck_assert_int_eq(finds(&nodes[i], &steps), i % 3 != 0);
	}
}
END_TEST

/* without room for more buckets chains grow, and room that comes later is used */
START_TEST(late_reserve)
{
	unsigned steps = 0;

	ck_assert_int_eq(hashmap_reserve(&x, 1), 0);
	for (uint32_t i = 0; i < 3 * HASHMAP_SEGMENT; i++) {
		hashmap_put(&x, &nodes[i], spread(i));
	}
	ck_assert_uint_eq(x.buckets, HASHMAP_SEGMENT);
	ck_assert_int_eq(hashmap_reserve(&x, 5 * HASHMAP_SEGMENT), 0);
	for (uint32_t i = 3 * HASHMAP_SEGMENT; i < 8 * HASHMAP_SEGMENT; i++) {
		hashmap_put(&x, &nodes[i], spread(i));
	}
	ck_assert_uint_eq(x.buckets, 5 * HASHMAP_SEGMENT);
	for (uint32_t i = 0; i < 8 * HASHMAP_SEGMENT; i++) {
		ck_assert(finds(&nodes[i], &steps));
	}
	ck_assert_int_eq(hashmap_reserve(&x, UINT32_MAX), 0); /* all that it can have */
}
END_TEST

/* SipHash-1-3 with the key 00..0f, of nothing and of octets 00..07. Reference:
 * OpenSSL 3, openssl mac -macopt c-rounds:1 -macopt d-rounds:3 -macopt size:8 SIPHASH */
START_TEST(siphash_vectors)
{
	static const uint64_t seed[2] = { UINT64_C(0x0706050403020100),
					  UINT64_C(0x0f0e0d0c0b0a0908) };

	ck_assert_uint_eq(siphash(seed, seed, 0), UINT64_C(0xabac0158050fc4dc));
	ck_assert_uint_eq(siphash(seed, seed, 1), UINT64_C(0x369095118d299a8e));
	ck_assert_uint_eq(siphash(seed, seed, 2), UINT64_C(0xcc4fdd1a7d908b66));
}
END_TEST

static void clear(void)
{
	hashmap_wipe(&x);
	memset(nodes, 0, sizeof(nodes));
}

int main(void)
{
	Suite *s = suite_create("index");
	TCase *t = tcase_create("index");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, clear, clear);
	tcase_add_test(t, empty);
	tcase_add_test(t, up_and_down);
	tcase_add_test(t, bad_hashes);
	tcase_add_test(t, late_reserve);
	tcase_add_test(t, siphash_vectors);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
