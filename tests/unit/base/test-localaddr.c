// SPDX-License-Identifier: BSD-2-Clause
/* Which addresses are ours: as the kernel tells it, and where it does not. R-089 */
#include "base/localaddr.h"

#include <arpa/inet.h>
#include <check.h>
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static struct localaddr *addresses;
static uint8_t told[512];
static size_t told_len;

static void set_up(void)
{
	ck_assert_int_eq(localaddr_new(&addresses), 0);
	told_len = 0;
}

static void tear_down(void)
{
	localaddr_free(addresses);
}

static struct address ip_of(const char *text, uint32_t scope)
{
	struct address ip = { .family = strchr(text, ':') ? 6 : 4, .scope = scope };

	ck_assert_int_eq(inet_pton(ip.family == 4 ? AF_INET : AF_INET6, text, ip.ip), 1);
	return ip;
}

static bool has(const char *text, uint32_t scope)
{
	struct address ip = ip_of(text, scope);

	return localaddr_has(addresses, &ip, 0);
}

/* --- what the kernel may say ---------------------------------------------------------- */

static void put(const void *octets, size_t n)
{
	memcpy(told + told_len, octets, n);
	told_len += NLMSG_ALIGN(n);
}

static void put_attribute(unsigned short type, const char *text)
{
	struct address ip = ip_of(text, 0);
	size_t len = ip.family == 4 ? 4 : 16;
	struct rtattr a = { .rta_len = (unsigned short)(sizeof(a) + len), .rta_type = type };

	put(&a, sizeof(a));
	put(ip.ip, len);
}

/* @other  the other end of a point-to-point device, NULL = none */
static void tell(unsigned short type, const char *text, uint32_t device, uint8_t prefix_len,
		 const char *other)
{
	struct nlmsghdr h = { .nlmsg_type = type };
	struct ifaddrmsg m = { .ifa_family = strchr(text, ':') ? AF_INET6 : AF_INET,
			       .ifa_prefixlen = prefix_len,
			       .ifa_index = device };

	told_len = sizeof(h);
	put(&m, sizeof(m));
	if (other) {
		put_attribute(IFA_LOCAL, text);
		put_attribute(IFA_ADDRESS, other);
	} else {
		put_attribute(IFA_ADDRESS, text);
	}
	h.nlmsg_len = (uint32_t)told_len;
	memcpy(told, &h, sizeof(h));
	localaddr_take(addresses, told, told_len);
}

static void tell_more(unsigned short type, const char *text)
{
	tell(type, text, 1, 24, NULL);
}

/* --- tests ---------------------------------------------------------------------------- */

START_TEST(all_of_this_host)
{
	struct ifaddrs *all;
	char text[INET6_ADDRSTRLEN];

	ck_assert(localaddr_is_complete(addresses));
	ck_assert_int_eq(getifaddrs(&all), 0);
	for (struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct sockaddr_in6 v6;
		struct sockaddr_in v4;

		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET) {
			memcpy(&v4, i->ifa_addr, sizeof(v4));
			inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
			ck_assert_msg(has(text, 0), "%s", text);
		} else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6) {
			memcpy(&v6, i->ifa_addr, sizeof(v6));
			inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
			ck_assert_msg(has(text, v6.sin6_scope_id), "%s", text);
		}
	}
	freeifaddrs(all);
	ck_assert(has("127.0.0.1", 0) && has("127.9.8.7", 0));
	ck_assert(!has("198.18.99.1", 0) && !has("2001:db8::1", 0) && !has("0.0.0.0", 0));
}
END_TEST

START_TEST(added_and_removed)
{
	tell_more(RTM_NEWADDR, "198.18.99.1");
	tell_more(RTM_NEWADDR, "2001:db8::1");
	ck_assert(has("198.18.99.1", 0) && has("2001:db8::1", 0));
	ck_assert(!has("198.18.99.2", 0) && !has("2001:db8::2", 0));
	tell_more(RTM_NEWADDR, "198.18.99.1"); /* another lifetime, say */
	tell_more(RTM_DELADDR, "198.18.99.1");
	ck_assert(!has("198.18.99.1", 0) && has("2001:db8::1", 0));
	tell_more(RTM_DELADDR, "198.18.99.1");
	tell_more(RTM_DELADDR, "2001:db8::1");
	ck_assert(!has("2001:db8::1", 0));
}
END_TEST

/* In two VRFs, or with two prefix lengths: it goes with the last. */
START_TEST(several_times)
{
	tell(RTM_NEWADDR, "198.18.99.1", 5, 24, NULL);
	tell(RTM_NEWADDR, "198.18.99.1", 6, 24, NULL);
	tell(RTM_NEWADDR, "198.18.99.1", 6, 32, NULL);
	tell(RTM_DELADDR, "198.18.99.1", 6, 24, NULL);
	tell(RTM_DELADDR, "198.18.99.1", 5, 24, NULL);
	ck_assert(has("198.18.99.1", 0));
	tell(RTM_DELADDR, "198.18.99.1", 6, 32, NULL);
	ck_assert(!has("198.18.99.1", 0));
}
END_TEST

START_TEST(own_end_of_a_link)
{
	tell(RTM_NEWADDR, "198.18.99.1", 5, 32, "198.18.99.2");
	ck_assert(has("198.18.99.1", 0));
	ck_assert(!has("198.18.99.2", 0));
	tell(RTM_DELADDR, "198.18.99.1", 5, 32, "198.18.99.2");
	ck_assert(!has("198.18.99.1", 0));
}
END_TEST

START_TEST(link_local)
{
	tell(RTM_NEWADDR, "fe80::5:1", 1000005, 64, NULL);
	ck_assert(has("fe80::5:1", 1000005));
	ck_assert(!has("fe80::5:1", 1000006));
	ck_assert(!has("fe80::5:1", 0));
}
END_TEST

/* More than fit into one segment of the table, and back again. */
START_TEST(many)
{
	char text[32];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5000; i++) {
			snprintf(text, sizeof(text), "198.18.%d.%d", i / 250, i % 250);
			tell_more(round ? RTM_DELADDR : RTM_NEWADDR, text);
			ck_assert(has(text, 0) == !round);
		}
	}
}
END_TEST

static void read_all(void)
{
	for (int i = 0; i < 1000 && !localaddr_is_complete(addresses); i++) {
		localaddr_refresh(addresses);
		localaddr_read(addresses);
	}
	ck_assert(localaddr_is_complete(addresses));
}

/* Something was missed: the kernel is asked one by one, then for all, and what is gone is gone. */
START_TEST(missed)
{
	static const uint8_t cut[] = { 200, 0, 0, 0, RTM_NEWADDR, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

	tell_more(RTM_NEWADDR, "198.18.99.1");
	ck_assert(has("198.18.99.1", 0));
	localaddr_take(addresses, cut, sizeof(cut));
	ck_assert(!localaddr_is_complete(addresses));
	ck_assert(!has("198.18.99.1", 0)); /* the kernel knows nothing of it */
	ck_assert(has("127.0.0.1", 0));
	read_all();
	ck_assert(!has("198.18.99.1", 0));
	for (int i = 0; i < 3; i++) {
		localaddr_refresh(addresses); /* nothing to do */
	}
	tell_more(RTM_NEWADDR, "198.18.99.1");
	ck_assert(has("198.18.99.1", 0));
}
END_TEST

/* A list that changed while it was told is asked for again. */
START_TEST(interrupted)
{
	static const uint8_t cut[] = { 200, 0, 0, 0, RTM_NEWADDR, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct nlmsghdr done = { .nlmsg_len = sizeof(done),
				 .nlmsg_type = NLMSG_DONE,
				 .nlmsg_flags = NLM_F_DUMP_INTR };

	localaddr_take(addresses, cut, sizeof(cut));
	localaddr_refresh(addresses); /* it has begun */
	memcpy(told, &done, sizeof(done));
	localaddr_take(addresses, told, sizeof(done));
	ck_assert(!localaddr_is_complete(addresses));
	read_all();
}
END_TEST

static void limit_descriptors(rlim_t most)
{
	struct rlimit l;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = most < l.rlim_max ? most : l.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &l), 0);
}

/* A sandbox without AF_NETLINK, for example. */
START_TEST(nothing_is_told)
{
	localaddr_free(addresses);
	limit_descriptors(0);
	ck_assert_int_eq(localaddr_new(&addresses), 0);
	limit_descriptors(1024);
	ck_assert_int_eq(localaddr_fd(addresses), -1);
	ck_assert(!localaddr_is_complete(addresses));
	ck_assert(has("127.0.0.1", 0) && has("127.3.2.1", 0));
	ck_assert(!has("198.18.99.1", 0) && !has("2001:db8::1", 0));
	ck_assert(!has("224.0.0.1", 0) && !has("255.255.255.255", 0) && !has("0.0.0.0", 0));
	localaddr_read(addresses);
	localaddr_refresh(addresses);
	ck_assert(!localaddr_is_complete(addresses));
}
END_TEST

/* Whatever the lengths claim. */
START_TEST(nonsense)
{
	unsigned seed = 1;

	for (int i = 0; i < 100000; i++) {
		size_t n = (size_t)rand_r(&seed) % 120;

		tell(RTM_NEWADDR, i % 2 ? "198.18.99.1" : "2001:db8::1", 1, 24, NULL);
		for (int k = 0; k < 4; k++) {
			told[(size_t)rand_r(&seed) % told_len] = (uint8_t)rand_r(&seed);
		}
		localaddr_take(addresses, told, n < told_len ? n : told_len);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("localaddr");
	TCase *tc = tcase_create("localaddr");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, all_of_this_host);
	tcase_add_test(tc, added_and_removed);
	tcase_add_test(tc, several_times);
	tcase_add_test(tc, own_end_of_a_link);
	tcase_add_test(tc, link_local);
	tcase_add_test(tc, many);
	tcase_add_test(tc, missed);
	tcase_add_test(tc, interrupted);
	tcase_add_test(tc, nothing_is_told);
	tcase_add_test(tc, nonsense);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
