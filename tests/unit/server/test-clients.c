// SPDX-License-Identifier: BSD-2-Clause
/* Who is one client: an IPv4 address, an IPv6 prefix. R-120 */
#include "daemon/server/clients.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct mono now = { 1000 * TS_NS_PER_S };
static struct clients *clients;

static struct client *get(const char *text)
{
	struct address a = { .family = strchr(text, ':') ? 6 : 4 };
	struct client *c;

	ck_assert_int_eq(inet_pton(a.family == 4 ? AF_INET : AF_INET6, text, a.ip), 1);
	c = clients_get(clients, &a, now);
	ck_assert_ptr_nonnull(c);
	return c;
}

/* Is it the same? Nobody holds them after. */
static bool are_one(const char *a, const char *b)
{
	struct client *one = get(a), *other = get(b);
	bool same = one == other;

	clients_put(clients, one);
	clients_put(clients, other);
	return same;
}

static void set_up(void)
{
	clients = clients_new(56);
	ck_assert_ptr_nonnull(clients);
}

static void tear_down(void)
{
	clients_free(clients);
}

START_TEST(addresses_and_prefixes)
{
	ck_assert(are_one("192.0.2.1", "192.0.2.1"));
	ck_assert(!are_one("192.0.2.1", "192.0.2.2"));
	ck_assert(are_one("2001:db8:0:1200::1", "2001:db8:0:12ff::2"));
	ck_assert(!are_one("2001:db8:0:1200::1", "2001:db8:0:1300::1"));
	ck_assert(!are_one("192.0.2.1", "c000:201::"));
}
END_TEST

START_TEST(of_any_length)
{
	static const struct {
		unsigned bits;
		const char *one, *same, *other;
	} rows[] = {
		{ 16, "2001:db8::", "2001:ffff::", "2002:db8::" },
		{ 48, "2001:db8:1::", "2001:db8:1:ffff::", "2001:db8:2::" },
		{ 60, "2001:db8::f0", "2001:db8:0:f::", "2001:db8:0:10::" },
		{ 64, "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1" },
		{ 128, "2001:db8::1", "2001:db8::1", "2001:db8::2" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert(clients_set_prefix(clients, rows[i].bits));
		ck_assert(!clients_set_prefix(clients, rows[i].bits));
		ck_assert(are_one(rows[i].one, rows[i].same));
		ck_assert(!are_one(rows[i].one, rows[i].other));
	}
}
END_TEST

/* A reload makes one client of two that hold something: what they hold moves. */
START_TEST(counted_anew)
{
	struct client *a = get("2001:db8:0:1::1"), *b = get("2001:db8:0:2::1"), *wide;

	ck_assert_ptr_eq(a, b);
	clients_put(clients, b);
	ck_assert(clients_set_prefix(clients, 64));
	b = get("2001:db8:0:2::1");
	ck_assert_ptr_ne(a, b);
	ck_assert_uint_eq(clients_number(clients), 2);
	ck_assert(clients_set_prefix(clients, 56));
	wide = get("2001:db8:0:2::1");
	ck_assert_ptr_eq(wide, a); /* that was never gone */
	clients_put(clients, wide);
	clients_put(clients, a);
	clients_put(clients, b);
	clients_sweep(clients, now);
	ck_assert_uint_eq(clients_number(clients), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clients");
	TCase *tc = tcase_create("clients");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, addresses_and_prefixes);
	tcase_add_test(tc, of_any_length);
	tcase_add_test(tc, counted_anew);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
