// SPDX-License-Identifier: BSD-2-Clause
/* A way that is worse than its limits: told once, and told again when it is good. */
#include "daemon/server/watch.h"

#include "tests/unit/reflector/path.h"

#include <check.h>
#include <stdlib.h>

#define MS PATH_MS
#define LOOK_S 10

static struct seed seed;

struct scene {
	struct path path;
	struct policy limits;
	struct watch watch;
	struct watch_find find;
	uint64_t received;
	int64_t now_ns;
};

static struct scene scene_of(uint32_t loss, uint32_t pdv_ms)
{
	struct scene s = { .path = path_of(&seed),
			   .limits = { .watch_loss = loss, .watch_pdv_p99_ms = pdv_ms },
			   .now_ns = 12345 };

	s.path.queue_ns = 2 * MS;
	return s;
}

/* Ten seconds, of which @lost and @late of 1000 packets are lost, or 50 ms late; then a look. */
static bool pass(struct scene *s, unsigned lost, unsigned late)
{
	for (unsigned i = 0; i < 1000; i++) {
		if (i % 500 < lost / 2) {
			path_lose(&s->path, 1);
			continue;
		}
		s->path.delay_ns += i % 500 >= 500 - late / 2 ? 50 * MS : 0;
		(void)path_send(&s->path);
		s->received++;
		s->path.delay_ns = 5 * MS;
	}
	s->now_ns += LOOK_S * TS_NS_PER_S;
	return watch_look(&s->watch, &s->limits, &s->path.forward, s->received, s->now_ns,
			  &s->find);
}

START_TEST(loss_rises_and_falls)
{
	struct scene s = scene_of(1000, 0);

	ck_assert(!pass(&s, 100, 0)); /* before the first look */
	ck_assert(!pass(&s, 10, 0)); /* the limit itself is kept */
	ck_assert(pass(&s, 12, 0));
	ck_assert_int_eq(s.find.news[WATCH_LOSS], WATCH_BAD);
	ck_assert_int_eq(s.find.news[WATCH_PDV], WATCH_NOTHING);
	ck_assert_double_eq_tol(s.find.loss_percent, 1.2, .1);
	ck_assert_double_eq_tol(s.find.passed_s, LOOK_S, .001);
	ck_assert(!pass(&s, 500, 0)); /* told already */
	ck_assert(!pass(&s, 8, 0)); /* between half and all of it */
	ck_assert(!pass(&s, 4, 0)); /* once */
	ck_assert(!pass(&s, 8, 0));
	ck_assert(!pass(&s, 4, 0));
	ck_assert(pass(&s, 4, 0)); /* twice in a row */
	ck_assert_int_eq(s.find.news[WATCH_LOSS], WATCH_GOOD);
	ck_assert(!pass(&s, 0, 0));
	ck_assert(pass(&s, 20, 0));
	ck_assert_int_eq(s.find.news[WATCH_LOSS], WATCH_BAD);
}
END_TEST

START_TEST(delays_rise_and_fall)
{
	struct scene s = scene_of(0, 20);

	ck_assert(!pass(&s, 0, 0));
	ck_assert(!pass(&s, 100, 8)); /* loss is not watched; 99 in 100 are below */
	ck_assert(pass(&s, 0, 20));
	ck_assert_int_eq(s.find.news[WATCH_PDV], WATCH_BAD);
	ck_assert_double_eq_tol(s.find.above_percent, 2, .1);
	ck_assert(!pass(&s, 0, 0));
	ck_assert(pass(&s, 0, 0));
	ck_assert_int_eq(s.find.news[WATCH_PDV], WATCH_GOOD);
}
END_TEST

/* The limit is changed while it is exceeded. */
START_TEST(reload)
{
	struct scene s = scene_of(1000, 20);

	(void)pass(&s, 0, 0);
	ck_assert(pass(&s, 20, 20));
	ck_assert(s.find.news[WATCH_LOSS] == WATCH_BAD && s.find.news[WATCH_PDV] == WATCH_BAD);
	s.limits.watch_loss = 0;
	ck_assert(pass(&s, 20, 20));
	ck_assert_int_eq(s.find.news[WATCH_LOSS], WATCH_OFF);
	ck_assert_int_eq(s.find.news[WATCH_PDV], WATCH_NOTHING);
	s.limits.watch_pdv_p99_ms = 100;
	ck_assert(!pass(&s, 0, 20));
	ck_assert(!pass(&s, 0, 20));
	ck_assert(pass(&s, 0, 20));
	ck_assert_int_eq(s.find.news[WATCH_PDV], WATCH_GOOD);
	s.limits.watch_pdv_p99_ms = 0;
	ck_assert(!pass(&s, 0, 20));
	s.limits.watch_loss = 5000;
	ck_assert(!pass(&s, 20, 0));
	ck_assert(pass(&s, 60, 0));
}
END_TEST

/* A packet in six seconds: judged after a minute, and not by less than ten. */
START_TEST(slow_sender)
{
	struct scene s = scene_of(1000, 0);
	int seconds = 0;

	s.path.interval_ns = 6 * TS_NS_PER_S;
	(void)watch_look(&s.watch, &s.limits, &s.path.forward, 0, s.now_ns, &s.find);
	for (bool told = false; !told; seconds += 6) {
		if (seconds % 30) {
			(void)path_send(&s.path);
			s.received++;
		} else {
			path_lose(&s.path, 1);
		}
		s.now_ns += 6 * TS_NS_PER_S;
		told = watch_look(&s.watch, &s.limits, &s.path.forward, s.received, s.now_ns,
				  &s.find);
		ck_assert_int_lt(seconds, 200);
	}
	ck_assert_int_ge(seconds, 60);
	ck_assert_int_eq(s.find.news[WATCH_LOSS], WATCH_BAD);
	ck_assert_double_ge(s.find.loss_percent, 10);
}
END_TEST

/* A sender without a clock has no delays, and is none the less watched for loss. */
START_TEST(no_clock)
{
	struct scene s = scene_of(1000, 20);

	for (uint32_t i = 0; i < 5000; i++) {
		if (i % 10) {
			(void)path_arrive(&s.path, i, 0, i * MS);
			s.received++;
		}
		if (i % 1000 == 0) {
			s.now_ns += LOOK_S * TS_NS_PER_S;
			(void)watch_look(&s.watch, &s.limits, &s.path.forward, s.received, s.now_ns,
					 &s.find);
			ck_assert_int_eq(s.find.news[WATCH_PDV], WATCH_NOTHING);
			ck_assert_int_eq(s.find.news[WATCH_LOSS],
					 i == 1000 ? WATCH_BAD : WATCH_NOTHING);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("watch");
	TCase *tc = tcase_create("watch");
	SRunner *runner;
	int failed;

	seed = seed_start();
	tcase_add_test(tc, loss_rises_and_falls);
	tcase_add_test(tc, delays_rise_and_fall);
	tcase_add_test(tc, reload);
	tcase_add_test(tc, slow_sender);
	tcase_add_test(tc, no_clock);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
