// SPDX-License-Identifier: BSD-2-Clause
/* Packet policing by hand: what gets through in a virtual time. */
#include "daemon/reflector/police.h"

#include <check.h>
#include <stdlib.h>

/* How many of @n packets of @octets, one every @gap_ns from @start, are taken. */
static unsigned pass(struct police *p, struct police_total *t, unsigned n, size_t octets,
		     int64_t start, int64_t gap_ns)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < n; i++) {
		struct mono now = { start + (int64_t)i * gap_ns };

		taken += police_take(p, t, octets, now);
	}
	return taken;
}

#define WITHIN(value, low, high) \
	ck_assert_msg((value) >= (low) && (value) <= (high), "%u, not %u..%u", (unsigned)(value), \
		      (unsigned)(low), (unsigned)(high))

/* ten seconds at ten times the rate: the rate, and a tenth of a second at once */
START_TEST(packets_of_a_session)
{
	struct police p = { .packet_rate = 100 };

	WITHIN(pass(&p, NULL, 10000, 1400, 5000, 1000000), 1000, 1011);
	/* what is within the rate is never dropped */
	p = (struct police){ .packet_rate = 100 };
	ck_assert_uint_eq(pass(&p, NULL, 1000, 1400, 5000, 10000000), 1000);
}
END_TEST

/* */
START_TEST(octets_of_a_session)
{
	struct police p = { .octet_rate = 100000 };

	WITHIN(pass(&p, NULL, 10000, 1000, 5000, 1000000), 1000, 1011);
	/* small ones of the same rate of packets go through */
	p = (struct police){ .octet_rate = 100000 };
	ck_assert_uint_eq(pass(&p, NULL, 1000, 41, 5000, 1000000), 1000);
	/* one that is larger than all that the burst allows goes alone */
	p = (struct police){ .octet_rate = 10 };
	ck_assert_uint_eq(pass(&p, NULL, 10, 65507, 5000, 1000), 1);
}
END_TEST

/* The class has a meter of its own, for all its sessions; what is not taken is not charged. */
START_TEST(sessions_of_a_class)
{
	struct police a = { 0 }, b = { 0 }, none = { .packet_rate = 1 };
	struct police_total t = { 0 };
	unsigned taken = 0;

	ck_assert(!police_is_on(&a, NULL));
	ck_assert(!police_is_on(&a, &t));
	police_total_set(&t, 100, 0);
	ck_assert(police_is_on(&a, &t));
	for (int64_t i = 0; i < 10000; i++) {
		struct mono now = { 5000 + i * 1000000 };

		taken += police_take(i % 2 ? &a : &b, &t, 100, now);
	}
	WITHIN(taken, 1000, 1011);
	/* refused for the session's own rate: the class is not charged for it */
	police_total_set(&t, 1000000, 0);
	ck_assert_uint_le(pass(&none, &t, 1000, 100, INT64_C(20000000000), 1000), 2);
	ck_assert_int_le(t.packets_ns, INT64_C(20000000000) + 4000);
	/* packets and octets: refused for one, not charged for the other */
	police_total_set(&t, 1000000, 1);
	ck_assert_uint_eq(pass(&a, &t, 1000, 100, INT64_C(30000000000), 1000), 1);
	ck_assert_int_le(t.packets_ns, INT64_C(30000000000) + 3000000);
	/* and off again */
	police_total_set(&t, 0, 0);
	ck_assert_uint_eq(pass(&a, &t, 1000, 100, INT64_C(30000000000), 1), 1000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("police");
	TCase *tc = tcase_create("by hand");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, packets_of_a_session);
	tcase_add_test(tc, octets_of_a_session);
	tcase_add_test(tc, sessions_of_a_class);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
