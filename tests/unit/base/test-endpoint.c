// SPDX-License-Identifier: BSD-2-Clause
#include "base/endpoint.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct address make(const char *text, uint16_t port, uint32_t scope)
{
	struct address a = { .family = strchr(text, ':') ? 6 : 4, .port = port, .scope = scope };

	ck_assert_int_eq(inet_pton(a.family == 6 ? AF_INET6 : AF_INET, text, a.ip), 1);
	return a;
}

static const struct {
	const char *ip;
	uint32_t scope;
	const char *text, *with_port;
} rows[] = {
	{ "192.0.2.1", 0, "192.0.2.1", "192.0.2.1:862" },
	{ "255.255.255.255", 0, "255.255.255.255", "255.255.255.255:862" },
	{ "2001:db8::1", 0, "2001:db8::1", "[2001:db8::1]:862" },
	{ "fe80::1", 1, "fe80::1%lo", "[fe80::1%lo]:862" },
	{ "fe80::1", 4294967295, "fe80::1%4294967295", "[fe80::1%4294967295]:862" },
	{ "ff02::ffff:ffff:ffff:ffff", 0, "ff02::ffff:ffff:ffff:ffff",
	  "[ff02::ffff:ffff:ffff:ffff]:862" },
};

START_TEST(there_and_back)
{
	struct address a = make(rows[_i].ip, 862, rows[_i].scope), b;
	union endpoint e = endpoint_of(&a), other;
	char text[ENDPOINT_TEXT_LEN];

	ck_assert_uint_eq(endpoint_port(&e), 862);
	ck_assert_uint_eq(endpoint_len(&e), a.family == 4 ? sizeof(e.v4) : sizeof(e.v6));
	b = endpoint_address(&e);
	ck_assert(address_same_port(&a, &b));
	ck_assert_str_eq(endpoint_text(&e, false, text), rows[_i].text);
	ck_assert_str_eq(endpoint_text(&e, true, text), rows[_i].with_port);
	other = e;
	ck_assert(endpoint_equal(&e, &other));
	endpoint_set_port(&other, 863);
	ck_assert(!endpoint_equal(&e, &other));
}
END_TEST

/* an IPv4-mapped address is IPv4, and no scope stays where none belongs. */
START_TEST(mapped)
{
	struct address a = make("::ffff:192.0.2.1", 5, 3), b = make("192.0.2.1", 5, 0), c;
	union endpoint e = endpoint_of(&a);

	c = endpoint_address(&e);
	ck_assert(address_same_port(&c, &b));
	a = make("2001:db8::1", 5, 3);
	e = endpoint_of(&a);
	ck_assert_uint_eq(endpoint_address(&e).scope, 0);
}
END_TEST

START_TEST(other_families_and_hosts)
{
	struct address a = make("192.0.2.1", 5, 0), b = make("192.0.2.2", 5, 0);
	struct address c = make("2001:db8::1", 5, 0), d = make("2001:db8::2", 5, 0);
	union endpoint e = endpoint_of(&a), f = endpoint_of(&b), g = endpoint_of(&c),
		       h = endpoint_of(&d);

	ck_assert(!endpoint_equal(&e, &f));
	ck_assert(!endpoint_equal(&e, &g));
	ck_assert(!endpoint_equal(&g, &h));
}
END_TEST

START_TEST(bound)
{
	struct address a = make("127.0.0.1", 0, 0), b;
	union endpoint e = endpoint_of(&a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, &e.any, endpoint_len(&e)), 0);
	ck_assert_int_eq(endpoint_bound(fd, &b), 0);
	ck_assert(address_same_host(&a, &b));
	ck_assert_uint_ne(b.port, 0);
	close(fd);
	ck_assert_int_lt(endpoint_bound(fd, &b), 0);
	ck_assert_uint_eq(b.family, 4);
	ck_assert(address_is_any(&b));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("endpoint");
	TCase *cases = tcase_create("endpoint");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(cases, there_and_back, 0, sizeof(rows) / sizeof(*rows));
	tcase_add_test(cases, mapped);
	tcase_add_test(cases, other_families_and_hosts);
	tcase_add_test(cases, bound);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
