// SPDX-License-Identifier: BSD-2-Clause
/* What a request or a connection is refused for although nothing is wrong with it. */
#include "tests/unit/control/rows.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static struct talk t;

static void start(void)
{
	talk_init(&t);
}

static void finish(void)
{
	talk_end(&t);
}

static void run(const struct talk_row *rows)
{
	talk_run(&t, rows);
}

/* at the limit; what ended makes room, what is stopping does not */
START_TEST(max_sessions)
{
	static const struct talk_row opened[] = { OPENED, SESSION, END_ROW };
	static const struct {
		size_t at;
		const struct talk_row rows[2];
	} limits[] = {
		{ offsetof(struct policy, max_sessions),
		  { REFUSE(REQUEST_0, "04", "max-sessions/0"), END_ROW } },
		{ offsetof(struct policy, max_sessions_per_client),
		  { REFUSE(REQUEST_0, "04", "max-sessions-per-client/0"), END_ROW } },
		{ offsetof(struct policy, max_sessions_per_connection),
		  { REFUSE(REQUEST_0, "04", "max-sessions-per-connection/0"), END_ROW } },
	};
	static const struct talk_row stopped[] = { STARTED, STOPPED, END_ROW };
	static const struct talk_row ended[] = { { TALK_ENDED, 0, NULL, NULL, "READY" },
						 OPEN1,
						 END_ROW };

	run(opened);
	memcpy((char *)&t.policy + limits[_i].at, &(uint32_t){ 1 }, sizeof(uint32_t));
	run(limits[_i].rows);
	run(stopped);
	run(limits[_i].rows);
	run(ended);
}
END_TEST

/* */
START_TEST(load)
{
	static const struct talk_row opened[] = { OPENED, END_ROW };
	static const struct talk_row draining[] = { REFUSE(REQUEST_0, "05", "draining/0"),
						    END_ROW };
	static const struct talk_row memory[] = { REFUSE(REQUEST_0, "05", "memory-low/0"),
						  END_ROW };
	static const struct talk_row fds[] = { REFUSE(REQUEST_0, "05", "descriptors-low/0"),
					       END_ROW };
	static const struct talk_row cpu[] = { REFUSE(REQUEST_0, "05", "cpu-load/0"), END_ROW };
	static const struct talk_row session[] = { SESSION, END_ROW };

	run(opened);
	t.total.cpu_load = true;
	run(cpu);
	t.total.descriptors_low = true;
	run(fds);
	t.total.memory_low = true;
	run(memory);
	t.total.draining = true;
	run(draining);
	t.total.draining = t.total.memory_low = t.total.descriptors_low = t.total.cpu_load = false;
	run(session);
}
END_TEST

/* every request costs a token, also one that is refused for something else */
START_TEST(rate)
{
	static const struct talk_row rows[] = {
		OPENED,
		REFUSE("05050000 00*108", "03", "ip-version/5"),
		SESSION,
		REFUSE(REQUEST_0, "05", "rate-limit/0"),
		REFUSE("05050000 00*108", "03", "ip-version/5"),
		{ TALK_WAIT, S - 1, NULL, NULL, "READY" },
		REFUSE(REQUEST_0, "05", "rate-limit/0"),
		{ TALK_WAIT, 1, NULL, NULL, "READY" },
		OPEN1,
		END_ROW,
	};

	t.policy.request_rate = 1;
	t.policy.request_burst = 2;
	run(rows);
}
END_TEST

/* 3, 1, 4, 5 and then the port; of what is wrong the first is said */
START_TEST(order)
{
	static const struct talk_row opened[] = { OPENED, END_ROW };
	static const struct talk_row third[] = {
		REFUSE("05040001 00*8 9c400000 c6336401 00*92", "03", "conf-fields/1"), END_ROW
	};
	static const struct talk_row first[] = {
		REFUSE("05040000 00*8 9c400000 c6336401 00*92", "01", "policy-address/0"), END_ROW
	};
	static const struct talk_row fourth[] = { REFUSE(REQUEST_0, "04", "max-sessions/0"),
						  END_ROW };
	static const struct talk_row fifth[] = { REFUSE(REQUEST_0, "05", "draining/0"), END_ROW };

	run(opened);
	t.policy.max_sessions = 0;
	t.total.draining = true;
	run(third);
	run(first);
	run(fourth);
	t.policy.max_sessions = 1;
	run(fifth);
}
END_TEST

/* R-084 R-086: over IPv6 */
START_TEST(ipv6)
{
	static const struct talk_row rows[] = {
		OPENED,
		{ TALK_SAY, 0, "$req.v6.plain_unauth", NULL, "OPENING +open" },
		{ TALK_READY, 0xc351, NULL, "0000c351 " SID0 " 00*28", "READY accepted#0" },
		REFUSE("$req.v4.plain_unauth", "01", "policy-address/0"),
		{ TALK_SAY, 0, REQUEST_0, NULL, "OPENING +open" }, /* */
		{ TALK_READY, 0xc352, NULL, "0000c352 " SID1 " 00*28", "READY accepted#1" },
		END_ROW,
	};

	talk_init_v6(&t);
	run(rows);
	ck_assert_uint_eq(t.sessions[0].spec.remote.port, 40001);
	ck_assert_uint_eq(t.sessions[0].spec.local.ip[15], 0x10);
	ck_assert_uint_eq(t.sessions[1].spec.local.family, 6); /* IPVN 4 */
	ck_assert_uint_eq(t.sessions[1].spec.local.ip[15], 0x10);
	ck_assert_uint_eq(t.sessions[1].spec.remote.ip[15], 0x07);
}
END_TEST

/* --- connections ----------------------------------------------------------------------- */

#define TOO_MANY(accept, reason) HELLO, REFUSED_CONNECTION(accept, reason)

/* R-009 R-018 R-120: the Greeting is ordinary, the code is in Server-Start */
START_TEST(connection_limits)
{
	static const struct talk_row total[] = { TOO_MANY("04", "max-connections"), END_ROW };
	static const struct talk_row client[] = { TOO_MANY("04", "max-connections-per-client"),
						  END_ROW };

	t.total.connections = 4;
	talk_run(&t, total);
	ck_assert_uint_eq(t.total.connections, 4);
	talk_init(&t);
	t.total.connections = t.client.connections = 3;
	talk_run(&t, client);
	ck_assert_uint_eq(t.client.connections, 3);
	t.total.connections = t.client.connections = 0;
}
END_TEST

/* R-009 R-121 */
START_TEST(connection_load)
{
	static const struct talk_row draining[] = { TOO_MANY("05", "draining"), END_ROW };
	static const struct talk_row memory[] = { TOO_MANY("05", "memory-low"), END_ROW };

	t.total.draining = true;
	talk_run(&t, draining);
	talk_init(&t);
	t.total.memory_low = true;
	talk_run(&t, memory);
}
END_TEST

/* who was over the limit when it came and is not when it asks, is let in */
START_TEST(limit_passes)
{
	static const struct talk_row greeted[] = { HELLO, END_ROW };
	static const struct talk_row setup[] = { SETUP, END_ROW };

	t.total.connections = 4;
	talk_run(&t, greeted);
	ck_assert_uint_eq(t.total.connections, 4);
	t.total.connections = 0;
	talk_run(&t, setup);
	ck_assert_uint_eq(t.total.connections, 1);
	ck_assert_uint_eq(t.client.connections, 1);
}
END_TEST

/* a connection counts from its Greeting to its end, once */
START_TEST(connection_is_counted)
{
	static const struct talk_row greeted[] = { HELLO, END_ROW };
	static const struct talk_row setup[] = { SETUP, END_ROW };
	static const struct talk_row gone[] = { { TALK_GONE, 0, NULL, NULL,
						  "CLOSING +close closed=peer" },
						{ TALK_GONE, 0, NULL, NULL, "CLOSING" },
						{ TALK_SHUTDOWN, 0, NULL, NULL, "CLOSING" },
						END_ROW };

	talk_run(&t, greeted);
	ck_assert_uint_eq(t.total.connections, 1);
	talk_run(&t, setup);
	ck_assert_uint_eq(t.total.connections, 1);
	ck_assert_uint_eq(t.client.connections, 1);
	talk_run(&t, gone);
	ck_assert_uint_eq(t.total.connections, 0);
	ck_assert_uint_eq(t.client.connections, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("limits");
	TCase *tc = tcase_create("limits");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, start, finish);
	tcase_add_loop_test(tc, max_sessions, 0, 3);
	tcase_add_test(tc, load);
	tcase_add_test(tc, rate);
	tcase_add_test(tc, order);
	tcase_add_test(tc, ipv6);
	tcase_add_test(tc, connection_load);
	tcase_add_test(tc, connection_limits);
	tcase_add_test(tc, connection_is_counted);
	tcase_add_test(tc, limit_passes);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
