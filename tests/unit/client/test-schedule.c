// SPDX-License-Identifier: BSD-2-Clause
/* When packets are due, and what becomes of the plan after a lag. */
#include "client/measure/schedule.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#define MS INT64_C(1000000)

static struct schedule s;
static uint32_t part;

static bool take(int64_t at_ns)
{
	return schedule_take(&s, (struct mono){ at_ns }, &part);
}

START_TEST(sessions_share_the_interval)
{
	schedule_init(&s, SCHEDULE_PERIODIC, 30 * MS, 2, false, 0);
	schedule_start(&s, (struct mono){ 1000 * MS }, 3);
	for (int64_t i = 0; i < 6; i++) {
		ck_assert(!take((1000 + 10 * i) * MS - 1));
		ck_assert(take((1000 + 10 * i) * MS));
		ck_assert_int_eq(part, i % 3);
	}
	ck_assert(schedule_over(&s));
	ck_assert(!take(9999 * MS));
	ck_assert_double_eq_tol(schedule_asked(&s), 100, 1e-9);
	ck_assert_double_eq_tol(schedule_reached(&s), 100, 1e-9);
	ck_assert_int_eq(s.worst_ns, 0);
}
END_TEST

START_TEST(a_small_lag_is_made_up)
{
	schedule_init(&s, SCHEDULE_PERIODIC, 10 * MS, 0, false, 0);
	schedule_start(&s, (struct mono){ 0 }, 1);
	ck_assert(take(9 * MS));
	ck_assert(take(10 * MS));
	ck_assert(take(20 * MS));
	ck_assert_uint_eq(s.late_rounds, 0);
	ck_assert_int_eq(s.worst_ns, 9 * MS);
}
END_TEST

START_TEST(a_large_lag_makes_no_burst)
{
	schedule_init(&s, SCHEDULE_PERIODIC, 10 * MS, 0, false, 0);
	schedule_start(&s, (struct mono){ 0 }, 1);
	ck_assert(take(0));
	ck_assert(take(1014 * MS)); /* was due at 10 */
	ck_assert(!take(1019 * MS));
	ck_assert(take(1020 * MS)); /* the phase stays */
	ck_assert_uint_eq(s.late_rounds, 100);
	ck_assert_double_lt(schedule_reached(&s), 0.99 * schedule_asked(&s));
}
END_TEST

START_TEST(unless_asked_for)
{
	schedule_init(&s, SCHEDULE_PERIODIC, 10 * MS, 0, true, 0);
	schedule_start(&s, (struct mono){ 0 }, 1);
	for (int i = 0; i <= 100; i++) {
		ck_assert(take(1000 * MS));
	}
	ck_assert(!take(1000 * MS));
}
END_TEST

START_TEST(poisson_has_the_mean)
{
	double n = 0, square = 0;
	int64_t last = 0, at = 0;

	schedule_init(&s, SCHEDULE_POISSON, 10 * MS, 0, true, 42);
	schedule_start(&s, (struct mono){ 0 }, 1);
	for (int i = 0; i < 20000; i++) {
		ck_assert(take(s.due.ns));
		at = s.due.ns;
		square += (double)(at - last) * (double)(at - last);
		last = at;
		n++;
	}
	ck_assert_double_eq_tol((double)at / n, 10e6, 0.5e6);
	/* exponential: the second moment is twice the mean squared */
	ck_assert_double_eq_tol(square / n / 1e14, 2, 0.3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("schedule");
	TCase *c = tcase_create("plan");
	SRunner *runner;
	int failed;

	tcase_add_test(c, sessions_share_the_interval);
	tcase_add_test(c, a_small_lag_is_made_up);
	tcase_add_test(c, a_large_lag_makes_no_burst);
	tcase_add_test(c, unless_asked_for);
	tcase_add_test(c, poisson_has_the_mean);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
