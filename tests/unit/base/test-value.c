// SPDX-License-Identifier: BSD-2-Clause
/* Text to values: the whole text or nothing, and what is refused changes nothing. */
#include "base/value.h"

#include <check.h>
#include <stdlib.h>

START_TEST(numbers)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		bool ok;
		uint64_t value;
	} rows[] = {
		{ "0", 0, 9, true, 0 },
		{ "007", 0, 9, true, 7 },
		{ "9", 0, 9, true, 9 },
		{ "10", 0, 9, false, 0 },
		{ "0", 1, 9, false, 0 },
		{ "18446744073709551615", 0, UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", 0, UINT64_MAX, false, 0 },
		{ "99999999999999999999999", 0, UINT64_MAX, false, 0 },
		{ "", 0, 9, false, 0 },
		{ " 1", 0, 9, false, 0 },
		{ "1 ", 0, 9, false, 0 },
		{ "+1", 0, 9, false, 0 },
		{ "-1", 0, 9, false, 0 },
		{ "0x1", 0, 9, false, 0 },
		{ "1.0", 0, 9, false, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t n = 4711;

		ck_assert_msg(value_number(rows[i].text, rows[i].min, rows[i].max, &n) ==
				      rows[i].ok,
			      "%s", rows[i].text);
		ck_assert_uint_eq(n, rows[i].ok ? rows[i].value : 4711);
	}
}
END_TEST

START_TEST(port_ranges)
{
	static const struct {
		const char *text;
		uint16_t first, last; /* 0: refused */
	} rows[] = {
		{ "1", 1, 1 },
		{ "65535", 65535, 65535 },
		{ "20000-20009", 20000, 20009 },
		{ "5-5", 5, 5 },
		{ "0", 0, 0 },
		{ "0-5", 0, 0 },
		{ "65536", 0, 0 },
		{ "1-65536", 0, 0 },
		{ "9-5", 0, 0 },
		{ "", 0, 0 },
		{ "-", 0, 0 },
		{ "5-", 0, 0 },
		{ "-5", 0, 0 },
		{ "5-6-7", 0, 0 },
		{ "5 - 6", 0, 0 },
		{ "a-b", 0, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint16_t first = 4711, last = 4712;
		bool ok = value_port_range(rows[i].text, &first, &last);

		ck_assert_msg(ok == (rows[i].first != 0), "%s", rows[i].text);
		ck_assert_uint_eq(first, ok ? rows[i].first : 4711);
		ck_assert_uint_eq(last, ok ? rows[i].last : 4712);
	}
}
END_TEST

START_TEST(durations)
{
	static const struct {
		const char *text;
		int64_t ns; /* -1: refused */
	} rows[] = {
		{ "20ms", 20000000 },
		{ "0.02s", 20000000 },
		{ "100us", 100000 },
		{ "7ns", 7 },
		{ "3", 3000000000 },
		{ "1.5", 1500000000 },
		{ ".5s", 500000000 },
		{ "0.000000001s", 1 },
		{ "2.5ms", 2500000 },
		{ "0", 0 },
		{ "", -1 },
		{ "s", -1 },
		{ "1.", -1 },
		{ "-1s", -1 },
		{ "1 s", -1 },
		{ "1e3", -1 },
		{ "0.0000000001s", -1 },
		{ "100000001", -1 },
		{ "99999999999999999999s", -1 },
		{ "1m", -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ns = -1;

		ck_assert_msg(value_duration_ns(rows[i].text, &ns) == (rows[i].ns >= 0), "%s",
			      rows[i].text);
		ck_assert_int_eq(ns, rows[i].ns);
	}
}
END_TEST

START_TEST(endpoints)
{
	static const struct {
		const char *text, *host; /* NULL: refused */
		uint16_t port;
	} rows[] = {
		{ "h", "h", 862 },
		{ "h:1", "h", 1 },
		{ "192.0.2.1:65535", "192.0.2.1", 65535 },
		{ "::1", "::1", 862 },
		{ "[::1]", "::1", 862 },
		{ "[::1]:9", "::1", 9 },
		{ "[fe80::1%eth0]:9", "fe80::1%eth0", 9 },
		{ "", NULL, 0 },
		{ ":1", NULL, 0 },
		{ "h:", NULL, 0 },
		{ "h:0", NULL, 0 },
		{ "h:65536", NULL, 0 },
		{ "h:1x", NULL, 0 },
		{ "[::1", NULL, 0 },
		{ "[::1]x", NULL, 0 },
		{ "[]:1", NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char host[32] = "";
		uint16_t port = 862;
		bool ok = value_endpoint(rows[i].text, host, sizeof(host), &port);

		ck_assert_msg(ok == (rows[i].host != NULL), "%s", rows[i].text);
		if (ok) {
			ck_assert_str_eq(host, rows[i].host);
			ck_assert_uint_eq(port, rows[i].port);
		}
	}
}
END_TEST

/* A name that fits with its end, and one that does not. */
START_TEST(host_that_does_not_fit)
{
	char host[4];
	uint16_t port = 862;

	ck_assert(value_endpoint("abc:9", host, sizeof host, &port));
	ck_assert_str_eq(host, "abc");
	ck_assert(!value_endpoint("abcd:9", host, sizeof host, &port));
	ck_assert(!value_endpoint("::12", host, sizeof host, &port));
	ck_assert(!value_endpoint("[::12]:9", host, sizeof host, &port));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("value");
	TCase *t = tcase_create("value");
	SRunner *runner;
	int failed;

	tcase_add_test(t, numbers);
	tcase_add_test(t, port_ranges);
	tcase_add_test(t, durations);
	tcase_add_test(t, endpoints);
	tcase_add_test(t, host_that_does_not_fit);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
