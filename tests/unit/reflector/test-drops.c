// SPDX-License-Identifier: BSD-2-Clause
/* What our own receive queues had no room for: counted, and told with the last event. */
#include "tests/unit/reflector/fixture.h"
#include "tests/unit/reflector/lightrig.h"

#include <stdlib.h>
#include <unistd.h>

#define MANY 10000 /* more than fits into any queue: UDPSOCK_RCVBUF holds 5500 of them */

/* Modulo 2^32; what is older tells nothing. */
START_TEST(arithmetic)
{
	uint32_t seen = 0;

	ck_assert_uint_eq(sock_new_drops(&seen, 7), 7);
	ck_assert_uint_eq(sock_new_drops(&seen, 7), 0);
	ck_assert_uint_eq(sock_new_drops(&seen, 3), 0);
	ck_assert_uint_eq(seen, 7);
	seen = UINT32_MAX - 1;
	ck_assert_uint_eq(sock_new_drops(&seen, 5), 7);
	ck_assert_uint_eq(seen, 5);
	ck_assert_uint_eq(sock_new_drops(&seen, UINT32_MAX), 0);
	ck_assert_uint_eq(seen, 5);
}
END_TEST

static void flood(int fd, uint16_t port)
{
	rig_pin();
	for (uint32_t i = 0; i < MANY; i++) {
		rig_send_seq(fd, 4, port, i);
	}
	rig_settle();
}

/* While the session runs: the end of a backlog tells; of large packets (@_i 1) few are one. */
START_TEST(while_it_runs)
{
	static struct udp_session u;
	static struct worker w;
	static uint8_t large[32000];
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from), keeper;
	struct session_spec spec = rig_spec(4, from);
	uint32_t sent = _i ? 500 : MANY;
	uint64_t lost;

	rig_make_worker(&w, &keeper);
	u.party.rules = reflection_session(spec.modes, NULL);
	u.party.sums = &w.totals;
	u.fd = rig_session_socket(&spec, &port);
	rig_pin();
	for (uint32_t i = 0; i < sent; i++) {
		rig_fill(large, sizeof(large), i, 0x0a0b);
		rig_send(fd, 4, port, large, _i ? sizeof(large) : 41);
	}
	while (rig_burst(&w, &u) == REFLECT_MORE) {
		;
	}
	lost = rig_count(&u, COUNTER_DROP_RCVBUF);
	ck_assert_uint_gt(lost, 0);
	ck_assert_uint_eq(rig_count(&u, COUNTER_RECEIVED), sent);
	ck_assert(rig_session_adds_up(&u));
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_RECEIVED), sent);
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_DROP_RCVBUF), lost);
	rig_free_worker(&w, keeper);
	close(u.fd);
	close(fd);
}
END_TEST

static uint64_t total_drops(void)
{
	struct counters_values t;

	reflector_totals(fixture.r, &t);
	return t.n[COUNTER_DROP_RCVBUF];
}

/* No packet after the flood: the last event has them all the same. */
START_TEST(last_event_tells)
{
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	static struct fixture_end e;
	struct udp_session *u;

	fixture_set_up();
	u = fixture_start(&spec, &e, &port);
	reflector_halt(fixture.r);
	flood(fd, port);
	udp_stop(u, 100 * INT64_C(1000000));
	ck_assert_int_eq(reflector_go_on(fixture.r), 0);
	fixture_pump(1);
	ck_assert_uint_gt(e.rcvbuf, 0);
	ck_assert_uint_eq(e.received, MANY);
	ck_assert(e.adds_up);
	ck_assert_uint_eq(total_drops(), e.rcvbuf);
	close(fd);
	fixture_tear_down();
}
END_TEST

/* What comes before the start is early, not lost. */
START_TEST(early_is_not_rcvbuf)
{
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	static struct fixture_end e;
	struct udp_session *u;

	fixture_set_up();
	u = fixture_open(&spec, &e, &port);
	flood(fd, port);
	ck_assert_int_eq(udp_start(u, &fixture_keys, fixture_sid), 0);
	rig_send_seq(fd, 4, port, 1);
	fixture_expect(fd, 0, 1);
	udp_end(u);
	fixture_pump(1);
	ck_assert_uint_eq(e.early, MANY);
	ck_assert_uint_eq(e.rcvbuf, 0);
	ck_assert_uint_eq(e.received, MANY + 1);
	close(fd);
	fixture_tear_down();
}
END_TEST

/* A shared queue: the total knows how many, a session only that it was not alone. */
START_TEST(shared_port)
{
	uint16_t first = fixture_make_shared(1, false), from = 0, other = 0, port;
	int fd = rig_sender(4, &from), neighbour = rig_sender(4, &other);
	struct session_spec spec = rig_spec(4, from), next = rig_spec(4, other);
	static struct fixture_end e, before, after;
	int64_t limit = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);
	struct counters_values t;
	struct udp_session *u;

	u = fixture_start(&next, &before, &port);
	udp_end(u);
	fixture_pump(1);
	u = fixture_start(&spec, &e, &port);
	ck_assert_uint_eq(port, first);
	reflector_halt(fixture.r);
	flood(fd, port);
	ck_assert_int_eq(reflector_go_on(fixture.r), 0);
	udp_stop(u, 100 * INT64_C(1000000));
	fixture_pump(2);
	fixture_start(&next, &after, &port);
	while (!total_drops()) { /* it looks once a second */
		ck_assert_int_lt(rig_mono_ns(), limit);
		rig_sleep_ms(10);
	}
	reflector_totals(fixture.r, &t);
	ck_assert_uint_eq(t.n[COUNTER_RECEIVED], MANY);
	ck_assert_uint_eq(t.n[COUNTER_REFLECTED] + t.n[COUNTER_DROP_RCVBUF], MANY);
	ck_assert_uint_eq(e.port_rcvbuf, t.n[COUNTER_DROP_RCVBUF]);
	ck_assert_uint_eq(e.rcvbuf, 0);
	ck_assert_uint_eq(e.received, e.reflected);
	ck_assert_uint_eq(before.port_rcvbuf, 0);
	fixture_tear_down();
	ck_assert_uint_eq(after.port_rcvbuf, 0); /* those before it are not its */
	close(fd);
	close(neighbour);
}
END_TEST

/* @_i 1: a socket that is not new, and has dropped something before it was ours */
START_TEST(light_port)
{
	struct reflector_config config = { .threads = LIGHTRIG_THREADS,
					   .ended = lightrig_on_ended,
					   .light_ended = lightrig_on_light_ended };
	int64_t limit = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);
	uint16_t port = 0, from = 0;
	int passed = rig_sender(4, &port), fd = rig_sender(4, &from);

	lightrig_set_up();
	if (_i) {
		flood(fd, port);
		sock_drain(passed);
		reflector_free(lightrig.r);
		config.light_fds = &passed;
		config.n_light_fds = 1;
		ck_assert_int_eq(reflector_new(&lightrig.r, lightrig.loop, &config), 0);
	} else {
		close(passed);
	}
	lightrig_use(lightrig_entry(4, port, LIGHTRIG_TWAMP));
	lightrig_exchange(fd, 4, port, 41, 1);
	ck_assert_int_eq(lightrig.reply.len, 41);
	reflector_halt(lightrig.r);
	flood(fd, port);
	ck_assert_int_eq(reflector_go_on(lightrig.r), 0);
	while (lightrig_totals().n[COUNTER_RECEIVED] < MANY + 1) { /* it looks once a second */
		ck_assert_int_lt(rig_mono_ns(), limit);
		rig_sleep_ms(10);
	}
	lightrig_use(lightrig_settings(""));
	lightrig_pump(1);
	ck_assert_uint_gt(lightrig.last.n[COUNTER_DROP_RCVBUF], 0);
	ck_assert_uint_eq(lightrig.last.n[COUNTER_RECEIVED], MANY + 1);
	lightrig_tear_down();
	close(fd);
	if (_i) {
		close(passed);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("drops");
	TCase *tc = tcase_create("drops");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, arithmetic);
	tcase_add_loop_test(tc, while_it_runs, 0, 2);
	tcase_add_test(tc, last_event_tells);
	tcase_add_test(tc, early_is_not_rcvbuf);
	tcase_add_test(tc, shared_port);
	tcase_add_loop_test(tc, light_port, 0, 2);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
