// SPDX-License-Identifier: BSD-2-Clause
/* Delays, clocks and marks of a sender, in virtual time. */
#include "tests/unit/reflector/path.h"

#include "protocol/carry.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#define US INT64_C(1000)
#define MS PATH_MS
#define HOUR_NS (INT64_C(3600) * TS_NS_PER_S)

static struct seed seed;

/* The quantiles of evenly spread delays, to what spread.h promises; the largest, which stays what it was
 * while little was known of the clock, to a fifth and @more_ns. */
static void check_even(const struct forward_view *v, int64_t queue_ns, double more_ns)
{
	double q = (double)queue_ns;

	ck_assert(v->delays_known);
	ck_assert_double_eq_tol((double)v->p50_ns, .5 * q, .5 * q * .14);
	ck_assert_double_eq_tol((double)v->p95_ns, .95 * q, .95 * q * .14);
	ck_assert_double_eq_tol((double)v->p99_ns, .99 * q, .99 * q * .14);
	ck_assert_int_le(v->p99_ns, v->max_ns);
	ck_assert_double_ge((double)v->max_ns, .95 * q);
	ck_assert_double_le((double)v->max_ns, 1.2 * q + more_ns);
}

START_TEST(offset_does_not_matter)
{
	static const int64_t offsets[] = {
		0, 37 * MS, -37 * MS, HOUR_NS, -24 * 365 * 60 * HOUR_NS, 24 * 365 * 60 * HOUR_NS
	};

	for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
		for (int format = TS_NTP; format <= TS_PTP; format++) {
			struct path p = path_of(&seed);
			struct forward_view v;

			p.offset_ns = offsets[i];
			p.format = (enum ts_format)format;
			p.queue_ns = 8 * MS;
			path_send_many(&p, 20000);
			v = path_view(&p);
			check_even(&v, p.queue_ns, 0);
			ck_assert(v.offset_known && v.ptp == (format == TS_PTP));
			ck_assert_int_le(llabs(v.offset_ns - (5 * MS - offsets[i])), 50 * US);
			ck_assert(v.drift_known && fabs(v.drift_ppm) < 2);
			/* mean of |a - b|, both even in [0, q], is q / 3 */
			ck_assert_double_eq_tol((double)v.jitter_ns, 8. / 3 * MS, 1.7 * MS);
			ck_assert_uint_eq(v.lost, 0);
			ck_assert_uint_eq(p.forward.steps, 0);
		}
	}
}
END_TEST

/* 100 ppm: 360 ms in an hour, which would be all that one sees. */
START_TEST(drift_is_taken_out)
{
	static const double drifts[] = { 100e-6, -100e-6, 400e-6, -400e-6 };

	for (size_t i = 0; i < sizeof drifts / sizeof drifts[0]; i++) {
		struct path p = path_of(&seed);
		struct forward_view v;

		p.drift = drifts[i];
		p.queue_ns = 3 * MS;
		path_send_many(&p, 360000);
		v = path_view(&p);
		/* what the first four windows do not know */
		check_even(&v, p.queue_ns, 4e9 * fabs(drifts[i]));
		ck_assert(v.drift_known);
		ck_assert_double_eq_tol(v.drift_ppm, drifts[i] * 1e6, 2);
		ck_assert_double_le(fabs(v.drift_ppm - drifts[i] * 1e6), v.drift_error_ppm + .5);
		ck_assert_uint_eq(p.forward.steps, 0);
	}
}
END_TEST

/* Without any noise nothing is left but what the first seconds did not know yet. */
START_TEST(a_still_way_has_no_variation)
{
	struct path p = path_of(&seed);
	struct forward_view v;

	p.drift = 100e-6;
	path_send_many(&p, 60000);
	v = path_view(&p);
	ck_assert(v.delays_known);
	ck_assert_int_le(v.p99_ns, 20 * US);
	ck_assert_int_le(v.max_ns, 500 * US); /* four windows of one second */
	ck_assert(v.jitter_ns < 2 * US);
	ck_assert_double_eq_tol(v.drift_ppm, 100, .5);
}
END_TEST

/* A slow sender on a noisy way is no clock that runs wild. */
START_TEST(few_and_noisy)
{
	struct path p = path_of(&seed);
	struct forward_view v;

	p.interval_ns = TS_NS_PER_S;
	p.queue_ns = 40 * MS;
	path_send_many(&p, 3600);
	v = path_view(&p);
	ck_assert(v.delays_known && !p.forward.steps);
	ck_assert_double_eq_tol((double)v.p50_ns, 20. * MS, 4. * MS);
	ck_assert_int_le(v.max_ns, 60 * MS);
}
END_TEST

/* A longer way is a delay at first, and the way after six minutes; a shorter one at once. */
START_TEST(another_way)
{
	struct path p = path_of(&seed);
	struct forward_view v;
	int64_t above_ns;

	path_send_many(&p, 60000);
	p.delay_ns += 30 * MS;
	above_ns = path_send(&p);
	ck_assert_int_le(llabs(above_ns - 30 * MS), US);
	path_send_many(&p, 45000);
	ck_assert_int_le(path_send(&p), MS);
	p.delay_ns -= 30 * MS;
	path_send_many(&p, 100);
	ck_assert_int_le(path_send(&p), MS);
	v = path_view(&p);
	ck_assert(v.delays_known && !p.forward.steps);
	ck_assert_int_le(v.max_ns, 31 * MS);
}
END_TEST

/* The sender's clock is set, to and fro: told with its time, and no delay of an hour. */
START_TEST(sender_sets_its_clock)
{
	static const int64_t steps[] = { HOUR_NS, -HOUR_NS, 15 * TS_NS_PER_S, 500 * MS, -500 * MS };

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		struct path p = path_of(&seed);
		struct forward_view v;

		p.queue_ns = MS;
		path_send_many(&p, 2000);
		p.offset_ns += steps[i];
		path_send_many(&p, 2000);
		v = path_view(&p);
		ck_assert_uint_eq(p.forward.steps, 1);
		ck_assert_uint_eq(p.forward.step_s, PATH_START_NS / TS_NS_PER_S + 20);
		check_even(&v, p.queue_ns, 0);
		ck_assert_int_le(llabs(v.offset_ns - (5 * MS - steps[i])), 100 * US);
	}
}
END_TEST

/* So is ours, and its thread knows. */
START_TEST(our_clock_is_set)
{
	struct path p = path_of(&seed);
	struct forward_view v;

	p.queue_ns = MS;
	path_send_many(&p, 2000);
	p.clock_ns += HOUR_NS;
	p.clock_set++;
	path_send_many(&p, 2000);
	p.clock_ns -= 50 * MS;
	p.clock_set++;
	path_send_many(&p, 2000);
	v = path_view(&p);
	ck_assert_uint_eq(p.forward.steps, 0);
	check_even(&v, p.queue_ns, 0);
	ck_assert_int_le(llabs(v.offset_ns - (5 * MS + HOUR_NS - 50 * MS)), 100 * US);
}
END_TEST

START_TEST(setting_is_no_slewing)
{
	struct forward_clock c = { 0 };
	struct wall wall = { .ns = PATH_START_NS };
	struct mono mono = { .ns = 12345 };

	for (int i = 0; i < 1000; i++) { /* 500 ppm */
		(void)forward_clock_look(&c, wall, mono, true);
		mono.ns += TS_NS_PER_S;
		wall.ns += TS_NS_PER_S + 500 * US;
	}
	ck_assert_uint_eq(c.set, 0);
	wall.ns += 5 * MS;
	ck_assert(!forward_clock_look(&c, wall, mono, false)); /* perhaps */
	ck_assert_uint_eq(c.set, 0);
	wall.ns -= 5 * MS;
	ck_assert(forward_clock_look(&c, wall, mono, false)); /* it was a pause */
	wall.ns += 5 * MS;
	ck_assert(forward_clock_look(&c, wall, mono, true));
	ck_assert_uint_eq(c.set, 1);
	mono.ns += 10;
	wall.ns -= HOUR_NS;
	(void)forward_clock_look(&c, wall, mono, true);
	ck_assert_uint_eq(c.set, 2);
	mono.ns += HOUR_NS / 2; /* a night without packets */
	wall.ns += HOUR_NS / 2 + 900 * MS;
	(void)forward_clock_look(&c, wall, mono, true);
	ck_assert_uint_eq(c.set, 2);
}
END_TEST

/* Silence for so long that the drift is anything: no step, no delay. */
START_TEST(after_a_long_silence)
{
	struct path p = path_of(&seed);
	struct forward_view v;

	p.drift = 100e-6;
	path_send_many(&p, 1000);
	p.now_ns += 5 * HOUR_NS;
	path_send_many(&p, 1000);
	v = path_view(&p);
	ck_assert_uint_eq(p.forward.steps, 0);
	ck_assert(v.delays_known);
	ck_assert_int_le(v.max_ns, 500 * US);
}
END_TEST

START_TEST(rate_of_the_sender)
{
	struct path p = path_of(&seed);
	struct forward_view v;

	p.queue_ns = 9 * MS;
	for (int i = 0; i < 300; i++) {
		path_send_many(&p, 10);
		path_lose(&p, 3); /* it was sent all the same */
	}
	v = path_view(&p);
	ck_assert(v.interval_known);
	ck_assert_double_eq_tol(v.interval_ns, 10. * MS, 10. * US);
	ck_assert_double_eq_tol(v.rate, 100, .2);
}
END_TEST

START_TEST(marks_change)
{
	struct path p = path_of(&seed);
	struct forward_view v;

	p.tos = 46 << 2 | 2;
	path_send_many(&p, 100); /* one second */
	p.tos = 46 << 2 | 3; /* ECN is no change of DSCP */
	p.ttl = 247;
	path_send_many(&p, 100);
	p.tos = 0;
	p.ttl = 249;
	p.error_estimate = 0x3fff;
	path_send_many(&p, 100);
	v = path_view(&p);
	ck_assert_uint_eq(v.dscp, 0);
	ck_assert_uint_eq(p.forward.dscp_before, 46);
	ck_assert_uint_eq(p.forward.dscp_changes, 1);
	ck_assert_uint_eq(p.forward.dscp_changed_s, PATH_START_NS / TS_NS_PER_S + 2);
	ck_assert_uint_eq(p.congested, 100);
	ck_assert_uint_eq(v.ttl, 249);
	ck_assert_uint_eq(p.forward.ttl_before, 247);
	ck_assert_uint_eq(p.forward.ttl_min, 247);
	ck_assert_uint_eq(p.forward.ttl_max, 250);
	ck_assert_uint_eq(p.forward.ttl_changes, 2);
	ck_assert_uint_eq(p.forward.ttl_changed_s, PATH_START_NS / TS_NS_PER_S + 2);
	ck_assert_uint_eq(p.forward.sync_changes, 1);
	ck_assert(v.clock_known && !v.synchronized);
}
END_TEST

/* What is not told is no change to 0. */
START_TEST(marks_unknown)
{
	struct path p = path_of(&seed);

	p.tos_untold = true;
	path_send_many(&p, 10);
	ck_assert(path_view(&p).any && path_view(&p).ttl_known && !path_view(&p).tos_known);
	p.tos_untold = false;
	p.tos = 46 << 2;
	path_send_many(&p, 10);
	ck_assert(path_view(&p).tos_known);
	p.tos = 3;
	p.tos_untold = true;
	path_send_many(&p, 10);
	ck_assert_uint_eq(path_view(&p).dscp, 46);
	ck_assert_uint_eq(p.forward.dscp_changes, 0);
	ck_assert_uint_eq(p.congested, 0);
}
END_TEST

/* It goes on in another process as if nothing had happened. */
START_TEST(carried)
{
	static uint8_t octets[1000];
	struct carry out = { .way = CARRY_SAVE, .at = octets, .left = sizeof octets };
	struct carry in = { .way = CARRY_LOAD, .at = octets };
	struct path p = path_of(&seed), q;
	struct forward_view v, w;

	p.drift = 50e-6;
	p.queue_ns = 2 * MS;
	path_send_many(&p, 5000);
	path_lose(&p, 9);
	q = p;
	forward_carry(&out, &p.forward);
	memset(&q.forward, 0, sizeof q.forward);
	in.left = out.used;
	forward_carry(&in, &q.forward);
	ck_assert(!in.bad && !in.left);
	ck_assert_mem_eq(&p.forward, &q.forward, sizeof p.forward);
	path_send_many(&q, 5000);
	path_send_many(&p, 5000);
	v = path_view(&p);
	w = path_view(&q);
	ck_assert_uint_eq(w.delays, v.delays);
	ck_assert_uint_eq(w.lost, v.lost);
	ck_assert_double_eq_tol(w.drift_ppm, v.drift_ppm, 2);
}
END_TEST

/* Damaged state is refused, or gives nothing that overflows. */
START_TEST(damaged)
{
	static uint8_t octets[1000];

	for (int round = 0; round < 2000; round++) {
		struct carry out = { .way = CARRY_SAVE, .at = octets, .left = sizeof octets };
		struct carry in = { .way = CARRY_LOAD, .at = octets };
		struct path p = path_of(&seed);

		path_send_many(&p, 500);
		forward_carry(&out, &p.forward);
		in.left = out.used;
		for (int i = 0; i < 8; i++) {
			octets[seed_next(&seed) % out.used] = (uint8_t)seed_next(&seed);
		}
		forward_carry(&in, &p.forward);
		path_send_many(&p, 500);
		(void)path_view(&p);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("forward");
	TCase *tc = tcase_create("forward");
	SRunner *runner;
	int failed;

	seed = seed_start();
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, offset_does_not_matter);
	tcase_add_test(tc, drift_is_taken_out);
	tcase_add_test(tc, a_still_way_has_no_variation);
	tcase_add_test(tc, few_and_noisy);
	tcase_add_test(tc, another_way);
	tcase_add_test(tc, sender_sets_its_clock);
	tcase_add_test(tc, our_clock_is_set);
	tcase_add_test(tc, setting_is_no_slewing);
	tcase_add_test(tc, after_a_long_silence);
	tcase_add_test(tc, rate_of_the_sender);
	tcase_add_test(tc, marks_change);
	tcase_add_test(tc, marks_unknown);
	tcase_add_test(tc, carried);
	tcase_add_test(tc, damaged);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
