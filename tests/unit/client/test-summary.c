// SPDX-License-Identifier: BSD-2-Clause
/* Several sessions together. */
#include "client/measure/summary.h"

#include <check.h>
#include <stdlib.h>

static struct series a, b;
static struct summary sum;

static void setup(void)
{
	ck_assert_int_eq(series_init(&a, 200, 1000000, true), 0);
	ck_assert_int_eq(series_init(&b, 200, 1000000, true), 0);
}

static void teardown(void)
{
	series_wipe(&a);
	series_wipe(&b);
	summary_wipe(&sum);
}

/* One packet that is answered after @round_trip_ns. */
static void add(struct series *s, int64_t round_trip_ns)
{
	struct clock_pair t1 = { { 1000000 }, { 1000 } }, t4 = t1;
	ts_wire stamp = ts_encode(TS_NTP, t1.wall);
	struct pkt_reply r = { .seq = series_next(s),
			       .ts = stamp,
			       .rx_ts = stamp,
			       .error_estimate = TS_EE_SYNC | 1,
			       .ttl = 255,
			       .sender = { .seq = series_next(s), .ts = stamp } };
	struct series_arrival arrival = { .ttl = 255 };
	struct series_reading reading;

	t4.wall.ns += round_trip_ns;
	t4.mono.ns += round_trip_ns;
	arrival.now = t4;
	series_sent(s, stamp, t1);
	ck_assert_int_eq(series_reply(s, &r, &arrival, &reading), SERIES_COUNTED);
}

static struct tally_view make(uint32_t n)
{
	const struct series *const both[] = { &a, &b };

	series_finish(&a);
	series_finish(&b);
	summary_make(&sum, both, n);
	return sum.spread[SERIES_ROUND_TRIP];
}

START_TEST(sessions_merge_but_make_no_pairs)
{
	struct tally_view x;

	add(&a, 100);
	add(&a, 100);
	add(&b, 900);
	add(&b, 900);
	x = make(2);
	ck_assert_uint_eq(x.n, 4);
	ck_assert_uint_eq(x.pairs, 2);
	ck_assert_int_eq(x.jitter_ns, 0);
	ck_assert_int_eq(x.median_ns, 100);
	ck_assert_int_eq(x.mean_ns, 500);
	ck_assert_uint_eq(sum.sent, 4);
	ck_assert(sum.reflector_synchronized);
	ck_assert_uint_eq(sum.restarts, 0);
}
END_TEST

START_TEST(one_that_is_unknown_makes_all_unknown)
{
	struct clock_pair t1 = { { 1 }, { 1 } };

	add(&a, 100);
	series_sent(&b, 1, t1);
	(void)make(2);
	ck_assert_uint_eq(sum.loss.total, 1);
	ck_assert(!sum.loss.known);
}
END_TEST

START_TEST(nothing_answered)
{
	struct clock_pair t1 = { { 1 }, { 1 } };
	struct tally_view x;

	series_sent(&a, 1, t1);
	x = make(1);
	ck_assert_uint_eq(x.n, 0);
	ck_assert_uint_eq(sum.loss.total, 1);
	ck_assert(!sum.loss.known);
	ck_assert(!sum.reflector_synchronized);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("summary");
	TCase *c = tcase_create("numbers");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, sessions_merge_but_make_no_pairs);
	tcase_add_test(c, one_that_is_unknown_makes_all_unknown);
	tcase_add_test(c, nothing_answered);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
