// SPDX-License-Identifier: BSD-2-Clause
/* Which of the shared ports a session gets, and what is refused. */
#include "tests/unit/reflector/fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint16_t first; /* of the shared ports */

static void make_one(void)
{
	first = fixture_make_shared(1, false);
}

static void make_two(void)
{
	first = fixture_make_shared(2, false);
}

static void make_common(void)
{
	first = fixture_make_shared(3, true);
}

/* R-101 R-102 R-105 R-106 R-107: a port for each thread, the wanted one if it can be */
START_TEST(same_addresses)
{
	struct session_spec spec = rig_spec(4, 9999), other = rig_spec(4, 9998);
	uint16_t port[4];
	static struct fixture_end e[5];
	struct udp_session *u[2];

	spec.local.port = (uint16_t)(first + 1);
	u[0] = fixture_open(&spec, &e[0], &port[0]);
	ck_assert_uint_eq(port[0], first + 1);
	u[1] = fixture_open(&spec, &e[1], &port[1]);
	ck_assert_uint_eq(port[1], first);
	ck_assert_int_eq(fixture_refused(spec, FIRST, LAST), -EEXIST);
	spec.local.port = 862;
	ck_assert_int_eq(fixture_refused(spec, FIRST, LAST), -EEXIST);
	other.local.port = first;
	fixture_open(&other, &e[2], &port[2]);
	ck_assert_uint_eq(port[2], first);
	/* the thread with fewer sessions */
	other.remote.port = 9997;
	other.local.port = 0;
	fixture_open(&other, &e[3], &port[3]);
	ck_assert_uint_eq(port[3], first + 1);
	/* never started: free at once; started: when it has ended */
	udp_end(u[0]);
	spec.local.port = 0;
	u[0] = fixture_open(&spec, &e[4], &port[0]);
	ck_assert_uint_eq(port[0], first + 1);
	fixture_pump(1);
	ck_assert_int_eq(udp_start(u[1], &fixture_keys, fixture_sid), 0);
	udp_stop(u[1], 0);
	ck_assert_int_eq(fixture_refused(spec, FIRST, LAST), -EEXIST);
	fixture_pump(2);
	fixture_open(&spec, &e[1], &port[1]);
	ck_assert_uint_eq(port[1], first);
}
END_TEST

/* one for all; two with the same addresses cannot be */
START_TEST(one_for_all)
{
	int family = _i ? 6 : 4;
	uint16_t from = 0, port;
	int fd = rig_sender(family, &from);
	struct session_spec spec = rig_spec(family, from);
	static struct fixture_end e[20];
	struct udp_session *u = fixture_start(&spec, &e[0], &port);

	ck_assert_uint_eq(port, first);
	ck_assert_int_eq(fixture_refused(spec, FIRST, LAST), -EEXIST);
	for (uint16_t i = 1; i < 20; i++) {
		struct session_spec other = rig_spec(i % 2 ? 4 : 6, (uint16_t)(1000 + i));

		fixture_open(&other, &e[i], &port);
		ck_assert_uint_eq(port, first);
	}
	rig_send_seq(fd, family, port, 1);
	fixture_expect(fd, 0, 1);
	udp_end(u);
	fixture_pump(1);
	ck_assert_int_eq(e[0].why, UDP_END_ORDERED);
	close(fd);
}
END_TEST

/* R-090 R-095 R-122 R-240 */
START_TEST(refusals)
{
	struct counters_values totals;
	int before = rig_descriptors();

	fixture_check_refusals();
	reflector_totals(fixture.r, &totals);
	ck_assert_uint_eq(totals.n[COUNTER_SESSIONS], 0);
	ck_assert_int_eq(rig_descriptors(), before);
}
END_TEST

/* The ports are taken, or too few: no reflector. */
START_TEST(no_ports)
{
	struct reflector_config config = {
		.threads = 2, .shared = { .on = true, .port_first = first, .port_last = first }
	};
	int before = rig_descriptors();
	struct reflector *r = NULL;

	ck_assert_int_eq(reflector_new(&r, fixture.loop, &config), -ERANGE);
	config.shared.port_last = LAST;
	ck_assert_int_eq(reflector_new(&r, fixture.loop, &config), -EADDRINUSE);
	config.shared.port = first;
	ck_assert_int_eq(reflector_new(&r, fixture.loop, &config), -EADDRINUSE);
	ck_assert_ptr_null(r);
	ck_assert_int_eq(rig_descriptors(), before);
}
END_TEST

static void add_case(Suite *s, const char *name, void (*make)(void), const TTest *const *tests)
{
	TCase *t = tcase_create(name);

	tcase_set_timeout(t, 240);
	tcase_add_checked_fixture(t, make, fixture_tear_down);
	for (; *tests; tests++) {
		tcase_add_loop_test(t, *tests, 0, 2);
	}
	suite_add_tcase(s, t);
}

int main(void)
{
	const TTest *one[] = { refusals, no_ports, NULL };
	const TTest *two[] = { same_addresses, NULL };
	const TTest *common[] = { one_for_all, NULL };
	Suite *s = suite_create("shared-ports");
	SRunner *runner;
	int failed;

	add_case(s, "one thread", make_one, one);
	add_case(s, "two threads", make_two, two);
	add_case(s, "one port", make_common, common);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
