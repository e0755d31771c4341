// SPDX-License-Identifier: BSD-2-Clause
/* R-319 S-13: backoff between its bounds, and only after Accept 5. */
#include "client/control/retry.h"

#include <check.h>
#include <stdlib.h>

#define S INT64_C(1000000000)

START_TEST(bounds)
{
	static const int64_t full_s[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };

	for (unsigned n = 0; n < sizeof(full_s) / sizeof(full_s[0]); n++) {
		ck_assert_int_eq(retry_wait_ns(S, n, 0), full_s[n] * S / 2);
		ck_assert_int_eq(retry_wait_ns(S, n, (uint64_t)(full_s[n] * S / 2)), full_s[n] * S);
		for (uint64_t r = 1; r < 1000; r++) {
			int64_t w = retry_wait_ns(S, n, r * UINT64_C(0x9e3779b97f4a7c15));

			ck_assert_int_ge(w, full_s[n] * S / 2);
			ck_assert_int_le(w, full_s[n] * S);
		}
	}
}
END_TEST

START_TEST(odd_values)
{
	ck_assert_int_le(retry_wait_ns(S, 1000000000u, UINT64_MAX), RETRY_CAP_NS);
	ck_assert_int_le(retry_wait_ns(INT64_MAX, 5, UINT64_MAX), RETRY_CAP_NS);
	ck_assert_int_eq(retry_wait_ns(0, 100, 7), 0);
	ck_assert_int_le(retry_wait_ns(1, 0, 7), 1);
}
END_TEST

START_TEST(only_after_5)
{
	struct outcome o;

	for (unsigned accept = 0; accept < 256; accept++) {
		(void)outcome_refused(&o, "Server-Start", (uint8_t)accept);
		ck_assert_int_eq(retry_wanted(&o), accept == 5);
	}
	(void)outcome_set(&o, OUTCOME_NO_ACCEPT, 1, "x");
	ck_assert(!retry_wanted(&o));
	(void)outcome_set(&o, OUTCOME_LOCAL, 0, "x");
	ck_assert(!retry_wanted(&o));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("retry");
	TCase *c = tcase_create("backoff");
	SRunner *runner;
	int failed;

	tcase_add_test(c, bounds);
	tcase_add_test(c, odd_values);
	tcase_add_test(c, only_after_5);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
