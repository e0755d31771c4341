// SPDX-License-Identifier: BSD-2-Clause
/* Who is one client: an IPv4 address, an IPv6 prefix. R-120 */
#include "daemon/server/clients.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
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

static struct client *get_nth(unsigned i)
{
	char text[32];

	(void)snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
	return get(text);
}

/* Strangers without end: who holds something stays, of the others the oldest is forgotten. */
START_TEST(strangers_are_bounded)
{
	struct client *holder = get_nth(0), *back;

	for (unsigned i = 1; i < 20000; i++) {
		clients_put(clients, get_nth(i));
	}
	ck_assert_uint_eq(clients_number(clients), 8192 + 1);
	ck_assert_ptr_eq(get_nth(0), holder);
	back = get_nth(19999);
	ck_assert_ptr_eq(clients_roll(clients)->first, &back->node);
	ck_assert_uint_eq(clients_number(clients), 8192 + 1);
	clients_put(clients, back);
	clients_put(clients, get_nth(1)); /* it was forgotten: another entry makes room */
	ck_assert_uint_eq(clients_number(clients), 8192 + 1);
	clients_put(clients, clients_ref(holder));
	clients_put(clients, holder);
	clients_put(clients, holder);
	clients_sweep(clients, now);
	ck_assert_uint_eq(clients_number(clients), 0);
	ck_assert_ptr_null(clients_roll(clients)->first);
}
END_TEST

/* Who asked too fast is remembered until its bucket is full again. */
START_TEST(remembered_while_it_owes)
{
	const struct policy p = { .request_rate = 1, .request_burst = 2 };
	const struct mono later = { now.ns + 10 * TS_NS_PER_S };
	struct client *c = get("192.0.2.1");

	while (admit_request(&c->admit, &p, now)) {
		;
	}
	clients_put(clients, c);
	clients_sweep(clients, now);
	ck_assert_uint_eq(clients_number(clients), 1);
	c = get("192.0.2.1");
	ck_assert(!admit_request(&c->admit, &p, now));
	clients_put(clients, c);
	clients_sweep(clients, later);
	ck_assert_uint_eq(clients_number(clients), 0);
}
END_TEST

/* A walk goes on although entries are swept away between its pieces. */
START_TEST(walked_while_swept)
{
	struct roll_walk w;
	struct client *held = get_nth(1);

	clients_put(clients, get_nth(0));
	clients_put(clients, get_nth(2));
	clients_put(clients, get_nth(3));
	roll_begin(clients_roll(clients), &w);
	ck_assert_uint_eq(((const struct client *)(void *)roll_next(&w))->key.ip[3], 3);
	clients_sweep(clients, now);
	ck_assert_ptr_eq(roll_next(&w), &held->node);
	ck_assert_ptr_null(roll_next(&w));
	roll_end(&w);
	clients_put(clients, held);
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
	tcase_add_test(tc, strangers_are_bounded);
	tcase_add_test(tc, remembered_while_it_owes);
	tcase_add_test(tc, walked_while_swept);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
