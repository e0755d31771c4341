// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/msg.h"

#include "tests/unit/protocol/seed.h"

#include <check.h>
#include <stdlib.h>

#define ROUNDS 2000

static struct seed seed;

/*
 * Any octets decode without reading elsewhere (the buffers are as long as the messages, for
 * the sanitizers), and what was decoded and encoded decodes to the same. R-075
 */
#define ROUND_TRIP(kind, length) \
	static void round_trip_##kind(void) \
	{ \
		uint8_t *wire = malloc(length); \
		struct msg_##kind a, b; \
\
		ck_assert_ptr_nonnull(wire); \
		memset(&a, 0, sizeof(a)); \
		memset(&b, 0, sizeof(b)); \
		seed_fill(&seed, wire, length); \
		(void)msg_get_##kind(wire, &a); \
		seed_fill(&seed, wire, length); \
		msg_put_##kind(wire, &a); \
		(void)msg_get_##kind(wire, &b); \
		ck_assert_mem_eq(&a, &b, sizeof(a)); \
		free(wire); \
	}

static int ignore(int r)
{
	return r;
}
#define msg_get_greeting(wire, m) ignore(msg_get_greeting(wire, m))
ROUND_TRIP(greeting, MSG_GREETING_LEN)
#undef msg_get_greeting
ROUND_TRIP(setup, MSG_SETUP_LEN)
ROUND_TRIP(request, MSG_REQUEST_LEN)
ROUND_TRIP(stop, MSG_STOP_LEN)

static void round_trip_n(void)
{
	uint8_t *wire = malloc(MSG_BLOCK);
	struct msg_n a, b;

	ck_assert_ptr_nonnull(wire);
	seed_fill(&seed, wire, MSG_BLOCK);
	msg_get_n_head(wire, &a);
	seed_fill(&seed, wire, MSG_BLOCK);
	msg_put_n_head(wire, &a);
	msg_get_n_head(wire, &b);
	ck_assert_uint_eq(a.command, b.command);
	ck_assert_uint_eq(a.accept, b.accept);
	ck_assert_uint_eq(a.n, b.n);
	free(wire);
}

/* These two say less when Accept is not 0. */
static void round_trip_refusable(unsigned round)
{
	uint8_t start_wire[MSG_SERVER_START_LEN], session_wire[MSG_ACCEPT_SESSION_LEN];
	struct msg_server_start start, start_back;
	struct msg_accept_session session, session_back;

	seed_fill(&seed, start_wire, sizeof(start_wire));
	seed_fill(&seed, session_wire, sizeof(session_wire));
	msg_get_server_start(start_wire, &start);
	msg_get_accept_session(session_wire, &session);
	start.accept = session.accept = (uint8_t)(round % 3);
	msg_put_server_start(start_wire, &start);
	msg_put_accept_session(session_wire, &session);
	msg_get_server_start(start_wire, &start_back);
	msg_get_accept_session(session_wire, &session_back);
	if (start.accept != 0) {
		start.start_time = 0;
		memset(start.server_iv, 0, sizeof(start.server_iv));
		session.port = 0;
		memset(session.sid, 0, sizeof(session.sid));
	}
	ck_assert_uint_eq(start_back.accept, start.accept);
	ck_assert_uint_eq(start_back.start_time, start.start_time);
	ck_assert_mem_eq(start_back.server_iv, start.server_iv, sizeof(start.server_iv));
	ck_assert_uint_eq(session_back.accept, session.accept);
	ck_assert_uint_eq(session_back.port, session.port);
	ck_assert_mem_eq(session_back.sid, session.sid, sizeof(session.sid));
	ck_assert_uint_eq(session_back.reflected_octets, session.reflected_octets);
	ck_assert_uint_eq(session_back.server_octets, session.server_octets);
}

START_TEST(round_trips)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		round_trip_greeting();
		round_trip_setup();
		round_trip_request();
		round_trip_stop();
		round_trip_n();
		round_trip_refusable(round);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("msg-random");
	TCase *tc = tcase_create("msg-random");
	SRunner *runner;
	int failed;

	seed = seed_start();
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, round_trips);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
