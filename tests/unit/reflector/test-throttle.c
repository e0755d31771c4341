// SPDX-License-Identifier: BSD-2-Clause
/* Rates of senders that can be forged: each for itself, and no crowd keeps another out. */
#include "daemon/reflector/throttle.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define RATE 1000
#define BURST (RATE / 10) /* a tenth of a second's worth */

static const struct throttle_rates rates = { .packet_rate = RATE };
static struct throttle *t;
static struct mono now;

static void set_up(void)
{
	ck_assert_int_eq(throttle_new(&t), 0);
	now.ns = 1000 * TS_NS_PER_S;
}

static void tear_down(void)
{
	throttle_free(t);
	throttle_free(NULL);
}

static struct address v4(uint32_t n)
{
	struct address a = { .family = 4 };

	memcpy(a.ip, &n, sizeof(n));
	return a;
}

/* How many of @n at once are taken. */
static uint32_t take(const struct address *from, const struct throttle_rates *r, uint32_t n,
		     size_t octets)
{
	uint32_t taken = 0;

	while (n--) {
		taken += throttle_take(t, from, r, octets, now);
	}
	return taken;
}

/* Its rate, and a burst; another sender has a rate of its own, another port has not. */
START_TEST(each_sender)
{
	struct address a = v4(1), b = v4(2), same = a;

	same.port = 9;
	ck_assert_uint_eq(take(&a, &rates, 5 * RATE, 41), BURST);
	ck_assert_uint_eq(take(&same, &rates, 1, 41), 0);
	ck_assert_uint_eq(take(&b, &rates, 5 * RATE, 41), BURST);
	now.ns += TS_NS_PER_S / RATE;
	ck_assert_uint_eq(take(&a, &rates, 10, 41), 1);
	now.ns += 10 * TS_NS_PER_S;
	ck_assert_uint_eq(take(&a, &rates, 5 * RATE, 41), BURST);
}
END_TEST

/* Over ten seconds: the rate, to one packet in a thousand. */
START_TEST(rate_is_exact)
{
	struct address a = v4(1);
	uint32_t taken = 0;

	for (int i = 0; i < 40000; i++) {
		now.ns += 10 * TS_NS_PER_S / 40000;
		taken += take(&a, &rates, 1, 41);
	}
	ck_assert_uint_ge(taken, 10 * RATE);
	ck_assert_uint_le(taken, 10 * RATE + BURST);
}
END_TEST

/* What octets refuse costs no packet, and the other way round. */
START_TEST(octets)
{
	struct throttle_rates both = { .packet_rate = RATE, .octet_rate = 10000 };
	struct address a = v4(1), b = v4(2);

	ck_assert_uint_eq(take(&a, &both, 1, 1100), 1);
	ck_assert_uint_eq(take(&a, &both, 1000, 1100), 0);
	ck_assert_uint_eq(take(&a, &rates, 5 * RATE, 1100), BURST - 1);
	both.octet_rate = 1000000;
	ck_assert_uint_eq(take(&b, &both, 5 * RATE, 10), BURST);
	both.packet_rate = 0;
	ck_assert_uint_ge(take(&b, &both, 20000, 10), 9800);
}
END_TEST

/* IPv6: a host has a network, and addresses as it likes. */
START_TEST(ipv6_network)
{
	struct address a = { .family = 6, .ip = { 0x20, 1, 0x0d, 0xb8 } }, b = a, other = a;

	b.ip[15] = 7;
	other.ip[7] = 1;
	ck_assert_uint_eq(take(&a, &rates, 5 * RATE, 41), BURST);
	ck_assert_uint_eq(take(&b, &rates, 5 * RATE, 41), 0);
	ck_assert_uint_eq(take(&other, &rates, 5 * RATE, 41), BURST);
}
END_TEST

/*
 * A million packets per second from forged addresses, and a thousand senders that never stop: of a
 * hundred that keep to their rate hardly one loses a packet.
 */
START_TEST(crowd)
{
	uint32_t lost = 0, forged = 0;

	for (int ms = 0; ms < 500; ms++) {
		now.ns += TS_NS_PER_S / 1000;
		for (int i = 0; i < 1000; i++) {
			struct address a = v4(UINT32_C(0x80000000) | forged++);
			struct address greedy = v4(0x40000000 | (uint32_t)i);

			(void)throttle_take(t, &a, &rates, 41, now);
			(void)throttle_take(t, &greedy, &rates, 41, now);
			(void)throttle_take(t, &greedy, &rates, 41, now);
		}
		for (uint32_t i = 0; i < 100; i++) {
			struct address honest = v4(i);

			lost += ms % 2 && !throttle_take(t, &honest, &rates, 41, now);
		}
	}
	/*
	 * Of 250 packets each. By chance all meters of one are of greedy ones: one of 460, so that six of
	 * a hundred are never seen. Were there one row only, it were twenty.
	 */
	ck_assert_uint_le(lost, 5 * 250);
}
END_TEST

/* Several threads have packets of one sender: together they get its rate, and little more. Who is
 * interrupted between two rows lets others in for once; no row has more than the rate. */
static void *run(void *arg)
{
	struct address a = v4(1);
	uint32_t *taken = arg;

	for (int i = 0; i < 5 * RATE; i++) {
		*taken += throttle_take(t, &a, &rates, 41, now);
	}
	return NULL;
}

START_TEST(threads)
{
	pthread_t thread[4];
	uint32_t taken[4] = { 0 }, all = 0;

	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(pthread_create(&thread[i], NULL, run, &taken[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		all += taken[i];
	}
	ck_assert_uint_ge(all, BURST);
	ck_assert_uint_le(all, THROTTLE_ROWS * BURST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("throttle");
	TCase *tc = tcase_create("throttle");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, each_sender);
	tcase_add_test(tc, rate_is_exact);
	tcase_add_test(tc, octets);
	tcase_add_test(tc, ipv6_network);
	tcase_add_test(tc, crowd);
	tcase_add_test(tc, threads);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
