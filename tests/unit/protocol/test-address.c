// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/address.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct address make(const char *text)
{
	struct address a = { .family = strchr(text, ':') ? 6 : 4 };

	ck_assert_int_eq(inet_pton(a.family == 6 ? AF_INET6 : AF_INET, text, a.ip), 1);
	return a;
}

/* what makes two addresses the same host */
START_TEST(same_host)
{
	struct address a = make("192.0.2.1"), b = a;

	b.port = 5;
	ck_assert(address_same_host(&a, &b));
	b.ip[3] = 2;
	ck_assert(!address_same_host(&a, &b));
	b = a;
	b.family = 6;
	ck_assert(!address_same_host(&a, &b));
	a = b = make("fe80::1");
	a.scope = 1;
	b.scope = 2;
	ck_assert(!address_same_host(&a, &b));
	b.scope = 1;
	ck_assert(address_same_host(&a, &b));
	b.ip[15] = 9;
	ck_assert(!address_same_host(&a, &b));
}
END_TEST

static const struct {
	const char *text;
	bool any, link_local, unusable;
} kinds[] = {
	{ "0.0.0.0", true, false, true },
	{ "0.0.0.1", false, false, true },
	{ "10.0.0.1", false, false, false },
	{ "127.0.0.1", false, false, false },
	{ "169.254.1.1", false, false, false },
	{ "223.255.255.255", false, false, false },
	{ "224.0.0.1", false, false, true },
	{ "239.255.255.255", false, false, true },
	{ "255.255.255.255", false, false, true },
	{ "254.128.0.1", false, false, false }, /* fe80 in an IPv4 address */
	{ "::", true, false, true },
	{ "::1", false, false, false },
	{ "2001:db8::1", false, false, false },
	{ "fe80::1", false, true, false },
	{ "febf:ffff::1", false, true, false },
	{ "fec0::1", false, false, false },
	{ "fd80::1", false, false, false },
	{ "ff02::1", false, false, true },
	{ "feff::1", false, false, false },
};

/* R-090 R-091 */
START_TEST(kind)
{
	struct address a = make(kinds[_i].text);

	ck_assert_msg(address_is_any(&a) == kinds[_i].any, "%s any", kinds[_i].text);
	ck_assert_msg(address_is_link_local(&a) == kinds[_i].link_local, "%s", kinds[_i].text);
	ck_assert_msg(address_is_unusable(&a) == kinds[_i].unusable, "%s", kinds[_i].text);
}
END_TEST

static const struct {
	const char *ip;
	uint16_t port;
	uint32_t scope;
	const char *text;
} texts[] = {
	{ "192.0.2.1", 862, 0, "192.0.2.1:862" },
	{ "255.255.255.255", 65535, 0, "255.255.255.255:65535" },
	{ "2001:db8::1", 862, 3, "[2001:db8::1%3]:862" },
	{ "::", 0, 0, "[::]:0" },
	{ "::1", 1, 0, "[::1]:1" },
	{ "1::", 1, 0, "[1::]:1" },
	/* RFC 5952 4.2.2, 4.2.3: a single zero stays, the longest run goes, of equals the first */
	{ "2001:db8:0:1:1:1:1:1", 1, 0, "[2001:db8:0:1:1:1:1:1]:1" },
	{ "2001:0:0:1:0:0:0:1", 1, 0, "[2001:0:0:1::1]:1" },
	{ "2001:db8:0:0:1:0:0:1", 1, 0, "[2001:db8::1:0:0:1]:1" },
	{ "1:2:3:4:5:6:7:0", 1, 0, "[1:2:3:4:5:6:7:0]:1" },
	{ "0:2:3:4:5:6:7:8", 1, 0, "[0:2:3:4:5:6:7:8]:1" },
	{ "1:2:3:4:5:6:0:0", 1, 0, "[1:2:3:4:5:6::]:1" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, UINT32_MAX,
	  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535" },
};

START_TEST(text)
{
	struct address a = make(texts[_i].ip);
	char buf[ADDRESS_TEXT_LEN];

	a.port = texts[_i].port;
	a.scope = texts[_i].scope;
	ck_assert_ptr_eq(address_text(&a, buf, sizeof(buf)), buf);
	ck_assert_str_eq(buf, texts[_i].text);
}
END_TEST

/* Whatever the size: terminated, and nothing is written behind. */
START_TEST(text_is_cut)
{
	struct address a = make(texts[_i].ip);

	a.port = texts[_i].port;
	a.scope = texts[_i].scope;
	for (uint32_t size = 0; size < ADDRESS_TEXT_LEN; size++) {
		char *buf = malloc(size + 1u);

		buf[size] = 'x';
		ck_assert_ptr_eq(address_text(&a, buf, size), buf);
		ck_assert_int_eq(buf[size], 'x');
		if (size) {
			ck_assert_uint_lt(strlen(buf), size);
			ck_assert_int_eq(strncmp(buf, texts[_i].text, size - 1), 0);
		}
		free(buf);
	}
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

int main(void)
{
	Suite *suite = suite_create("address");
	TCase *tc = tcase_create("address");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, same_host);
	tcase_add_loop_test(tc, kind, 0, COUNT(kinds));
	tcase_add_loop_test(tc, text, 0, COUNT(texts));
	tcase_add_loop_test(tc, text_is_cut, 0, COUNT(texts));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
