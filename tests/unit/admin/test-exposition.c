// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/exposition.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void write_all(struct exposition *e, bool open)
{
	static const double bounds[] = { 0.001, 0.01 };

	exposition_init(e, open);
	exposition_family(e, "twampd_sessions", EXPOSITION_GAUGE, NULL, "A \\ and\na \"line\".");
	exposition_number(e, EXPOSITION_LABELS({ "class", "a\"b\\c\nd" }), 7);
	exposition_family(e, "twampd_refused", EXPOSITION_COUNTER, NULL, "Refused.");
	exposition_number(e, EXPOSITION_LABELS({ "accept", "4" }, { "reason", "no-port" }),
			  UINT64_MAX);
	exposition_family(e, "twampd_reflect_seconds", EXPOSITION_HISTOGRAM, "seconds", "Time.");
	exposition_histogram(e, NULL, bounds, (const uint64_t[]){ 1, 2, 3 }, 2, 0.5);
	exposition_family(e, "twampd_loop_lag_seconds", EXPOSITION_GAUGE, "seconds", "Late.");
	exposition_real(e, NULL, 0.00025);
	exposition_real(e, EXPOSITION_LABELS({ "a", "b" }), NAN);
	exposition_real(e, EXPOSITION_LABELS({ "a", "c" }), -INFINITY);
	ck_assert_int_eq(exposition_end(e), 0);
}

START_TEST(open_metrics)
{
	struct exposition e;

	write_all(&e, true);
	ck_assert_str_eq(e.text, "# TYPE twampd_sessions gauge\n"
				 "# HELP twampd_sessions A \\\\ and\\na \\\"line\\\".\n"
				 "twampd_sessions{class=\"a\\\"b\\\\c\\nd\"} 7\n"
				 "# TYPE twampd_refused counter\n"
				 "# HELP twampd_refused Refused.\n"
				 "twampd_refused_total{accept=\"4\",reason=\"no-port\"} "
				 "18446744073709551615\n"
				 "# TYPE twampd_reflect_seconds histogram\n"
				 "# UNIT twampd_reflect_seconds seconds\n"
				 "# HELP twampd_reflect_seconds Time.\n"
				 "twampd_reflect_seconds_bucket{le=\"0.001\"} 1\n"
				 "twampd_reflect_seconds_bucket{le=\"0.01\"} 3\n"
				 "twampd_reflect_seconds_bucket{le=\"+Inf\"} 6\n"
				 "twampd_reflect_seconds_sum 0.5\n"
				 "twampd_reflect_seconds_count 6\n"
				 "# TYPE twampd_loop_lag_seconds gauge\n"
				 "# UNIT twampd_loop_lag_seconds seconds\n"
				 "# HELP twampd_loop_lag_seconds Late.\n"
				 "twampd_loop_lag_seconds 0.00025\n"
				 "twampd_loop_lag_seconds{a=\"b\"} NaN\n"
				 "twampd_loop_lag_seconds{a=\"c\"} -Inf\n"
				 "# EOF\n");
	ck_assert_uint_eq(e.len, strlen(e.text));
	exposition_wipe(&e);
	ck_assert_ptr_null(e.text);
}
END_TEST

/* In the older format the name of a counter has its ending everywhere, and help keeps its marks. */
START_TEST(older)
{
	struct exposition e;

	write_all(&e, false);
	ck_assert_ptr_nonnull(strstr(e.text, "# TYPE twampd_refused_total counter\n"
					     "# HELP twampd_refused_total Refused.\n"
					     "twampd_refused_total{accept"));
	ck_assert_ptr_nonnull(strstr(e.text, "A \\\\ and\\na \"line\".\n"));
	ck_assert_ptr_null(strstr(e.text, "UNIT"));
	ck_assert_ptr_null(strstr(e.text, "EOF"));
	exposition_wipe(&e);
}
END_TEST

/* It grows as it must. */
START_TEST(large)
{
	struct exposition e;

	exposition_init(&e, true);
	exposition_family(&e, "x", EXPOSITION_GAUGE, NULL, "X.");
	for (int i = 0; i < 100000; i++) {
		exposition_number(&e, NULL, 1);
	}
	ck_assert_int_eq(exposition_end(&e), 0);
	ck_assert_uint_eq(e.len, strlen(e.text));
	ck_assert_uint_eq(e.len, strlen("# TYPE x gauge\n# HELP x X.\n# EOF\n") + 4 * 100000);
	exposition_wipe(&e);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exposition");
	TCase *tc = tcase_create("exposition");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, open_metrics);
	tcase_add_test(tc, older);
	tcase_add_test(tc, large);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
