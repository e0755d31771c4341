// SPDX-License-Identifier: BSD-2-Clause
/* Keyed sessions in the threads of a reflector, each with its own keys. */
#include "tests/unit/reflector/fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEN 150

static void exchange(int fd, int family, uint16_t to, struct crypt_test *keys, bool encrypted,
		     uint32_t seq, uint32_t sender_seq)
{
	uint8_t packet[LEN];

	rig_fill(packet, LEN, sender_seq, 0x0a0b);
	crypt_pkt_seal_send(keys, encrypted, packet);
	rig_send(fd, family, to, packet, LEN);
	rig_receive(fd, &fixture.reply, RIG_WAIT_MS);
	ck_assert_int_eq(fixture.reply.len, LEN);
	ck_assert_int_eq(crypt_pkt_open_reply(keys, encrypted, fixture.reply.octets, LEN), 0);
	ck_assert_uint_eq(rig_get32(fixture.reply.octets), seq);
	ck_assert_uint_eq(rig_get32(fixture.reply.octets + 48), sender_seq);
}

/* two sessions of one connection, each with the keys of its SID; both families */
START_TEST(sessions)
{
	static const uint32_t modes[2] = { MODE_AUTHENTICATED, MODE_ENCRYPTED };
	static struct fixture_end e[2];
	int family = _i ? 6 : 4;
	struct udp_session *session[2];
	struct crypt_test keys[2];
	uint16_t from[2] = { 0 }, to[2];
	int fd[2];

	for (int i = 0; i < 2; i++) {
		uint8_t sid[MSG_SID_LEN] = { (uint8_t)(i + 1) };
		struct session_spec spec;

		fd[i] = rig_sender(family, &from[i]);
		spec = rig_spec(family, from[i]);
		spec.modes = modes[i];
		session[i] = fixture_open(&spec, &e[i], &to[i]);
		ck_assert_int_eq(udp_start(session[i], &fixture_keys, sid), 0);
		crypt_test_init(&keys[i], &fixture_keys, sid);
	}
	for (uint32_t n = 0; n < 20; n++) {
		exchange(fd[0], family, to[0], &keys[0], false, n, 100 + n);
		exchange(fd[1], family, to[1], &keys[1], true, n, 200 + n);
	}
	udp_end(session[0]);
	udp_stop(session[1], 0);
	fixture_pump(2);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(e[i].reflected, 20);
		ck_assert(e[i].adds_up);
		close(fd[i]);
	}
}
END_TEST

/* the mixed mode has clear packets, and needs no keys for them */
START_TEST(mixed)
{
	static struct fixture_end e;
	uint16_t from = 0, to;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);

	spec.modes = MODE_MIXED;
	fixture_start(&spec, &e, &to);
	rig_send_seq(fd, 4, to, 11);
	fixture_expect(fd, 0, 11);
	close(fd);
}
END_TEST

/* R-172 T-042: forgeries do not keep a session alive, however many come */
START_TEST(refwait)
{
	static struct fixture_end e;
	uint16_t from = 0, to;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	struct crypt_test keys;
	struct counters_values totals;
	uint8_t packet[LEN] = { 0 };
	int64_t limit = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000), last;

	spec.modes = _i ? MODE_ENCRYPTED : MODE_AUTHENTICATED;
	spec.refwait_ns = 2000 * INT64_C(1000000);
	fixture_start(&spec, &e, &to);
	crypt_test_init(&keys, &fixture_keys, fixture_sid);
	last = rig_mono_ns();
	exchange(fd, 4, to, &keys, spec.modes & MODE_ENCRYPTED, 0, 1);
	while (!fixture.ends) {
		ck_assert_int_lt(rig_mono_ns(), limit);
		rig_send(fd, 4, to, packet, LEN);
		rig_sleep_ms(20);
		ev_run(fixture.loop, EVRUN_NOWAIT);
	}
	ck_assert_int_eq(e.why, UDP_END_REFWAIT);
	ck_assert_int_ge(rig_mono_ns() - last, spec.refwait_ns);
	ck_assert_uint_eq(e.reflected, 1);
	ck_assert(e.adds_up);
	reflector_totals(fixture.r, &totals);
	ck_assert_uint_gt(totals.n[COUNTER_DROP_HMAC], 0);
	ck_assert_uint_eq(totals.n[COUNTER_DROP_HMAC] + 1, totals.n[COUNTER_RECEIVED]);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("threads-keyed");
	TCase *tc = tcase_create("threads-keyed");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, fixture_set_up, fixture_tear_down);
	tcase_add_loop_test(tc, sessions, 0, 2);
	tcase_add_test(tc, mixed);
	tcase_add_loop_test(tc, refwait, 0, 2);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
