// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ports that are granted besides: open while they have sessions, shared by these, and by nobody
 * who did not ask. Over real sockets on loopback.
 */
#include "tests/unit/reflector/fixture.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static int refused, refusal;
static uint16_t port; /* one that nobody has */

static void on_refused(void *context, uint16_t which, int error)
{
	ck_assert_uint_eq(which, port);
	refused++;
	refusal = error;
}

static uint16_t free_port(void)
{
	uint16_t found = 0;
	int fd = rig_sender(4, &found);

	close(fd);
	return found;
}

static void set_up(void)
{
	struct reflector_config config = fixture_config();

	config.also_refused = on_refused;
	fixture_make_with(&config);
	port = free_port();
	reflector_also(fixture.r, &port, 1);
	refused = 0;
}

/* Asks for the port, from @from. */
static struct session_spec spec_of(uint16_t from)
{
	struct session_spec spec = rig_spec(4, from);

	spec.local.port = port;
	return spec;
}

static int sender(uint16_t *from)
{
	*from = 0;
	return rig_sender(4, from);
}

static struct udp_session *start(uint16_t from, struct fixture_end *e, uint16_t *got)
{
	struct session_spec spec = spec_of(from);
	struct udp_session *u = NULL;

	memset(e, 0, sizeof(*e));
	ck_assert_int_eq(udp_open(fixture.r, &spec, FIRST, LAST, e, &u, got), 0);
	ck_assert_int_eq(udp_start(u, &fixture_keys, fixture_sid), 0);
	return u;
}

/* Until no shared socket is left. */
static void await_closed(void)
{
	int64_t end = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);

	while (reflector_shared_fd(fixture.r, 0) >= 0) {
		ck_assert_int_lt(rig_mono_ns(), end);
		ev_run(fixture.loop, EVRUN_NOWAIT);
		rig_sleep_ms(1);
	}
}

/* R-101 R-105 R-107: many on the port, others beside it; closed with the last */
START_TEST(many)
{
	enum { SESSIONS = 20 };
	static struct fixture_end e[SESSIONS + 1];
	struct udp_session *u[SESSIONS];
	uint16_t from, got, own;
	int fd[SESSIONS], before = rig_descriptors(), other;
	struct session_spec spec;

	for (int i = 0; i < SESSIONS; i++) {
		fd[i] = sender(&from);
		u[i] = start(from, &e[i], &got);
		ck_assert_uint_eq(got, port);
	}
	ck_assert_int_eq(rig_descriptors(), before + SESSIONS + 1);
	other = sender(&from);
	spec = rig_spec(4, from);
	fixture_start(&spec, &e[SESSIONS], &own);
	ck_assert_uint_ne(own, port);
	for (uint32_t seq = 0; seq < 5; seq++) {
		for (int i = 0; i < SESSIONS; i++) {
			rig_send_seq(fd[i], 4, port, seq + 7);
			fixture_expect(fd[i], seq, seq + 7);
		}
		rig_send_seq(other, 4, own, seq);
		fixture_expect(other, seq, seq);
	}
	for (int i = 0; i < SESSIONS; i++) {
		udp_end(u[i]);
		close(fd[i]);
	}
	fixture_pump(SESSIONS);
	await_closed();
	for (int i = 0; i < SESSIONS; i++) {
		ck_assert_uint_eq(e[i].reflected, 5);
		ck_assert(e[i].adds_up);
	}
	close(other);
}
END_TEST

/* Its thread may have let go of the socket just now: then the main loop hands it over again. */
static void await_reply(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t end = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);

	while (poll(&p, 1, 1) == 0) {
		ck_assert_int_lt(rig_mono_ns(), end);
		ev_run(fixture.loop, EVRUN_NOWAIT);
	}
}

/* The socket is let go of and wanted again at any moment of that. */
START_TEST(to_and_fro)
{
	enum { ROUNDS = 2000 };
	static struct fixture_end e[ROUNDS];
	uint16_t from, got;
	int fd = sender(&from);

	for (int i = 0; i < ROUNDS; i++) {
		struct udp_session *u = start(from, &e[i], &got);

		ck_assert_uint_eq(got, port);
		if (i % 7 == 0) {
			rig_send_seq(fd, 4, port, (uint32_t)i);
			await_reply(fd);
			fixture_expect(fd, 0, (uint32_t)i);
		}
		udp_end(u);
		if (i % 3 == 0) {
			fixture_pump(i + 1);
		} else if (i % 5 == 0) {
			ev_run(fixture.loop, EVRUN_NOWAIT);
		}
	}
	fixture_pump(ROUNDS);
	await_closed();
	ck_assert_int_eq(refused, 0);
	close(fd);
}
END_TEST

/* the same addresses again; what is ended makes room at once */
START_TEST(rivals)
{
	static struct fixture_end e[2];
	uint16_t from, got;
	int fd = sender(&from);
	struct session_spec spec = spec_of(from);
	struct udp_session *u = start(from, &e[0], &got);

	ck_assert_int_eq(fixture_refused(spec, FIRST, LAST), -EEXIST);
	ck_assert_ptr_eq(udp_rival(fixture.r, &spec, NULL), u);
	ck_assert_ptr_null(udp_rival(fixture.r, &spec, u));
	rig_send_seq(fd, 4, port, 1);
	fixture_expect(fd, 0, 1);
	udp_end(u);
	ck_assert_ptr_null(udp_rival(fixture.r, &spec, NULL));
	start(from, &e[1], &got);
	ck_assert_uint_eq(got, port);
	rig_send_seq(fd, 4, port, 2);
	fixture_expect(fd, 0, 2); /* the number of the second */
	fixture_pump(1);
	ck_assert_int_eq(e[0].count, 1);
	ck_assert_uint_eq(e[0].reflected, 1);
	rig_send_seq(fd, 4, port, 3);
	fixture_expect(fd, 1, 3);
	close(fd);
}
END_TEST

/* R-102 R-103: told once, until it can be had again */
START_TEST(in_use)
{
	static struct fixture_end e[4];
	uint16_t from, got, taken = port;
	int other = rig_sender(4, &taken), fd = sender(&from);

	for (int i = 0; i < 2; i++) {
		udp_end(start(from, &e[i], &got));
		ck_assert_uint_ge(got, FIRST);
	}
	ck_assert_int_eq(refused, 1);
	ck_assert_int_eq(refusal, -EADDRINUSE);
	close(other);
	udp_end(start(from, &e[2], &got));
	ck_assert_uint_eq(got, port);
	fixture_pump(3);
	await_closed();
	other = rig_sender(4, &taken);
	start(from, &e[3], &got);
	ck_assert_int_eq(refused, 2);
	close(other);
	close(fd);
}
END_TEST

/* The list changes: what runs goes on, who asks is given another port. */
START_TEST(another_list)
{
	static struct fixture_end e[3];
	uint16_t from, got, next = 0;
	int fd = sender(&from), second = sender(&next);
	struct udp_session *u = start(from, &e[0], &got);

	reflector_also(fixture.r, NULL, 0);
	udp_end(start(next, &e[1], &got));
	ck_assert_uint_ne(got, port);
	rig_send_seq(fd, 4, port, 1);
	fixture_expect(fd, 0, 1);
	reflector_also(fixture.r, &port, 1);
	udp_end(start(next, &e[2], &got));
	ck_assert_uint_eq(got, port);
	rig_send_seq(fd, 4, port, 2);
	fixture_expect(fd, 1, 2);
	udp_end(u);
	fixture_pump(3);
	await_closed();
	close(fd);
	close(second);
}
END_TEST

/* Within the range: no search finds it, however few ports are left. */
START_TEST(within_the_range)
{
	static struct fixture_end e[3];
	struct session_spec spec;
	struct udp_session *u;
	uint16_t from, got;
	int fd = sender(&from);

	spec = rig_spec(4, from);
	port = FIRST;
	reflector_also(fixture.r, &port, 1);
	ck_assert_int_eq(udp_open(fixture.r, &spec, FIRST, FIRST + 1, &e[0], &u, &got), 0);
	ck_assert_uint_eq(got, FIRST + 1);
	ck_assert_int_eq(fixture_refused(spec, FIRST, FIRST + 1), -EADDRINUSE);
	start(from, &e[1], &got);
	ck_assert_uint_eq(got, FIRST);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("also");
	TCase *tcase = tcase_create("also");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, set_up, fixture_tear_down);
	tcase_add_test(tcase, many);
	tcase_add_test(tcase, to_and_fro);
	tcase_add_test(tcase, rivals);
	tcase_add_test(tcase, in_use);
	tcase_add_test(tcase, another_list);
	tcase_add_test(tcase, within_the_range);
	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
