// SPDX-License-Identifier: BSD-2-Clause
/* Senders whose T1 is no time: no figure that lies, and nothing undefined. Then the distribution. */
#include "tests/unit/reflector/path.h"

#include <check.h>
#include <stdlib.h>

#define MS PATH_MS
#define PACKETS 20000

static struct seed seed;

/* One packet after the other, T1 by @t1 of its number. */
static struct forward_view send_all(struct path *p, ts_wire (*t1)(struct path *p, uint32_t i))
{
	for (uint32_t i = 0; i < PACKETS; i++) {
		(void)path_arrive(p, i, t1(p, i), p->now_ns);
		p->now_ns += p->interval_ns;
	}
	return path_view(p);
}

static ts_wire at(const struct path *p, int64_t ns)
{
	return ts_encode(p->format, (struct wall){ .ns = PATH_START_NS + ns });
}

static ts_wire zero(struct path *p, uint32_t i)
{
	(void)p, (void)i;
	return 0;
}

static ts_wire constant(struct path *p, uint32_t i)
{
	(void)i;
	return at(p, 7);
}

static ts_wire any(struct path *p, uint32_t i)
{
	(void)i;
	return seed_next(p->seed);
}

static ts_wire near(struct path *p, uint32_t i)
{
	(void)i;
	return at(p, p->now_ns + (int64_t)(seed_next(p->seed) % (8000 * (uint64_t)MS)));
}

static ts_wire jumping(struct path *p, uint32_t i)
{
	return at(p, p->now_ns + (i % 2 ? 3600 * TS_NS_PER_S : 0));
}

/* A clock at half the speed, and one of the double. */
static ts_wire half(struct path *p, uint32_t i)
{
	(void)i;
	return at(p, p->now_ns / 2);
}

static ts_wire twice(struct path *p, uint32_t i)
{
	(void)i;
	return at(p, p->now_ns * 2);
}

static ts_wire backwards(struct path *p, uint32_t i)
{
	(void)i;
	return at(p, -p->now_ns);
}

static ts_wire counter(struct path *p, uint32_t i)
{
	(void)p;
	return i + 1;
}

START_TEST(no_clock)
{
	static ts_wire (*const senders[])(struct path *, uint32_t) = { zero,  constant,	 any,
								       near,  jumping,	 half,
								       twice, backwards, counter };

	for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++) {
		for (int format = TS_NTP; format <= TS_PTP; format++) {
			struct path p = path_of(&seed);
			struct forward_view v;

			p.format = (enum ts_format)format;
			v = send_all(&p, senders[i]);
			ck_assert_msg(!v.delays_known && !v.offset_known && !v.drift_known &&
					      !v.interval_known,
				      "sender %zu", i);
			ck_assert_uint_eq(v.lost, 0); /* its numbers are none the less */
		}
	}
}
END_TEST

START_TEST(untimed_is_told)
{
	struct path p = path_of(&seed);

	(void)send_all(&p, zero);
	ck_assert_uint_eq(p.untimed, PACKETS);
	ck_assert(!path_view(&p).clock_known);
	p = path_of(&seed);
	(void)send_all(&p, constant);
	ck_assert_uint_eq(p.untimed, PACKETS - 1);
}
END_TEST

static ts_wire future(struct path *p, uint32_t i)
{
	(void)i;
	return at(p, p->now_ns + 60 * 365 * 86400 * TS_NS_PER_S);
}

static ts_wire past(struct path *p, uint32_t i)
{
	(void)i;
	return at(p, p->now_ns - 60 * 365 * 86400 * TS_NS_PER_S);
}

/* A clock that is decades off is a clock. */
START_TEST(far_away)
{
	struct path p = path_of(&seed);
	struct forward_view v = send_all(&p, future);

	ck_assert(v.delays_known && !v.max_ns && v.offset_ns < -59 * 365 * 86400 * TS_NS_PER_S);
	p = path_of(&seed);
	v = send_all(&p, past);
	ck_assert(v.delays_known && !v.max_ns && v.offset_ns > 59 * 365 * 86400 * TS_NS_PER_S);
}
END_TEST

/* The edge of the era: to and fro half of 136 years. */
START_TEST(era)
{
	struct path p = path_of(&seed);

	for (uint32_t i = 0; i < PACKETS; i++) {
		int64_t off_ns = (INT64_C(1) << 31) * TS_NS_PER_S +
				 (int64_t)(seed_next(&seed) % (8 * (uint64_t)TS_NS_PER_S)) -
				 4 * TS_NS_PER_S;

		(void)path_arrive(&p, i, at(&p, p.now_ns + off_ns), p.now_ns);
		p.now_ns += MS;
	}
	ck_assert(!path_view(&p).delays_known);
}
END_TEST

/* Everything at once: sanitizers look at it, and every figure is in its bounds. */
START_TEST(noise)
{
	for (int round = 0; round < 300; round++) {
		struct path p = path_of(&seed);
		struct forward_view v;

		for (int i = 0; i < 500; i++) {
			uint64_t r = seed_next(&seed);

			p.error_estimate = (uint16_t)(r >> 8);
			p.ttl = (uint8_t)(r >> 24);
			p.tos = (uint8_t)(r >> 32);
			p.now_ns += (int64_t)(seed_next(&seed) >> (16 + r % 40));
			p.clock_set += (uint32_t)(r >> 63);
			(void)path_arrive(&p, r & 1 ? p.seq++ : (uint32_t)seed_next(&seed),
					  r & 2 ? seed_next(&seed) : at(&p, p.now_ns), p.now_ns);
		}
		v = path_view(&p);
		ck_assert(!v.delays_known || (v.p50_ns >= 0 && v.p50_ns <= v.p95_ns &&
					      v.p95_ns <= v.p99_ns && v.p99_ns <= v.max_ns));
		ck_assert_uint_eq(v.lost, p.gaps);
		ck_assert_uint_le(v.delays, p.taken);
	}
}
END_TEST

/* Cells follow each other without a hole, and a quantile keeps its promise. */
START_TEST(cells)
{
	ck_assert_int_eq(spread_from_ns(0), 0);
	for (unsigned i = 0; i < SPREAD_CELLS; i++) {
		int64_t from = spread_from_ns(i), to = spread_from_ns(i + 1);

		ck_assert_int_lt(from, to);
		ck_assert_uint_eq(spread_cell(from), i);
		ck_assert_uint_eq(spread_cell(to - 1), i);
		ck_assert(i < 4 || (to - from) * 8 <= 2 * from);
	}
	ck_assert_uint_eq(spread_cell(INT64_MAX), SPREAD_CELLS - 1);
	ck_assert_int_eq(spread_from_ns(SPREAD_CELLS - 1), 939524096);
}
END_TEST

START_TEST(quantiles)
{
	struct spread s = { 0 };

	ck_assert_int_eq(spread_quantile_ns(&s, 500, 0), -1);
	for (int i = 0; i < 98; i++) {
		spread_add(&s, 100 * 1000);
	}
	spread_add(&s, 20 * MS);
	spread_add(&s, 3 * TS_NS_PER_S);
	ck_assert_double_eq_tol((double)spread_quantile_ns(&s, 980, 3 * TS_NS_PER_S), 1e5, 1.25e4);
	ck_assert_double_eq_tol((double)spread_quantile_ns(&s, 990, 3 * TS_NS_PER_S), 2e7, 2.5e6);
	ck_assert_int_eq(spread_quantile_ns(&s, 1000, 3 * TS_NS_PER_S), 3 * TS_NS_PER_S);
	s.cells[3] = UINT32_MAX; /* it stays there */
	spread_add(&s, 4 * 4096 - 1);
	ck_assert_uint_eq(s.cells[3], UINT32_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("forward-hostile");
	TCase *tc = tcase_create("forward-hostile");
	SRunner *runner;
	int failed;

	seed = seed_start();
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, no_clock);
	tcase_add_test(tc, untimed_is_told);
	tcase_add_test(tc, far_away);
	tcase_add_test(tc, era);
	tcase_add_test(tc, noise);
	tcase_add_test(tc, cells);
	tcase_add_test(tc, quantiles);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
