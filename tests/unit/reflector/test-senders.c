// SPDX-License-Identifier: BSD-2-Clause
/* The senders of a stateful reflector without control. */
#include "daemon/reflector/senders.h"

#include <check.h>
#include <stdlib.h>

#define SMALL 16
#define MANY 4096
#define ROUNDS 200000

static struct senders_key key_of(uint32_t n)
{
	struct senders_key k = { .port = (uint16_t)n };

	memcpy(k.remote, &n, sizeof(n));
	return k;
}

/* Everybody was silent for long, whenever a packet comes. */
static struct mono later(void)
{
	static struct mono now;

	now.ns += SENDERS_IDLE_NS;
	return now;
}

/* The number that sender @n gets, and whether another one made room. */
static uint32_t next(struct senders *t, uint32_t n, bool *evicted)
{
	struct senders_key k = key_of(n);

	return senders_find(t, &k, later(), evicted)->seq++;
}

static struct senders *make(uint32_t entries)
{
	struct senders *t = NULL;

	ck_assert_int_eq(senders_new(&t, entries), 0);
	return t;
}

/* T-072: each from 0 on, whatever the others do. */
START_TEST(each_counts_for_itself)
{
	struct senders *t = make(MANY);
	bool evicted;

	for (uint32_t seq = 0; seq < 3; seq++) {
		for (uint32_t n = 0; n < MANY; n++) {
			ck_assert_uint_eq(next(t, n, &evicted), seq);
			ck_assert(!evicted);
		}
	}
	senders_free(t);
}
END_TEST

/* T-085: 4-tuple and SSID; each octet of the key counts. */
START_TEST(every_part_of_the_key_counts)
{
	struct senders *t = make(MANY);
	bool evicted;

	for (size_t i = 0; i < sizeof(struct senders_key); i++) {
		struct senders_key k = key_of(1);

		((uint8_t *)&k)[i] ^= 0x40;
		ck_assert_uint_eq(senders_find(t, &k, later(), &evicted)->seq++, 0);
		ck_assert_uint_eq(senders_find(t, &k, later(), &evicted)->seq++, 1);
	}
	ck_assert_uint_eq(next(t, 1, &evicted), 0);
	senders_free(t);
}
END_TEST

START_TEST(oldest_idle_makes_room)
{
	struct senders *t = make(SMALL);
	bool evicted;

	for (uint32_t n = 0; n < SMALL; n++) {
		ck_assert_uint_eq(next(t, n, &evicted), 0);
	}
	/* 0 was the first to come, but is not the one that was silent for longest */
	ck_assert_uint_eq(next(t, 0, &evicted), 1);
	ck_assert(!evicted);
	ck_assert_uint_eq(next(t, 100, &evicted), 0);
	ck_assert(evicted);
	ck_assert_uint_eq(next(t, 0, &evicted), 2);
	ck_assert(!evicted);
	for (uint32_t n = 2; n < SMALL; n++) {
		ck_assert_uint_eq(next(t, n, &evicted), 1);
		ck_assert(!evicted);
	}
	ck_assert_uint_eq(next(t, 1, &evicted), 0); /* begins anew */
	ck_assert(evicted);
	ck_assert_uint_eq(next(t, 100, &evicted), 0); /* it was its turn */
	ck_assert(evicted);
	senders_free(t);
}
END_TEST

/* S-007 S-229: strangers fill the table, and nobody who is active begins anew for that. */
START_TEST(active_senders_stay)
{
	struct senders_key own = key_of(1), k;
	struct senders *t = make(SMALL);
	struct mono now = { 0 };
	struct senders_known *s;
	bool evicted;

	for (uint32_t i = 0; i < 1000; i++) {
		now.ns += SENDERS_IDLE_NS / 2;
		s = senders_find(t, &own, now, &evicted);
		ck_assert_ptr_nonnull(s);
		ck_assert_uint_eq(s->seq++, i);
		for (uint32_t n = 0; n < 2 * SMALL; n++) {
			k = key_of(1000 + 100 * i + n);
			s = senders_find(t, &k, now, &evicted);
			ck_assert(!s || s->seq == 0);
			ck_assert(n < 2 * SMALL - 1 || !s); /* the last one found it full */
		}
	}
	senders_free(t);
}
END_TEST

START_TEST(one_place)
{
	struct senders *t = make(1);
	bool evicted;

	ck_assert_uint_eq(next(t, 1, &evicted), 0);
	ck_assert_uint_eq(next(t, 1, &evicted), 1);
	ck_assert_uint_eq(next(t, 2, &evicted), 0);
	ck_assert(evicted);
	ck_assert_uint_eq(next(t, 1, &evicted), 0);
	ck_assert(evicted);
	senders_free(t);
}
END_TEST

/* Against the plainest model: an array searched from end to end. */
START_TEST(model)
{
	static struct {
		uint32_t n, seq, last;
	} seats[SMALL];
	struct senders *t = make(SMALL);
	uint32_t state = 12345, used = 0;

	for (uint32_t now = 1; now <= ROUNDS; now++) {
		uint32_t n, i = 0, oldest = 0;
		bool evicted, full = used == SMALL;

		state = state * 1664525 + 1013904223;
		n = state >> 16 & 31;
		for (uint32_t k = 1; k < used; k++) {
			oldest = seats[k].last < seats[oldest].last ? k : oldest;
		}
		while (i < used && seats[i].n != n) {
			i++;
		}
		if (i < used) {
			ck_assert_uint_eq(next(t, n, &evicted), seats[i].seq);
			ck_assert(!evicted);
		} else {
			i = full ? oldest : used++;
			seats[i].n = n;
			seats[i].seq = 0;
			ck_assert_uint_eq(next(t, n, &evicted), 0);
			ck_assert_int_eq(evicted, full);
		}
		seats[i].seq++;
		seats[i].last = now;
	}
	senders_free(t);
}
END_TEST

/* Read in pieces while places change hands: who is there all the while is seen once. */
START_TEST(copied_in_pieces)
{
	struct senders *t = make(SMALL);
	struct senders_row rows[5];
	unsigned seen[SMALL + 1] = { 0 }, copied;
	uint32_t at = 0, n;
	bool evicted;

	ck_assert_uint_eq(senders_copy(t, &at, rows, 5), 0);
	for (n = 0; n < SMALL; n++) {
		struct senders_key k = key_of(n);
		struct senders_known *s = senders_find(t, &k, later(), &evicted);

		s->rx_count = n + 1;
		s->tx_count = n + 2;
		s->duplicates = n + 3;
		s->forward.flow.gaps = n + 4;
	}
	do {
		copied = senders_copy(t, &at, rows, 5);
		for (unsigned i = 0; i < copied; i++) {
			n = rows[i].key.port;
			seen[n]++;
			ck_assert_uint_eq(rows[i].rx_count, n + 1);
			ck_assert_uint_eq(rows[i].tx_count, n + 2);
			ck_assert_uint_eq(rows[i].duplicates, n + 3);
			ck_assert_uint_eq(rows[i].gaps, n + 4);
			ck_assert_int_gt(rows[i].last.ns, 0);
		}
		(void)next(t, SMALL,
			   &evicted); /* at first in the place of sender 0, which was seen */
	} while (copied == 5);
	for (n = 0; n < SMALL; n++) {
		ck_assert_uint_eq(seen[n], 1);
	}
	ck_assert_uint_eq(seen[SMALL], 0);
	senders_free(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("table");
	TCase *tc = tcase_create("table");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, each_counts_for_itself);
	tcase_add_test(tc, every_part_of_the_key_counts);
	tcase_add_test(tc, oldest_idle_makes_room);
	tcase_add_test(tc, active_senders_stay);
	tcase_add_test(tc, one_place);
	tcase_add_test(tc, model);
	tcase_add_test(tc, copied_in_pieces);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
