// SPDX-License-Identifier: BSD-2-Clause
/* The clocks of network cards: what is read of them, and how stamps are carried over. */
#include "daemon/reflector/nic.h"
#include "daemon/reflector/phc.h"
#include "tests/unit/reflector/rig.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define S TS_NS_PER_S
#define WALL (INT64_C(1700000000) * S)
#define TAI (37 * S)

START_TEST(best_sample_has_the_shortest_window)
{
	const struct phc_sample samples[] = {
		{ WALL, WALL + TAI, WALL + 900 },
		{ WALL + 1000, WALL + TAI, WALL + 900 }, /* set back: makes no sense */
		{ WALL + 2000, WALL + TAI, WALL + 2300 },
		{ WALL + 3000, WALL + TAI, WALL + 3301 },
		{ WALL + 4000, 0, WALL + 4001 }, /* a clock that does not run */
	};

	ck_assert_ptr_eq(phc_best(samples, 5), &samples[2]);
	ck_assert_ptr_eq(phc_best(samples, 1), &samples[0]);
	ck_assert_ptr_null(phc_best(&samples[1], 1));
	ck_assert_ptr_null(phc_best(samples, 0));
}
END_TEST

/* A clock with an offset and @ppb too fast, read at @second with a window of 200 ns. */
static struct phc_sample read_at(int64_t second, int64_t offset_ns, int64_t ppb)
{
	int64_t wall_ns = WALL + second * S;

	return (struct phc_sample){ wall_ns - 100, wall_ns + offset_ns + second * ppb,
				    wall_ns + 100 };
}

static struct phc_track follow(int seconds, int64_t ppb)
{
	struct phc_track t = { 0 };

	for (int i = 0; i < seconds; i++) {
		struct phc_sample s = read_at(i, TAI, ppb);

		ck_assert_int_eq(phc_is_known(&t), i >= 3);
		phc_follow(&t, &s, (struct mono){ i * S });
	}
	return t;
}

/* T-036: on the system's clock, also between comparisons and with a clock that goes wrong */
START_TEST(stamps_are_carried_over)
{
	static const int64_t rates[] = { 0, 50000, -50000, 900000 };

	for (int i = 0; i < 4; i++) {
		struct phc_track t = follow(5, rates[i]);

		ck_assert(phc_is_known(&t));
		for (int ms = -500; ms <= 1500; ms += 500) {
			int64_t passed_ns = ms * INT64_C(1000000);
			int64_t truth = WALL + 4 * S + passed_ns, error_ns;
			int64_t hardware = truth + TAI + 4 * rates[i] +
					   passed_ns / 1000 * rates[i] / 1000000;
			struct wall software = { truth + 20000 }, out;

			ck_assert(phc_convert(&t.now, hardware, software,
					      (struct mono){ 4 * S + (ms > 0 ? passed_ns : 0) },
					      &out, &error_ns));
			ck_assert_int_gt(error_ns, 0);
			/* two windows and a half, and the rounding of the rate */
			ck_assert_int_lt(error_ns, 3000);
			ck_assert_int_le(llabs(out.ns - truth), error_ns);
		}
	}
}
END_TEST

/* Also an error that grows while nothing is compared, and ends. */
START_TEST(stale_comparisons_do_not_count)
{
	struct phc_track t = follow(4, 0);
	int64_t error_ns, later_ns, hardware = WALL + 3 * S + TAI;
	struct wall software = { WALL + 3 * S + 1000 }, out;

	ck_assert(phc_convert(&t.now, hardware, software, (struct mono){ 3 * S }, &out, &error_ns));
	ck_assert(phc_convert(&t.now, hardware, software, (struct mono){ 5 * S }, &out, &later_ns));
	ck_assert_int_eq(later_ns, 3 * error_ns);
	ck_assert(phc_convert(&t.now, hardware, software, (struct mono){ 6 * S - 1 }, &out,
			      &error_ns));
	ck_assert(
		!phc_convert(&t.now, hardware, software, (struct mono){ 6 * S }, &out, &error_ns));
	/* a stamp that is not of this time at all */
	ck_assert(!phc_convert(&t.now, 1, software, (struct mono){ 3 * S }, &out, &error_ns));
	ck_assert(!phc_convert(&t.now, INT64_MAX / 2, software, (struct mono){ 3 * S }, &out,
			       &error_ns));
}
END_TEST

/* Not after the kernel's stamp, and not long before it. */
START_TEST(stamps_agree_with_the_kernel)
{
	struct phc_track t = follow(4, 0);
	int64_t truth = WALL + 3 * S, error_ns;
	struct mono now = { 3 * S };
	struct wall out;

	ck_assert(phc_convert(&t.now, truth + TAI, (struct wall){ truth + PHC_BEFORE_NS - 1000 },
			      now, &out, &error_ns));
	ck_assert(!phc_convert(&t.now, truth + TAI, (struct wall){ truth + PHC_BEFORE_NS + 1000 },
			       now, &out, &error_ns));
	/* within what is not sure: never later than the kernel's */
	ck_assert(phc_convert(&t.now, truth + TAI, (struct wall){ truth - PHC_AFTER_NS }, now, &out,
			      &error_ns));
	ck_assert_int_eq(out.ns, truth - PHC_AFTER_NS);
	ck_assert(!phc_convert(&t.now, truth + TAI,
			       (struct wall){ truth - PHC_AFTER_NS - error_ns - 1000 }, now, &out,
			       &error_ns));
}
END_TEST

/* A clock that was set, or was not read for long, is new. */
START_TEST(set_clocks_begin_anew)
{
	struct phc_track t = follow(4, 1000);
	struct phc_sample s = read_at(4, TAI + 5000000, 1000);

	phc_follow(&t, &s, (struct mono){ 4 * S });
	ck_assert(!phc_is_known(&t));
	s = read_at(5, TAI + 5000000, 1000);
	phc_follow(&t, &s, (struct mono){ 5 * S });
	ck_assert(!phc_is_known(&t));
	s = read_at(6, TAI + 5000000, 1000);
	phc_follow(&t, &s, (struct mono){ 6 * S });
	ck_assert(phc_is_known(&t));
	s = read_at(5, TAI + 5000000, 1000); /* back */
	phc_follow(&t, &s, (struct mono){ 7 * S });
	ck_assert(!phc_is_known(&t));
	t = follow(4, 1000);
	s = read_at(30, TAI, 1000);
	phc_follow(&t, &s, (struct mono){ 30 * S });
	ck_assert(!phc_is_known(&t));
	/* by an hour and by 50 years: no sums that overflow */
	t = follow(4, 0);
	s = read_at(4, -3600 * S, 0);
	phc_follow(&t, &s, (struct mono){ 4 * S });
	ck_assert(!phc_is_known(&t));
	s = (struct phc_sample){ WALL, INT64_MAX, WALL };
	phc_follow(&t, &s, (struct mono){ 5 * S });
	s = (struct phc_sample){ WALL, 1, WALL };
	phc_follow(&t, &s, (struct mono){ 6 * S });
	ck_assert(!phc_is_known(&t));
}
END_TEST

/* What changes about the rate counts as error. */
START_TEST(errors_are_seen)
{
	struct phc_track t = follow(4, 0);
	struct phc_sample s = read_at(4, TAI + 7000, 0);

	ck_assert_int_lt(t.now.error_ns, 1000);
	phc_follow(&t, &s, (struct mono){ 4 * S });
	ck_assert(phc_is_known(&t));
	ck_assert_int_ge(t.now.error_ns, 7000);
	ck_assert_int_lt(t.now.error_ns, 8000);
}
END_TEST

/* --- the system ----------------------------------------------------------------------- */

/* Loopback and the like have no clock; what is there is well-formed. */
START_TEST(system_tells)
{
	struct phc_source system = nic_source();
	struct phc_link found[PHC_LINKS];
	int n = system.list(NULL, found, PHC_LINKS);
	int before = rig_descriptors();

	ck_assert_int_ge(n, 0);
	for (int i = 0; i < n; i++) {
		ck_assert_str_ne(found[i].name, "lo");
		ck_assert_uint_eq(if_nametoindex(found[i].name), found[i].index);
		ck_assert_int_ge(found[i].clock, 0);
	}
	ck_assert_int_eq(system.list(NULL, found, 0), 0);
	ck_assert_int_lt(system.open(NULL, 987654), 0);
	ck_assert_int_eq(rig_descriptors(), before);
}
END_TEST

START_TEST(answers_of_the_kernel)
{
	struct ptp_sys_offset_extended extended = { .n_samples = 2 };
	struct ptp_sys_offset plain = { .n_samples = 2 };
	struct phc_sample out[PTP_MAX_SAMPLES + 5];

	for (int i = 0; i < 5; i++) {
		plain.ts[i] = (struct ptp_clock_time){ .sec = 10 + i, .nsec = 5 };
	}
	for (int i = 0; i < 6; i++) {
		extended.ts[i / 3][i % 3] = (struct ptp_clock_time){ .sec = 20 + i, .nsec = 7 };
	}
	ck_assert_int_eq(nic_take_plain(&plain, out, 9), 2);
	ck_assert_int_eq(out[1].before_ns, 12 * S + 5);
	ck_assert_int_eq(out[1].phc_ns, 13 * S + 5);
	ck_assert_int_eq(out[1].after_ns, 14 * S + 5);
	ck_assert_int_eq(nic_take_extended(&extended, out, 9), 2);
	ck_assert_int_eq(out[1].before_ns, 23 * S + 7);
	ck_assert_int_eq(out[1].phc_ns, 24 * S + 7);
	ck_assert_int_eq(out[1].after_ns, 25 * S + 7);
	ck_assert_int_eq(nic_take_extended(&extended, out, 1), 1);
	plain.n_samples = extended.n_samples = 1000;
	ck_assert_int_eq(nic_take_plain(&plain, out, PTP_MAX_SAMPLES + 5), PTP_MAX_SAMPLES);
	ck_assert_int_eq(nic_take_extended(&extended, out, PTP_MAX_SAMPLES + 5), PTP_MAX_SAMPLES);
}
END_TEST

/* T-032: what the comparison of clocks leaves open is in the Error Estimate */
START_TEST(error_estimate)
{
	struct estimate e = { .synchronized = true, .maxerror_ns = 1000000 };
	struct ts_error error = ts_ee_decode(estimate_packet(&e, true, 2000000, false, TS_PTP));

	ck_assert(error.synchronized);
	ck_assert_int_eq(error.format, TS_PTP);
	ck_assert_int_ge(error.error_ns, 3000000 + ESTIMATE_KERNEL_NS);
	ck_assert_int_lt(error.error_ns, 3100000 + ESTIMATE_KERNEL_NS);
	error = ts_ee_decode(estimate_packet(&e, true, 2000000, true, TS_NTP));
	ck_assert_int_ge(error.error_ns, 3000000 + ESTIMATE_KERNEL_BATCH_NS);
	e = (struct estimate){ .maxerror_ns = -1, .fields = { [1] = { { 0x1234 } } } };
	ck_assert_uint_eq(estimate_packet(&e, true, 5, false, TS_NTP), TS_EE_UNKNOWN);
	ck_assert_uint_eq(estimate_packet(&e, true, 0, false, TS_NTP), 0x1234);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clocks");
	TCase *tc = tcase_create("clocks");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, best_sample_has_the_shortest_window);
	tcase_add_test(tc, stamps_are_carried_over);
	tcase_add_test(tc, stale_comparisons_do_not_count);
	tcase_add_test(tc, stamps_agree_with_the_kernel);
	tcase_add_test(tc, set_clocks_begin_anew);
	tcase_add_test(tc, errors_are_seen);
	tcase_add_test(tc, system_tells);
	tcase_add_test(tc, answers_of_the_kernel);
	tcase_add_test(tc, error_estimate);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
