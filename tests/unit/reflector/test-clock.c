// SPDX-License-Identifier: BSD-2-Clause
/*
 * The reflector while the wall clock is set forth and back by an hour, which settimeofday would
 * do to the whole machine: here only this program sees it. The kernel's stamps stay as they are,
 * so that stamps and clock contradict one another as they do around a real step.
 */
#include "tests/unit/reflector/fixture.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PACKETS 200

static _Atomic time_t offset_s;

int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	int rc = __real_clock_gettime(clock, t);

	if (clock == CLOCK_REALTIME) {
		t->tv_sec += offset_s;
	}
	return rc;
}

static void jump(uint32_t i)
{
	static const time_t offsets[] = { 0, 3600, -3600, 86400, -86400 };

	offset_s = offsets[i % (sizeof(offsets) / sizeof(offsets[0]))];
}

/* Each packet is answered, once and with the next number; no timer runs out before its time. */
START_TEST(sessions_go_on)
{
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	static struct fixture_end e;
	struct udp_session *u;
	int64_t stopped;

	spec.refwait_ns = 60 * TS_NS_PER_S;
	u = fixture_start(&spec, &e, &port);
	for (uint32_t i = 0; i < PACKETS; i++) {
		jump(i);
		rig_send_seq(fd, 4, port, i);
		fixture_expect(fd, i, i);
	}
	ck_assert_int_eq(fixture.ends, 0);
	jump(2);
	stopped = rig_mono_ns();
	udp_stop(u, 500 * INT64_C(1000000));
	for (uint32_t i = 0; i < 20; i++) { /* still within the Timeout, or after it */
		jump(i);
		ev_run(fixture.loop, EVRUN_NOWAIT);
		if (!fixture.ends) {
			rig_sleep_ms(10);
		}
	}
	fixture_pump(1);
	ck_assert_int_ge(rig_mono_ns() - stopped, 500 * INT64_C(1000000));
	ck_assert_int_eq(e.why, UDP_END_TIMEOUT);
	ck_assert_uint_eq(e.reflected, PACKETS);
	ck_assert(e.adds_up);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clock");
	TCase *tcase = tcase_create("steps");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, fixture_set_up, fixture_tear_down);
	tcase_add_test(tcase, sessions_go_on);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
