// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/dwell.h"

#include <check.h>
#include <stdlib.h>

/* Each is below the bound of its row, and not below that of the row before. */
START_TEST(rows)
{
	for (unsigned bit = 0; bit < 63; bit++) {
		for (int off = -1; off <= 1; off++) {
			uint64_t ns = (UINT64_C(1) << bit) + (uint64_t)(int64_t)off;
			unsigned row = dwell_row(ns);

			ck_assert_uint_lt(row, DWELL_ROWS);
			ck_assert(row == DWELL_ROWS - 1 || ns < dwell_bound_ns(row));
			ck_assert(!row || ns >= dwell_bound_ns(row - 1));
		}
	}
	ck_assert_uint_eq(dwell_row(0), 0);
	ck_assert_uint_eq(dwell_row(UINT64_MAX), DWELL_ROWS - 1);
	ck_assert_uint_eq(dwell_bound_ns(0), 1024);
}
END_TEST

START_TEST(sums)
{
	struct dwell one = { 0 }, two = { 0 };
	struct dwell_values all = { 0 };

	dwell_note(&one, 500);
	dwell_note(&one, 1500);
	dwell_note(&two, 1600);
	dwell_note(&two, -7); /* the clock was set back */
	dwell_sum(&all, &one);
	dwell_sum(&all, &two);
	ck_assert_uint_eq(all.n[0], 2);
	ck_assert_uint_eq(all.n[1], 2);
	ck_assert_uint_eq(all.sum_ns, 3600);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dwell");
	TCase *tc = tcase_create("dwell");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, rows);
	tcase_add_test(tc, sums);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
