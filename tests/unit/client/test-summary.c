// SPDX-License-Identifier: BSD-2-Clause
/* Percentiles, jitter and order of known series. */
#include "client/measure/summary.h"

#include <check.h>
#include <stdlib.h>

static struct series a, b;

static void add(struct series *s, uint32_t seq, uint32_t reflector_seq, int64_t delay_ns)
{
	struct series_sample *x = &s->samples[seq];

	series_sent(s, seq, (struct wall){ 1 });
	x->state = SERIES_ANSWERED;
	x->timed = true;
	x->reflector_seq = reflector_seq;
	for (int i = 0; i < SERIES_DELAYS; i++) {
		x->delay_ns[i] = delay_ns;
	}
	s->answered++;
}

static void setup(void)
{
	ck_assert_int_eq(series_init(&a, 200, 1000), 0);
	ck_assert_int_eq(series_init(&b, 200, 1000), 0);
}

static void teardown(void)
{
	series_wipe(&a);
	series_wipe(&b);
}

static struct summary_spread make(struct summary *to, uint32_t n)
{
	const struct series *const both[] = { &a, &b };

	ck_assert_int_eq(summary_make(to, both, n, true), 0);
	return to->spread[SERIES_ROUND_TRIP];
}

START_TEST(percentiles_of_1_to_100)
{
	struct summary s;
	struct summary_spread x;

	for (uint32_t i = 0; i < 100; i++) {
		add(&a, i, i, (int64_t)(i * 37 % 100) + 1); /* 1..100, shuffled */
	}
	x = make(&s, 1);
	ck_assert_uint_eq(x.n, 100);
	ck_assert_int_eq(x.min_ns, 1);
	ck_assert_int_eq(x.median_ns, 50); /* of 50 and 51, whole ns */
	ck_assert_int_eq(x.p95_ns, 95);
	ck_assert_int_eq(x.p99_ns, 99);
	ck_assert_int_eq(x.max_ns, 100);
	ck_assert_int_eq(x.mean_ns, 51); /* 50.5 */
}
END_TEST

START_TEST(percentiles_of_few)
{
	const int64_t three[] = { -5, 7, 900 };

	ck_assert_int_eq(summary_percentile(three, 3, 950), 900);
	ck_assert_int_eq(summary_percentile(three, 3, 500), 7);
	ck_assert_int_eq(summary_percentile(three, 3, 333), -5);
	ck_assert_int_eq(summary_percentile(three, 1, 990), -5);
}
END_TEST

START_TEST(jitter_of_neighbours_only)
{
	struct summary s;
	struct summary_spread x;

	add(&a, 0, 0, 100);
	add(&a, 1, 1, 130);
	add(&a, 2, 2, 110);
	/* 3 is lost: 2 and 4 are no pair */
	add(&a, 4, 4, 5000);
	add(&a, 5, 5, 5010);
	x = make(&s, 1);
	ck_assert_uint_eq(x.jitter_n, 3);
	ck_assert_int_eq(x.jitter_ns, 20); /* (30 + 20 + 10) / 3 */
}
END_TEST

START_TEST(sessions_merge_but_make_no_pairs)
{
	struct summary s;
	struct summary_spread x;

	add(&a, 0, 0, 100);
	add(&a, 1, 1, 100);
	add(&b, 0, 0, 900);
	add(&b, 1, 1, 900);
	x = make(&s, 2);
	ck_assert_uint_eq(x.n, 4);
	ck_assert_uint_eq(x.jitter_n, 2);
	ck_assert_int_eq(x.jitter_ns, 0);
	ck_assert_int_eq(x.median_ns, 500);
	ck_assert_uint_eq(s.sent, 4);
}
END_TEST

START_TEST(nothing_answered)
{
	struct summary s;
	struct summary_spread x;

	series_sent(&a, 0, (struct wall){ 1 });
	x = make(&s, 1);
	ck_assert_uint_eq(x.n, 0);
	ck_assert_uint_eq(s.lost, 1);
	ck_assert(!s.loss_known);
	ck_assert(!s.reflector_synchronized);
}
END_TEST

START_TEST(reordered_outbound) /* */
{
	struct summary s;

	add(&a, 0, 0, 1);
	add(&a, 1, 2, 1); /* numbered after 2: came after it */
	add(&a, 2, 1, 1);
	add(&a, 3, 3, 1);
	(void)make(&s, 1);
	ck_assert_uint_eq(s.reordered_out, 1);
	ck_assert_uint_eq(s.reordered_in, 0);
}
END_TEST

START_TEST(extreme_delays)
{
	struct summary s;
	struct summary_spread x;
	int64_t most = INT64_C(2147483648) * TS_NS_PER_S; /* all that 32 bits of seconds can say */

	add(&a, 0, 0, -most);
	add(&a, 1, 1, most);
	x = make(&s, 1);
	ck_assert_int_eq(x.min_ns, -most);
	ck_assert_int_eq(x.max_ns, most);
	ck_assert_int_eq(x.mean_ns, 0);
	ck_assert_int_eq(x.median_ns, 0);
	ck_assert_int_eq(x.jitter_ns, 2 * most);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("summary");
	TCase *c = tcase_create("numbers");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, percentiles_of_1_to_100);
	tcase_add_test(c, percentiles_of_few);
	tcase_add_test(c, jitter_of_neighbours_only);
	tcase_add_test(c, sessions_merge_but_make_no_pairs);
	tcase_add_test(c, nothing_answered);
	tcase_add_test(c, reordered_outbound);
	tcase_add_test(c, extreme_delays);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
