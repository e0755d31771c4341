// SPDX-License-Identifier: BSD-2-Clause
/* Sessions of the reflector: ports, refusals, and every way to end. */
#include "tests/unit/reflector/fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* R-160 R-161: until Stop + Timeout, and then no more */
START_TEST(stop_and_timeout)
{
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	static struct fixture_end e;
	struct udp_session *u = fixture_start(&spec, &e, &port);

	fixture_stop_and_timeout(u, &e, fd, port);
	rig_send_seq(fd, 4, port, 2);
	rig_expect_silence(fd, 50);
	close(fd);
}
END_TEST

/* Timeout 0 fixture.ends at once, and what came before the Stop is answered */
START_TEST(stop_at_once)
{
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	static struct fixture_end e;
	struct udp_session *u = fixture_start(&spec, &e, &port);

	for (uint32_t i = 0; i < 100; i++) {
		rig_send_seq(fd, 4, port, i);
	}
	udp_stop(u, 0);
	fixture_pump(1);
	ck_assert_int_eq(e.why, UDP_END_TIMEOUT);
	ck_assert_uint_eq(e.reflected, 100);
	close(fd);
}
END_TEST

/* R-170 R-172: restarted by packets, but not by short ones */
START_TEST(refwait)
{
	uint16_t from = 0;
	int fd = rig_sender(4, &from);
	static struct fixture_end e;

	fixture_refwait(rig_spec(4, from), &e, fd, -1);
	close(fd);
}
END_TEST

/* R-101 R-102 R-104 R-105 R-107 R-109 */
START_TEST(alternate_ports)
{
	static const uint16_t outside[] = { 862, 22, FIRST - 1, LAST + 1, 65535, 1 };
	uint16_t from = 9999, port, first;
	struct session_spec spec = rig_spec(4, from);
	static struct fixture_end e[9];
	int fd;

	fixture_open(&spec, &e[0], &first); /* any */
	spec.local.port = first;
	fixture_open(&spec, &e[1], &port); /* taken */
	ck_assert_uint_ne(port, first);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		spec.local.port = outside[i];
		fixture_open(&spec, &e[2 + i], &port);
	}
	/* a free one: found with a socket of ours, closed again */
	for (port = FIRST, fd = -1; fd < 0; port++) {
		struct sockaddr_in a = { .sin_family = AF_INET,
					 .sin_port = htons(port),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

		fd = socket(AF_INET, SOCK_DGRAM, 0);
		if (bind(fd, (struct sockaddr *)&a, sizeof(a))) {
			close(fd);
			fd = -1;
		}
		spec.local.port = port;
	}
	/* another program has it */
	fixture_open(&spec, &e[8], &port);
	ck_assert_uint_ne(port, spec.local.port);
	close(fd);
	fixture_open(&spec, &e[8], &port);
	ck_assert_uint_eq(port, spec.local.port);
}
END_TEST

/* R-106 R-108: a range of two; a port is free again when its session is gone */
START_TEST(range_used_up)
{
	struct session_spec spec = rig_spec(4, 9999);
	struct udp_session *u[2] = { NULL, NULL };
	uint16_t port[2], again, first;
	static struct fixture_end e[3] = { { 0 } };

	for (first = FIRST; first < LAST; first = (uint16_t)(first + 2)) {
		int gone = fixture.ends;

		ck_assert_int_eq(udp_open(fixture.r, &spec, first, first, &e[0], &u[0], &port[0]),
				 0);
		if (!udp_open(fixture.r, &spec, first, (uint16_t)(first + 1), &e[1], &u[1],
			      &port[1])) {
			break;
		}
		udp_end(u[0]); /* somebody else has the second: try the next two */
		fixture_pump(gone + 1);
	}
	fixture.ends = e[0].count = 0;
	ck_assert_uint_ne(port[0], port[1]);
	ck_assert_int_eq(fixture_refused(spec, first, (uint16_t)(first + 1)), -EADDRINUSE);
	/* never started: at once */
	udp_end(u[0]);
	udp_end(u[0]);
	ck_assert_int_eq(fixture.ends, 0); /* not from within */
	ck_assert_int_eq(
		udp_open(fixture.r, &spec, first, (uint16_t)(first + 1), &e[2], &u[0], &again), 0);
	ck_assert_uint_eq(again, port[0]);
	fixture_pump(1);
	ck_assert_int_eq(e[0].why, UDP_END_ORDERED);
	ck_assert_int_eq(e[0].count, 1);
	/* started: when `ended` was called */
	ck_assert_int_eq(udp_start(u[1], &fixture_keys, fixture_sid), 0);
	udp_stop(u[1], 0);
	fixture_pump(2);
	ck_assert_int_eq(
		udp_open(fixture.r, &spec, first, (uint16_t)(first + 1), &e[2], &u[1], &again), 0);
	ck_assert_uint_eq(again, port[1]);
	ck_assert_int_eq(fixture_refused(spec, first, (uint16_t)(first + 1)), -EADDRINUSE);
}
END_TEST

int __real_bind(int fd, const struct sockaddr *a, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *a, socklen_t len);
static int binds;

int __wrap_bind(int fd, const struct sockaddr *a, socklen_t len)
{
	binds++;
	return __real_bind(fd, a, len);
}

/* other programs have nearly all of the range. A request does not try for ever; the next one
 * goes on from there. */
START_TEST(ports_of_others)
{
	enum { LOW = 50000, N = 1200, FREE = 50321, MOST = 600 };
	static struct fixture_end e;
	struct session_spec spec = rig_spec(4, 9999);
	struct udp_session *u;
	struct rlimit limit;
	int refused = 0, error;
	uint16_t port;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < N; i++) {
		struct sockaddr_in a = { .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
					 .sin_port = htons((uint16_t)(LOW + i)) };
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		ck_assert_int_ge(fd, 0);
		if (LOW + i != FREE) {
			(void)bind(fd, (struct sockaddr *)&a, sizeof(a)); /* or somebody has it */
		}
	}
	do {
		binds = 0;
		error = udp_open(fixture.r, &spec, LOW, LOW + N - 1, &e, &u, &port);
		ck_assert_int_le(binds, MOST);
		ck_assert(!error || error == -EADDRINUSE);
	} while (error && ++refused < 4);
	ck_assert_int_eq(error, 0);
	ck_assert_uint_eq(port, FREE);
	binds = 0;
	ck_assert_int_eq(fixture_refused(spec, LOW, LOW + N - 1), -EADDRINUSE);
	ck_assert_int_le(binds, MOST);
}
END_TEST

/* R-090 R-095 R-122 R-240: errors come back as they are, and leave nothing behind */
START_TEST(refusals)
{
	struct session_spec good = rig_spec(4, 9999), s = good;
	int before = rig_descriptors();
	struct rlimit limit, low;

	fixture_check_refusals();
	ck_assert_int_eq(fixture_refused(good, LAST, FIRST), -EINVAL);
	s.remote = rig_loopback(6, 9999);
	ck_assert_int_eq(fixture_refused(s, FIRST, LAST), -EINVAL);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 3;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
	ck_assert_int_eq(fixture_refused(good, FIRST, LAST), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(rig_descriptors(), before);
}
END_TEST

/* Sockets, ports and memory come back, also from reflector_free in the middle. */
START_TEST(many_sessions)
{
	enum { N = 500 };
	static struct udp_session *u[N];
	static struct fixture_end e[N];
	static uint16_t port[N];
	int before = rig_descriptors(), want = N;
	struct counters_values totals;
	uint16_t from = 0;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);

	for (int round = 0; round < 2; round++) {
		fixture.ends = 0;
		for (int i = 0; i < N; i++) {
			u[i] = i % 5 ? fixture_start(&spec, &e[i], &port[i])
				     : fixture_open(&spec, &e[i], &port[i]);
		}
		reflector_totals(fixture.r, &totals);
		ck_assert_uint_eq(totals.n[COUNTER_SESSIONS], N);
		for (int i = 0; i < N; i++) {
			rig_send_seq(fd, 4, port[i], (uint32_t)i);
			if (i % 5) {
				fixture_expect(fd, 0, (uint32_t)i);
			}
		}
		for (int i = 0; i < N && !round; i++) {
			if (i % 2) {
				udp_stop(u[i], i * 100000);
			} else {
				udp_end(u[i]);
			}
		}
		if (!round) {
			fixture_pump(want);
			reflector_totals(fixture.r, &totals);
			ck_assert_uint_eq(totals.n[COUNTER_SESSIONS], 0);
			ck_assert_uint_eq(totals.n[COUNTER_REFLECTED], N - N / 5);
			ck_assert_int_eq(rig_descriptors(), before + 1);
		}
	}
	fixture_tear_down();
	ck_assert_int_eq(fixture.ends, N);
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(e[i].count, 1);
		ck_assert_uint_eq(e[i].reflected, i % 5 ? 1 : 0);
	}
	close(fd);
	fixture_set_up();
	ck_assert_int_eq(rig_descriptors(), before);
}
END_TEST

/* Ends from all sides at once: Stop, End, Timeout and REFWAIT, under traffic. */
START_TEST(races)
{
	enum { N = 200 };
	static struct fixture_end e[N];
	struct udp_session *u[N];
	uint16_t from = 0, port[N];
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);

	for (int i = 0; i < N; i++) {
		spec.refwait_ns = i % 3 ? 900 * TS_NS_PER_S : 1 + i * 10000;
		u[i] = fixture_start(&spec, &e[i], &port[i]);
		rig_send_seq(fd, 4, port[i], 0);
	}
	for (int i = 0; i < N; i++) {
		rig_send_seq(fd, 4, port[i], 1);
		fixture_race(u[i], (unsigned)i, i * 20000);
		ck_assert(reflector_lag_s(fixture.r) >= 0.);
	}
	fixture_pump(N);
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(e[i].count, 1);
		ck_assert(e[i].adds_up);
	}
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sessions");
	TCase *t = tcase_create("sessions");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 240);
	tcase_add_checked_fixture(t, fixture_set_up, fixture_tear_down);
	tcase_add_test(t, stop_and_timeout);
	tcase_add_test(t, stop_at_once);
	tcase_add_test(t, refwait);
	tcase_add_test(t, alternate_ports);
	tcase_add_test(t, range_used_up);
	tcase_add_test(t, ports_of_others);
	tcase_add_test(t, refusals);
	tcase_add_test(t, many_sessions);
	tcase_add_test(t, races);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
