// SPDX-License-Identifier: BSD-2-Clause
/*
 * The log while the wall clock is set: it is an hour ahead whenever it is asked, which is what a
 * clock looks like to somebody whose deadline was taken before it was set back.
 */
#include "daemon/log/log.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	int rc = __real_clock_gettime(clock, t);

	if (clock == CLOCK_REALTIME) {
		t->tv_sec += 3600;
	}
	return rc;
}

/* Where nobody reads: a pipe that is full. Return its other end. */
static int clog_stderr(void)
{
	char octets[4096] = { 0 };
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	while (write(ends[1], octets, sizeof(octets)) > 0) {
		;
	}
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, 0), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	return ends[0];
}

/* the end comes in seconds, whatever the clock does and wherever the log is stuck */
START_TEST(ends_while_the_clock_is_set)
{
	struct log_args args = { .detail = "anything" };
	int stderr_was = dup(STDERR_FILENO), other = clog_stderr();
	struct log *l;

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(log_new(&l, LOG_TARGET_STDERR), 0);
	log_event(l, LOG_EVENT_STOPPING, &args);
	log_be_patient(l);
	for (int i = 0; i < 600; i++) { /* more than it has room for */
		log_event(l, LOG_EVENT_STOPPING, &args);
	}
	ck_assert(!log_free(l));
	close(other); /* its thread is let go */
	ck_assert(log_free(l));
	dup2(stderr_was, STDERR_FILENO);
	close(stderr_was);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *tcase = tcase_create("clock");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, ends_while_the_clock_is_set);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
