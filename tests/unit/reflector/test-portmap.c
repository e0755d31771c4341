// SPDX-License-Identifier: BSD-2-Clause
/* Port map and Error Estimate. */
#include "daemon/reflector/estimate.h"
#include "daemon/reflector/portmap.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

/* Every free port of the range exactly once, whatever the start. R-106 */
START_TEST(search_sees_each_free_port_once)
{
	static const uint16_t seeds[] = { 0, 1, 999, 1000, 1037, 1063, 1064, 1300, 65535 };
	static struct portmap m;
	static int seen[65536];
	struct portmap_search s;
	uint16_t port;

	portmap_init(&m, seeds[_i]);
	for (uint32_t p = 1000; p <= 1300; p++) {
		if (p % 3 == 0 || (p >= 1088 && p < 1216)) {
			portmap_take(&m, (uint16_t)p);
		}
	}
	m.next = seeds[_i];
	for (int i = 0; i < 65536; i++) {
		seen[i] = 0;
	}
	s = portmap_search(&m, 1000, 1300);
	while ((port = portmap_next(&m, &s))) {
		seen[port]++;
	}
	for (int p = 0; p < 65536; p++) {
		bool free = p >= 1000 && p <= 1300 && p % 3 && !(p >= 1088 && p < 1216);

		ck_assert_msg(seen[p] == free, "port %d seen %d times", p, seen[p]);
	}
}
END_TEST

START_TEST(ranges_of_any_width)
{
	static struct portmap m;
	struct portmap_search s;
	uint32_t n = 0;

	portmap_init(&m, 40000);
	s = portmap_search(&m, 1, 65535);
	while (portmap_next(&m, &s)) {
		n++;
	}
	ck_assert_uint_eq(n, 65535);
	s = portmap_search(&m, 65535, 65535);
	ck_assert_uint_eq(portmap_next(&m, &s), 65535);
	ck_assert_uint_eq(portmap_next(&m, &s), 0);
}
END_TEST

/* A released port rests until the range has gone round. */
START_TEST(next_fit)
{
	static struct portmap m;
	struct portmap_search s;

	portmap_init(&m, 2000);
	for (uint16_t want = 2000; want <= 2009; want++) {
		s = portmap_search(&m, 2000, 2010);
		ck_assert_uint_eq(portmap_next(&m, &s), want);
		portmap_take(&m, want);
		portmap_release(&m, want);
	}
	portmap_release(&m, 0);
	ck_assert_int_eq(portmap_is_used(&m, 0), 1);
}
END_TEST

/* T-033 T-035 */
START_TEST(error_estimate)
{
	struct timex t = { .maxerror = 1500, .esterror = 3 };
	struct ts_error e = estimate_error(TIME_OK, &t, 50000, TS_NTP);

	ck_assert(e.synchronized);
	ck_assert_int_eq(e.format, TS_NTP);
	ck_assert_int_eq(e.error_ns, 1500000 + 50000);
	e = estimate_error(TIME_INS, &t, 1000000, TS_PTP);
	ck_assert(e.synchronized);
	ck_assert_int_eq(e.format, TS_PTP);
	ck_assert_int_eq(e.error_ns, 1500000 + 1000000);
	e = estimate_error(-1, &t, 1, TS_PTP);
	ck_assert(!e.synchronized && e.error_ns < 0);
	ck_assert_uint_eq(ts_ee_encode(&e), TS_EE_UNKNOWN | TS_EE_PTP);
}
END_TEST

/* T-033 T-035: S is 0, and the error is the one that the kernel states */
START_TEST(not_synchronized)
{
	struct timex t = { .maxerror = 16000000, .status = STA_UNSYNC };
	struct ts_error e = estimate_error(TIME_OK, &t, 50000, TS_NTP), back;

	ck_assert(!e.synchronized);
	ck_assert_int_eq(e.error_ns, 16 * TS_NS_PER_S + 50000);
	back = ts_ee_decode(ts_ee_encode(&e));
	ck_assert(!back.synchronized && back.error_ns >= e.error_ns);
	ck_assert_int_lt(back.error_ns, 17 * TS_NS_PER_S);
	t.status = 0;
	e = estimate_error(TIME_ERROR, &t, 1, TS_PTP);
	ck_assert(!e.synchronized);
	ck_assert_int_eq(e.error_ns, 16 * TS_NS_PER_S + 1);
	ck_assert_int_eq(e.format, TS_PTP);
}
END_TEST

/* What a mode costs shows: a batch is never better than a lone reply, nor user than kernel. */
START_TEST(error_of_modes)
{
	ck_assert_int_eq(estimate_stamps_ns(true, false), ESTIMATE_KERNEL_NS);
	ck_assert_int_eq(estimate_stamps_ns(true, true), ESTIMATE_KERNEL_BATCH_NS);
	ck_assert_int_eq(estimate_stamps_ns(false, false), ESTIMATE_USER_NS);
	ck_assert_int_eq(estimate_stamps_ns(false, true), ESTIMATE_USER_BATCH_NS);
	ck_assert_int_lt(ESTIMATE_KERNEL_NS, ESTIMATE_KERNEL_BATCH_NS);
	ck_assert_int_lt(ESTIMATE_KERNEL_BATCH_NS, ESTIMATE_USER_NS);
	ck_assert_int_lt(ESTIMATE_USER_NS, ESTIMATE_USER_BATCH_NS);
}
END_TEST

/* T-034: never a zero Multiplier */
START_TEST(error_estimate_of_this_host)
{
	struct timex t = { .modes = 0 };
	struct estimate e;
	int state;

	estimate_read(&e);
	state = ntp_adjtime(&t);
	ck_assert_int_eq(e.synchronized,
			 state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC));
	for (int i = 0; i < 4; i++) {
		uint16_t ntp = estimate_field(&e, i & 1, i & 2, TS_NTP);
		uint16_t ptp = estimate_field(&e, i & 1, i & 2, TS_PTP);

		ck_assert_int_eq((ntp & TS_EE_SYNC) != 0, e.synchronized);
		ck_assert_uint_eq(ntp & TS_EE_PTP, 0);
		ck_assert_uint_eq(ptp, ntp | TS_EE_PTP);
		ck_assert_uint_ne(ntp & 0xff, 0);
		ck_assert_uint_ne(ntp, TS_EE_UNKNOWN);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("port");
	TCase *t = tcase_create("port");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, search_sees_each_free_port_once, 0, 9);
	tcase_add_test(t, ranges_of_any_width);
	tcase_add_test(t, next_fit);
	tcase_add_test(t, error_estimate);
	tcase_add_test(t, not_synchronized);
	tcase_add_test(t, error_of_modes);
	tcase_add_test(t, error_estimate_of_this_host);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
