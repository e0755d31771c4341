// SPDX-License-Identifier: BSD-2-Clause
/* Cells, percentiles and their error; and the sums of tally.h. */
#include "client/measure/tally.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

static struct histogram h;
static struct tally t;

static void setup(void)
{
	histogram_init(&h, 0);
	tally_init(&t, 0);
}

static void teardown(void)
{
	histogram_wipe(&h);
	histogram_wipe(&h); /* twice is right */
	tally_wipe(&t);
}

START_TEST(small_values_are_exact)
{
	for (int i = 0; i < 100; i++) {
		histogram_add(&h, i * 37 % 100 + 1); /* 1..100, shuffled */
	}
	ck_assert_uint_eq(h.n, 100);
	ck_assert_int_eq(histogram_percentile(&h, 0.5), 50);
	ck_assert_int_eq(histogram_percentile(&h, 0.95), 95);
	ck_assert_int_eq(histogram_percentile(&h, 0.99), 99);
	ck_assert_int_eq(histogram_percentile(&h, 1), 100);
	ck_assert_int_eq(histogram_percentile(&h, 0.001), 1);
}
END_TEST

START_TEST(error_is_below_a_thousandth)
{
	const int64_t bases[] = { 0, 5000000, -37000000000 };

	for (size_t b = 0; b < 3; b++) {
		for (int64_t v = 1; v < INT64_C(1) << 60; v += v / 3 + 1) {
			int64_t found, bound;

			histogram_init(&h, bases[b]);
			histogram_add(&h, bases[b] - v);
			histogram_add(&h, bases[b] + v);
			histogram_add(&h, bases[b] + 2 * v);
			found = histogram_percentile(&h, 0.5);
			bound = v / 1000;
			ck_assert_msg(llabs(found - bases[b] - v) <= bound, "%lld for %lld",
				      (long long)found, (long long)v);
			histogram_wipe(&h);
		}
	}
}
END_TEST

START_TEST(negative_values_come_first)
{
	const int64_t values[] = { -900, 7, -5, 0, 100000, -3000000000 };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		histogram_add(&h, values[i]);
	}
	ck_assert_int_eq(histogram_percentile(&h, 0.01), -3000000000);
	ck_assert_int_eq(histogram_percentile(&h, 2. / 6), -900);
	ck_assert_int_eq(histogram_percentile(&h, 3. / 6), -5);
	ck_assert_int_eq(histogram_percentile(&h, 4. / 6), 0);
	ck_assert_int_eq(histogram_percentile(&h, 5. / 6), 7);
	ck_assert_int_eq(histogram_percentile(&h, 1), 100000);
}
END_TEST

START_TEST(extremes)
{
	histogram_add(&h, INT64_MIN);
	histogram_add(&h, INT64_MAX);
	histogram_add(&h, 0);
	ck_assert_int_eq(h.min, INT64_MIN);
	ck_assert_int_eq(h.max, INT64_MAX);
	ck_assert_int_eq(histogram_percentile(&h, 0.5), 0);
	ck_assert_uint_eq(h.n, 3);
}
END_TEST

struct rise {
	int64_t last;
	uint64_t n;
	bool wrong;
};

static void see(void *data, int64_t low, int64_t high, uint64_t count)
{
	struct rise *r = data;

	r->wrong |= low <= r->last || high < low;
	r->last = high;
	r->n += count;
}

START_TEST(walk_rises)
{
	struct rise r = { .last = INT64_MIN };

	for (int64_t v = -4000000; v < 4000000; v += 777) {
		histogram_add(&h, v);
	}
	histogram_walk(&h, see, &r);
	ck_assert(!r.wrong);
	ck_assert_uint_eq(r.n, h.n);
}
END_TEST

START_TEST(merge_of_other_bases)
{
	struct histogram other;

	histogram_init(&other, 1000000);
	for (int64_t v = 0; v < 2000000; v += 1000) {
		histogram_add(&h, v);
		histogram_add(&other, v);
	}
	histogram_merge(&h, &other);
	ck_assert_uint_eq(h.n, 4000);
	ck_assert_int_eq(h.min, 0);
	ck_assert_int_eq(h.max, 1999000);
	ck_assert_int_le(llabs(histogram_percentile(&h, 0.5) - 999000), 2000);
	histogram_wipe(&other);
}
END_TEST

START_TEST(mean_and_deviation)
{
	struct tally_view v;

	for (int i = 1; i <= 5; i++) {
		tally_add(&t, 1000000000000 + i * 10);
	}
	v = tally_look(&t);
	ck_assert_int_eq(v.mean_ns, 1000000000030);
	ck_assert_int_eq(v.deviation_ns, 14); /* sqrt(200) */
	ck_assert_uint_eq(v.pairs, 0);
}
END_TEST

START_TEST(merge_is_as_if_one)
{
	struct tally both, a, b;
	struct tally_view merged, one;

	tally_init(&both, 0);
	tally_init(&a, 500);
	tally_init(&b, -300);
	for (int64_t i = 0; i < 1000; i++) {
		int64_t v = i * i % 997 - 300;

		tally_add(&both, v);
		tally_add(i % 3 ? &a : &b, v);
	}
	tally_merge(&t, &a);
	tally_merge(&t, &b);
	merged = tally_look(&t);
	one = tally_look(&both);
	ck_assert_uint_eq(merged.n, one.n);
	ck_assert_int_eq(merged.mean_ns, one.mean_ns);
	ck_assert_int_eq(merged.deviation_ns, one.deviation_ns);
	ck_assert_int_eq(merged.median_ns, one.median_ns);
	tally_wipe(&both);
	tally_wipe(&a);
	tally_wipe(&b);
}
END_TEST

START_TEST(two_kinds_of_jitter)
{
	struct tally_view v;

	tally_pair(&t, 100, 130);
	tally_pair(&t, 130, 110);
	tally_pair(&t, 5000, 5010);
	v = tally_look(&t);
	ck_assert_uint_eq(v.pairs, 3);
	ck_assert_int_eq(v.jitter_ns, 20); /* (30 + 20 + 10) / 3 */
	ck_assert_int_eq(v.smoothed_ns, 3); /* J += (|D| - J) / 16, three times */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("histogram");
	TCase *c = tcase_create("numbers");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, small_values_are_exact);
	tcase_add_test(c, error_is_below_a_thousandth);
	tcase_add_test(c, negative_values_come_first);
	tcase_add_test(c, extremes);
	tcase_add_test(c, walk_rises);
	tcase_add_test(c, merge_of_other_bases);
	tcase_add_test(c, mean_and_deviation);
	tcase_add_test(c, merge_is_as_if_one);
	tcase_add_test(c, two_kinds_of_jitter);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
