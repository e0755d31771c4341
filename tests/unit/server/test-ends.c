// SPDX-License-Identifier: BSD-2-Clause
/*
 * Final counters of sessions: none is lost, whoever else has many. The lines are read back from
 * stderr.
 */
#include "daemon/server/ends.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct log *l;
static struct ends *e;
static FILE *lines;
static int stderr_was;

static void set_up(void)
{
	lines = tmpfile();
	ck_assert_ptr_nonnull(lines);
	ck_assert_int_eq(fcntl(fileno(lines), F_SETFL, O_APPEND), 0);
	stderr_was = dup(STDERR_FILENO);
	ck_assert_int_eq(dup2(fileno(lines), STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(log_new(&l, LOG_TARGET_STDERR), 0);
	ck_assert_int_eq(ends_new(&e, l), 0);
}

static void end(void)
{
	ends_free(e);
	ck_assert(log_free(l));
	ck_assert_int_eq(dup2(stderr_was, STDERR_FILENO), STDERR_FILENO);
	rewind(lines);
}

static void tear_down(void)
{
	(void)fclose(lines);
	(void)close(stderr_was);
}

/* Session number @n of 192.0.@net.@host: it received @n packets. */
static void add(unsigned net, unsigned host, unsigned n)
{
	struct address peer = { .family = 4,
				.ip = { 192, 0, (uint8_t)net, (uint8_t)host },
				.port = 4711 };
	struct forward way = { .flow = { .any = true, .gaps = 1 } };
	struct session s = { .sid = { 0xaa, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
	struct counters_values counters = { .n = { [COUNTER_RECEIVED] = n,
						   [COUNTER_REFLECTED] = n,
						   [COUNTER_GAPS] = 1,
						   [COUNTER_DUPLICATES] = 2,
						   [COUNTER_REORDERED] = 3,
						   [COUNTER_DROP_SHORT] = 4 } };

	ends_add(e, &peer, &s, "probes", UDP_END_ORDERED, &counters, &way);
}

struct told {
	unsigned sessions, sums, lines, others;
	uint64_t of_sums, received;
};

static struct told read_all(void)
{
	struct told told = { 0 };
	char line[1024], *at;

	/* The last one may be half written, as long as the log is there. */
	while (fgets(line, sizeof(line), lines) && strchr(line, '\n')) {
		at = strstr(line, "received ");
		told.lines++;
		ck_assert_msg(at != NULL, "%s", line);
		told.received += strtoull(at + strlen("received "), NULL, 10);
		if (strstr(line, "summed: ")) {
			told.sums++;
			told.of_sums += strtoull(strstr(line, "summed: ") + strlen("summed: "),
						 NULL, 10);
		} else {
			told.sessions++;
			told.others += strstr(line, "192.0.9.9") != NULL;
		}
	}
	return told;
}

/* 400 that end with their connection, and each is told */
START_TEST(four_hundred)
{
	struct told told;

	for (unsigned n = 1; n <= 400; n++) {
		add(2, 1, n);
	}
	end();
	told = read_all();
	ck_assert_uint_eq(told.sessions, 400);
	ck_assert_uint_eq(told.received, 400 * 401 / 2);
	ck_assert_uint_eq(told.sums, 0);
}
END_TEST

/* Above what may wait they are summed; what another client has comes at once. */
START_TEST(too_many_are_summed)
{
	struct told told;

	for (unsigned n = 1; n <= 3000; n++) {
		add(2, 1, n);
	}
	add(9, 9, 7);
	end();
	told = read_all();
	ck_assert_uint_eq(told.sessions + told.of_sums, 3001);
	ck_assert_uint_ge(told.sessions, ENDS_OF_CLIENT);
	ck_assert_uint_le(told.sessions, ENDS_OF_CLIENT + 52);
	ck_assert_uint_eq(told.sums, 1);
	ck_assert_uint_eq(told.received, 3000 * 3001 / 2 + 7);
	ck_assert_uint_eq(told.others, 1);
}
END_TEST

/* More clients than have a place of their own. */
START_TEST(very_many_clients)
{
	struct told told;

	for (unsigned n = 0; n < 20000; n++) {
		add(n % 200, n / 200, 1);
	}
	end();
	told = read_all();
	ck_assert_uint_eq(told.sessions + told.of_sums, 20000);
	ck_assert_uint_eq(told.received, 20000);
	ck_assert_uint_le(told.sessions, ENDS_WAITING + 400);
}
END_TEST

/* Spread over time: some now, and the rest as the seconds pass. */
START_TEST(the_rest_comes_later)
{
	unsigned told;

	for (unsigned n = 0; n < 60; n++) {
		add(2, 1, 1);
	}
	do { /* until the test's own timeout */
		(void)usleep(10000);
		ends_tick(e);
		rewind(lines);
		told = read_all().sessions;
	} while (told < 60);
	ck_assert_uint_eq(told, 60);
	end();
}
END_TEST

/* Not wanted: nothing waits. */
START_TEST(level_notice)
{
	log_set_level(l, 5);
	for (unsigned n = 0; n < 60000; n++) {
		add(2, 1, 1);
	}
	log_set_level(l, 6);
	end();
	ck_assert_uint_eq(read_all().lines, 0);
}
END_TEST

/* All numbers are fields, and there is the class. */
START_TEST(fields)
{
	char line[1024];

	add(2, 1, 5);
	end();
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), lines));
	ck_assert_ptr_nonnull(strstr(line, "192.0.2.1:4711"));
	ck_assert_ptr_nonnull(
		strstr(line, "received 5, reflected 5, gaps 1, duplicates 2, reordered 3"));
	ck_assert_ptr_nonnull(strstr(line, "class probes"));
}
END_TEST

/* What waited says what it would have said at once. */
START_TEST(nothing_is_lost_by_waiting)
{
	char first[1024], line[1024];
	unsigned told = 1;

	for (unsigned n = 0; n < 100; n++) {
		add(2, 1, 7);
	}
	end();
	ck_assert_ptr_nonnull(fgets(first, sizeof(first), lines));
	ck_assert_ptr_nonnull(strstr(first, "way to here: lost 12.500 %"));
	for (; fgets(line, sizeof(line), lines); told++) {
		ck_assert_str_eq(line, first);
	}
	ck_assert_uint_eq(told, 100);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ends");
	TCase *tcase = tcase_create("ends");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, four_hundred);
	tcase_add_test(tcase, too_many_are_summed);
	tcase_add_test(tcase, very_many_clients);
	tcase_add_test(tcase, the_rest_comes_later);
	tcase_add_test(tcase, level_notice);
	tcase_add_test(tcase, fields);
	tcase_add_test(tcase, nothing_is_lost_by_waiting);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
