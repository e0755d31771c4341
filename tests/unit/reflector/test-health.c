// SPDX-License-Identifier: BSD-2-Clause
/* What an operator hears of, and threads with their own CPU and priority. */
#include "daemon/reflector/health.h"
#include "tests/unit/reflector/rig.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* T-033: the S bit, said once per change and at the start */
START_TEST(clock_changes)
{
	struct counters_values t = { 0 };
	struct health h = { 0 };

	ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	ck_assert_uint_eq(health_update(&h, &t, false, true), HEALTH_CLOCK_LOST);
	ck_assert_uint_eq(health_update(&h, &t, false, true), 0);
	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_CLOCK_BACK);
	ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	h = (struct health){ 0 };
	ck_assert_uint_eq(health_update(&h, &t, false, true), HEALTH_CLOCK_LOST);
}
END_TEST

START_TEST(stamp_changes)
{
	struct counters_values t = { .n = { [COUNTER_KERNEL_TIMESTAMPS] = 5 } };
	struct health h = { 0 };

	ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	t.n[COUNTER_USER_TIMESTAMPS]++;
	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_STAMPS_LOST);
	t.n[COUNTER_USER_TIMESTAMPS]++;
	ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	for (int i = 0; i < 1000; i++) { /* no packets: who knows */
		ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	}
	for (int i = 1; i < HEALTH_CALM_S; i++) {
		t.n[COUNTER_KERNEL_TIMESTAMPS]++;
		ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	}
	t.n[COUNTER_USER_TIMESTAMPS]++; /* from the beginning */
	ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	for (int i = 1; i < HEALTH_CALM_S; i++) {
		t.n[COUNTER_KERNEL_TIMESTAMPS]++;
		ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	}
	t.n[COUNTER_KERNEL_TIMESTAMPS]++;
	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_STAMPS_BACK);
	t.n[COUNTER_USER_TIMESTAMPS]++;
	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_STAMPS_LOST);
	/* none are expected */
	h = (struct health){ 0 };
	ck_assert_uint_eq(health_update(&h, &t, true, false), 0);
}
END_TEST

START_TEST(segment_refusals)
{
	struct counters_values t = { .n = { [COUNTER_SEGMENT_REFUSALS] = 3 } };
	struct health h = { 0 };

	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_SEGMENT_REFUSED);
	t.n[COUNTER_SEGMENT_REFUSALS]++;
	ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
}
END_TEST

/* Said once when they begin, when some stop or lie, and when all are back. */
START_TEST(hardware_changes)
{
	struct counters_values t = { .n = { [COUNTER_HARDWARE_REFUSED] = 0 } };
	struct health h = { 0 };

	ck_assert_uint_eq(health_update(&h, &t, true, true), 0); /* none there: nothing to say */
	t.n[COUNTER_HARDWARE_READY] = 1;
	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_HARDWARE_READY);
	t.n[COUNTER_HARDWARE_TIMESTAMPS]++;
	ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	t.n[COUNTER_HARDWARE_READY] = 0;
	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_HARDWARE_LOST);
	ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	t.n[COUNTER_HARDWARE_READY] = 1;
	for (int i = 1; i < HEALTH_CALM_S; i++) {
		ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	}
	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_HARDWARE_BACK);
	t.n[COUNTER_HARDWARE_REFUSED]++;
	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_HARDWARE_LOST);
	t.n[COUNTER_HARDWARE_REFUSED]++;
	ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	t.n[COUNTER_HARDWARE_READY] = 2;
	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_HARDWARE_READY);
}
END_TEST

/* Stamps of cards are as good as the kernel's for the end of a lack of them. */
START_TEST(hardware_ends_a_lack)
{
	struct counters_values t = { .n = { [COUNTER_USER_TIMESTAMPS] = 1 } };
	struct health h = { 0 };

	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_STAMPS_LOST);
	for (int i = 1; i < HEALTH_CALM_S; i++) {
		t.n[COUNTER_HARDWARE_TIMESTAMPS]++;
		ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	}
	t.n[COUNTER_HARDWARE_TIMESTAMPS]++;
	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_STAMPS_BACK);
}
END_TEST

static void on_ended(void *context, void *owner, enum udp_end why, const struct counters_values *c)
{
	ck_abort_msg("there are no sessions");
}

static struct reflector *make(struct ev_loop *loop, struct reflector_config *config)
{
	struct reflector *r = NULL;

	config->ended = on_ended;
	ck_assert_int_eq(reflector_new(&r, loop, config), 0);
	return r;
}

/* A CPU that is ours, one that is not there, and the threads run either way. */
START_TEST(cpus)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct reflector_config config = { .threads = 3 };
	struct reflector_faults faults;
	struct reflector *r;
	cpu_set_t mine;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(mine), &mine), 0);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &mine)) {
			CPU_SET(cpu, &config.cpus);
			break;
		}
	}
	r = make(loop, &config);
	faults = reflector_faults(r);
	ck_assert_int_eq(faults.cpus, 0);
	ck_assert_int_eq(faults.priority, 0);
	reflector_free(r);
	CPU_SET(CPU_SETSIZE - 1, &config.cpus);
	r = make(loop, &config);
	faults = reflector_faults(r);
	ck_assert_int_eq(faults.cpus, -EINVAL);
	ck_assert(reflector_lag_s(r) >= 0.);
	reflector_free(r);
	ev_loop_destroy(loop);
}
END_TEST

/* Without the right to it: told, and the threads run. With it: had. */
START_TEST(priority)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct reflector_config config = { .threads = 1, .priority = 1 };
	struct sched_param before = { 0 }, p = { .sched_priority = 1 };
	struct reflector_faults faults;
	struct rlimit limit, none;
	uid_t me = geteuid();
	struct reflector *r;
	int allowed;

	ck_assert_int_eq(getrlimit(RLIMIT_RTPRIO, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	if (_i) { /* as somebody who may not */
		ck_assert_int_eq(setrlimit(RLIMIT_RTPRIO, &none), 0);
		ck_assert_int_eq(me ? 0 : seteuid(65534), 0);
	}
	allowed = sched_setscheduler(0, SCHED_FIFO, &p) ? -errno : 0;
	(void)sched_setscheduler(0, SCHED_OTHER, &before);
	ck_assert(!_i || allowed == -EPERM);
	r = make(loop, &config);
	faults = reflector_faults(r);
	ck_assert_int_eq(faults.priority, allowed);
	ck_assert_int_eq(faults.cpus, 0);
	reflector_free(r);
	ev_loop_destroy(loop);
	ck_assert_int_eq(seteuid(me), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_RTPRIO, &limit), 0);
}
END_TEST

/* What the process before has counted is no news. */
START_TEST(goes_on_after_a_restart)
{
	struct health h = { 0 };
	struct counters_values t = { 0 };

	t.n[COUNTER_USER_TIMESTAMPS] = 5;
	t.n[COUNTER_HARDWARE_REFUSED] = 6;
	t.n[COUNTER_SEGMENT_REFUSALS] = 7;
	health_begin(&h, &t);
	ck_assert_uint_eq(health_update(&h, &t, true, true), 0);
	t.n[COUNTER_USER_TIMESTAMPS]++;
	ck_assert_uint_eq(health_update(&h, &t, true, true), HEALTH_STAMPS_LOST);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("health");
	TCase *t = tcase_create("health");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, clock_changes);
	tcase_add_test(t, stamp_changes);
	tcase_add_test(t, segment_refusals);
	tcase_add_test(t, goes_on_after_a_restart);
	tcase_add_test(t, hardware_changes);
	tcase_add_test(t, hardware_ends_a_lack);
	tcase_add_test(t, cpus);
	tcase_add_loop_test(t, priority, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
