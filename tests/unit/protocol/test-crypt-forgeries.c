// SPDX-License-Identifier: BSD-2-Clause
/* Control messages that are not as they were sealed: each bit counts, and the order. */
#include "tests/unit/protocol/test-crypt-stream.h"

#include <stdlib.h>
#include <string.h>

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

TCase *forgeries(void)
{
	TCase *tc = tcase_create("forgeries");

	tcase_set_tags(tc, "many");
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
