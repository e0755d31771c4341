// SPDX-License-Identifier: BSD-2-Clause
/* More than a thousand sessions on a connection, and a week of silence. */
#include "tests/flow/test-stream.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t modes[] = { MODE_UNAUTHENTICATED | MODE_INDIVIDUAL_CONTROL,
				  MODE_MIXED | MODE_INDIVIDUAL_CONTROL };

static struct said said;

static void request_many(struct stream *s, int n)
{
	struct msg_request m = { .ipvn = 4, .sender_port = 5000 };
	uint8_t octets[MSG_REQUEST_LEN];

	msg_put_request(octets, &m);
	for (int i = 0; i < n; i++) {
		receive(s, octets, sizeof(octets));
	}
}

/* R-120 R-141: a thousand sessions on one connection */
START_TEST(thousand_sessions)
{
	static struct stream s;
	static uint8_t got[SESSIONS * 48 + 1024];
	uint8_t octets[MSG_START_LEN];

	compose(&said, MODE_UNAUTHENTICATED);
	begin(&s, got, sizeof(got));
	receive(&s, said.octets, MSG_SETUP_LEN);
	request_many(&s, SESSIONS);
	ck_assert_int_eq(s.n_sessions, SESSIONS);
	request_many(&s, 1);
	ck_assert_uint_eq(s.got[s.n_got - 48], ACCEPT_PERMANENT);
	msg_put_start(octets);
	receive(&s, octets, sizeof(octets));
	ck_assert_uint_eq(s.control.running, SESSIONS);
	/* each got its order once: START is 1, and the port was raised by it */
	for (int i = 0; i < SESSIONS; i++) {
		MUST(s.sessions[i].port == 50001 + i + SESSION_TODO_START);
	}
	msg_put_stop(octets, &(struct msg_stop){ .sessions = SESSIONS });
	receive(&s, octets, sizeof(octets));
	ck_assert_int_eq(s.control.state, CONTROL_READY);
	end(&s);
}
END_TEST

static void send_list(struct stream *s, uint8_t command, uint32_t first, uint32_t n)
{
	size_t before = said.n;

	say_list(&said, command, first, n);
	receive(s, said.octets + before, said.n - before);
}

/* Acknowledgement of Accept 0 with @n SIDs, and nothing else since @before. */
static void check_ack(const struct stream *s, size_t before, uint8_t command, uint32_t n)
{
	struct crypt_stream open;
	uint8_t head[MSG_BLOCK];
	struct msg_n m;

	ck_assert_uint_eq(s->n_got - before, MSG_N_LEN(n));
	memcpy(head, s->got + before, sizeof(head));
	if (said.keyed) { /* enough to see what it is */
		crypt_stream_init_receive(&open, &keys, s->got + before - CRYPT_BLOCK);
		MUST(!crypt_open_part(&open, head, sizeof(head)));
	}
	msg_get_n_head(head, &m);
	ck_assert_uint_eq(m.command, command);
	ck_assert_uint_eq(m.accept, ACCEPT_OK);
	ck_assert_uint_eq(m.n, n);
}

/* R-203 C-092: one more than the connection has sessions, when these are many */
START_TEST(one_sid_too_many)
{
	static struct stream s;
	static uint8_t got[SESSIONS * 48 + 1024];
	size_t before;

	said.n = 0;
	begin(&s, got, sizeof(got));
	s.policy.max_sessions_per_connection *= 2;
	say_setup(&said, modes[_i]);
	receive(&s, said.octets, said.n);
	for (int i = 0; i < SESSIONS; i++) {
		said.n = 0;
		say_request(&said, 0);
		receive(&s, said.octets, said.n);
	}
	before = s.n_got;
	said.n = 0;
	send_list(&s, 7, 1, SESSIONS + 1);
	ck_assert_int_eq(s.control.state, CONTROL_CLOSING);
	ck_assert_uint_eq(s.n_got, before);
	end(&s);
}
END_TEST

/* R-201 R-204 R-205 C-092: 1200 SIDs in one command, a part of them gone by REFWAIT */
START_TEST(thousand_sids)
{
	static struct stream s;
	static uint8_t got[SESSIONS * 48 + 3 * MSG_N_LEN(SESSIONS)];
	size_t before;

	said.n = 0;
	begin(&s, got, sizeof(got));
	say_setup(&said, modes[_i]);
	receive(&s, said.octets, said.n);
	for (int i = 0; i < SESSIONS; i++) {
		said.n = 0;
		say_request(&said, 0);
		receive(&s, said.octets, said.n);
	}
	before = s.n_got;
	said.n = 0;
	send_list(&s, 7, 1, SESSIONS);
	check_ack(&s, before, MSG_CMD_START_N_ACK, SESSIONS);
	ck_assert_uint_eq(s.control.running, SESSIONS);
	for (int i = 0; i < SESSIONS; i += 6) {
		struct control_in in = { .kind = CONTROL_SESSION_ENDED, .session = &s.sessions[i] };

		feed(&s, &in);
		admit_session_end(&s.total, &s.class, &s.client);
	}
	ck_assert_uint_eq(s.control.sessions, SESSIONS);
	ck_assert_uint_eq(s.total.sessions, SESSIONS - SESSIONS / 6);
	before = s.n_got;
	said.n = 0;
	send_list(&s, 9, 1, SESSIONS);
	check_ack(&s, before, MSG_CMD_STOP_N_ACK, SESSIONS);
	ck_assert_int_eq(s.control.state, CONTROL_READY);
	ck_assert_uint_eq(s.control.sessions, SESSIONS - SESSIONS / 6);
	for (int i = 0; i < SESSIONS; i++) { /* each order once: the port was raised by them */
		MUST(s.sessions[i].port == 50001 + i + SESSION_TODO_START +
						   (i % 6 ? SESSION_TODO_STOP : SESSION_TODO_FREE));
	}
	end(&s);
}
END_TEST

static bool closes_at(struct stream *s, int64_t ns)
{
	s->now.ns = ns;
	if (ns < s->deadline_ns) {
		return false;
	}
	feed_kind(s, CONTROL_DEADLINE);
	return s->closed;
}

/* the largest SERVWAIT, a week, with one octet short of it and at it */
START_TEST(week)
{
	static struct stream s;
	static uint8_t got[2048];
	int64_t week_ns = INT64_C(604800) * S;

	compose(&said, MODE_UNAUTHENTICATED);
	begin(&s, got, sizeof(got));
	s.policy.servwait_s = 604800;
	receive(&s, said.octets, MSG_SETUP_LEN);
	ck_assert_int_eq(s.deadline_ns, s.now.ns + week_ns);
	ck_assert(!closes_at(&s, S + week_ns - 1));
	/* Start-Sessions that starts nothing is heard all the same */
	receive(&s, said.octets + MSG_SETUP_LEN, MSG_START_LEN);
	ck_assert(!closes_at(&s, S + 2 * week_ns - 2));
	ck_assert(closes_at(&s, S + 2 * week_ns - 1));
	end(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stream-size");
	TCase *tc = tcase_create("stream-size");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, thousand_sessions);
	tcase_add_loop_test(tc, one_sid_too_many, 0, 2);
	tcase_add_loop_test(tc, thousand_sids, 0, 2);
	tcase_add_test(tc, week);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
