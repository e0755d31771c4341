// SPDX-License-Identifier: BSD-2-Clause
/* A list that changes between the pieces of a walk. */
#include "base/roll.h"

#include <check.h>
#include <stdlib.h>

#define N 6

static struct roll r;
static struct roll_node nodes[N];
static struct roll_walk walks[2];

static void fill(void)
{
	r = (struct roll){ 0 };
	for (int i = 0; i < N; i++) {
		roll_add(&r, &nodes[i]);
	}
	for (int i = 0; i < 2; i++) {
		walks[i] = (struct roll_walk){ 0 };
	}
}

static void expect(struct roll_walk *w, int i)
{
	ck_assert_ptr_eq(roll_next(w), i < 0 ? NULL : &nodes[i]);
}

START_TEST(newest_first)
{
	ck_assert_uint_eq(r.n, N);
	roll_begin(&r, &walks[0]);
	for (int i = N - 1; i >= 0; i--) {
		expect(&walks[0], i);
		ck_assert_ptr_eq(walks[0].last, &nodes[i]);
	}
	expect(&walks[0], -1);
	expect(&walks[0], -1);
	ck_assert_ptr_null(walks[0].last);
	roll_end(&walks[0]);
	ck_assert_ptr_null(r.walks);
}
END_TEST

START_TEST(what_comes_next_goes)
{
	roll_begin(&r, &walks[0]);
	roll_begin(&r, &walks[1]);
	expect(&walks[0], 5);
	roll_remove(&r, &nodes[4]); /* next of one, but not of the other */
	expect(&walks[0], 3);
	expect(&walks[1], 5);
	roll_remove(&r, &nodes[3]);
	roll_remove(&r, &nodes[5]);
	expect(&walks[1], 2);
	roll_remove(&r, &nodes[1]);
	roll_remove(&r, &nodes[0]); /* the last one */
	expect(&walks[1], -1);
	expect(&walks[0], 2);
	expect(&walks[0], -1);
	ck_assert_uint_eq(r.n, 1);
	roll_end(&walks[1]);
	roll_end(&walks[0]);
}
END_TEST

START_TEST(the_last_given_goes)
{
	roll_begin(&r, &walks[0]);
	expect(&walks[0], 5);
	roll_remove(&r, &nodes[5]);
	ck_assert_ptr_null(walks[0].last);
	expect(&walks[0], 4);
	roll_end(&walks[0]);
}
END_TEST

START_TEST(who_comes_is_not_seen)
{
	static struct roll_node late;

	roll_begin(&r, &walks[0]);
	expect(&walks[0], 5);
	roll_add(&r, &late);
	for (int i = 4; i >= -1; i--) {
		expect(&walks[0], i);
	}
	roll_end(&walks[0]);
	roll_begin(&r, &walks[0]);
	ck_assert_ptr_eq(roll_next(&walks[0]), &late);
	roll_end(&walks[0]);
}
END_TEST

START_TEST(ends_in_any_order)
{
	struct roll_walk third;

	roll_begin(&r, &walks[0]);
	roll_begin(&r, &third);
	roll_begin(&r, &walks[1]);
	roll_end(&third);
	roll_end(&third); /* twice does no harm */
	roll_remove(&r, &nodes[5]);
	expect(&walks[0], 4);
	expect(&walks[1], 4);
	roll_end(&walks[1]);
	roll_end(&walks[0]);
	ck_assert_ptr_null(r.walks);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("roll");
	TCase *t = tcase_create("roll");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, fill, NULL);
	tcase_add_test(t, newest_first);
	tcase_add_test(t, what_comes_next_goes);
	tcase_add_test(t, the_last_given_goes);
	tcase_add_test(t, who_comes_is_not_seen);
	tcase_add_test(t, ends_in_any_order);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
