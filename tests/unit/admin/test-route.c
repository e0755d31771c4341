// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/route.h"

#include <check.h>
#include <stdlib.h>

static char why[ROUTE_WHY_LEN];

START_TEST(paths)
{
	static const struct {
		const char *path;
		enum route_to to;
		const char *command;
	} rows[] = {
		{ "/", ROUTE_PAGE, NULL },
		{ "/metrics", ROUTE_METRICS, NULL },
		{ "/api/v1/status", ROUTE_API, "status" },
		{ "/api/v1/sessions", ROUTE_API, "sessions" },
		{ "/api/v1/session", ROUTE_API, "session" },
		{ "/api/v1/clients", ROUTE_API, "clients" },
		{ "/api/v1/refused", ROUTE_API, "refused" },
		{ "/api/v1/light", ROUTE_API, "light" },
		{ "/api/v1/reload", ROUTE_NOWHERE, NULL }, /* nothing that changes anything */
		{ "/api/v1/end", ROUTE_NOWHERE, NULL },
		{ "/api/v1/drain", ROUTE_NOWHERE, NULL },
		{ "/api/v1/", ROUTE_NOWHERE, NULL },
		{ "/api/v1/status/", ROUTE_NOWHERE, NULL },
		{ "/metrics/", ROUTE_NOWHERE, NULL },
		{ "//", ROUTE_NOWHERE, NULL },
		{ "/../etc/passwd", ROUTE_NOWHERE, NULL },
		{ "", ROUTE_NOWHERE, NULL },
	};
	struct route r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		route_init(&r, rows[i].path);
		ck_assert_msg(r.to == rows[i].to, "%s", rows[i].path);
		if (rows[i].command) {
			ck_assert_str_eq(r.command, rows[i].command);
		}
		ck_assert_uint_eq(r.limit, ROUTE_LIMIT);
	}
}
END_TEST

START_TEST(good_arguments)
{
	struct route r;

	route_init(&r, "/api/v1/sessions");
	ck_assert(route_argument(&r, "offset", "100000", why));
	ck_assert(route_argument(&r, "limit", "200", why));
	ck_assert(route_argument(&r, "since", "600", why));
	ck_assert(route_argument(&r, "sort", "-gaps", why));
	ck_assert(route_argument(&r, "client", "2001:db8::/56", why));
	ck_assert(route_argument(&r, "class", "own", why));
	ck_assert(route_argument(&r, "key", NULL, why)); /* "?key" */
	ck_assert_uint_eq(r.offset, 100000);
	ck_assert_uint_eq(r.limit, 200);
	ck_assert_uint_eq(r.since_s, 600);
	ck_assert_str_eq(r.sort, "gaps");
	ck_assert(r.rising);
	ck_assert_str_eq(r.client, "2001:db8::/56");
	ck_assert_str_eq(r.class, "own");
	ck_assert_str_eq(r.key, "");
	ck_assert(route_argument(&r, "sort", "rx", why));
	ck_assert(!r.rising);
}
END_TEST

START_TEST(bad_arguments)
{
	static const struct {
		const char *name, *value, *why;
	} rows[] = {
		{ "offset", "", "offset: a number 0..100000 expected" },
		{ "offset", "-1", "offset: a number 0..100000 expected" },
		{ "offset", "100001", "offset: a number 0..100000 expected" },
		{ "offset", "99999999999999999999999", "offset: a number 0..100000 expected" },
		{ "limit", "0", "limit: a number 1..200 expected" },
		{ "limit", "201", "limit: a number 1..200 expected" },
		{ "limit", " 5", "limit: a number 1..200 expected" },
		{ "since", "10m", "since: a number of seconds expected" },
		{ "sort", "a b", "sort: the name of a column expected" },
		{ "sort", "a\"", "sort: the name of a column expected" },
		{ "client", "\n", "client: at most 64 printable characters expected" },
		{ "class", "0123456789012345678901234567890123456789012345678901234567890123456789",
		  "class: at most 64 printable characters expected" },
		{ "key", "\xc3\xa4", "key: at most 64 printable characters expected" },
		{ "<script>", "1",
		  "there is no such argument, expected: offset, limit, since, sort, client, class, "
		  "key, sid" },
	};
	struct route r;

	route_init(&r, "/api/v1/sessions");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_msg(!route_argument(&r, rows[i].name, rows[i].value, why), "%s=%s",
			      rows[i].name, rows[i].value);
		ck_assert_str_eq(why, rows[i].why);
	}
}
END_TEST

START_TEST(headers)
{
	ck_assert(route_is_local("localhost"));
	ck_assert(route_is_local("LocalHost:9862"));
	ck_assert(route_is_local("127.0.0.1:9862"));
	ck_assert(route_is_local("[::1]:9862"));
	ck_assert(route_is_local("[::1]"));
	ck_assert(!route_is_local(NULL));
	ck_assert(!route_is_local(""));
	ck_assert(!route_is_local("evil.example"));
	ck_assert(!route_is_local("localhost.evil.example"));
	ck_assert(!route_is_local("127.0.0.1.evil.example:9862"));
	ck_assert(!route_is_local("[::1"
				  ".evil.example"));
	ck_assert(!route_is_local("["));
	ck_assert(!route_wants_open(NULL));
	ck_assert(!route_wants_open("text/plain"));
	ck_assert(route_wants_open("application/openmetrics-text;version=1.0.0,text/plain;q=0.5"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("route");
	TCase *tc = tcase_create("route");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_test(tc, paths);
	tcase_add_test(tc, good_arguments);
	tcase_add_test(tc, bad_arguments);
	tcase_add_test(tc, headers);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
