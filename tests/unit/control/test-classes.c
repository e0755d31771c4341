// SPDX-License-Identifier: BSD-2-Clause
/* Classes of clients: their limits, quotas and policies, and the code of a full table. */
#include "tests/unit/control/rows.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define OFFERED \
	{ \
		TALK_OPENED, 0, NULL, "$greeting.modes_0x3f", "GREETED" \
	}
#define DERIVE \
	{ \
		TALK_SAY, 0, "$setup.mode4", NULL, "DERIVING +derive" \
	}

/* --- the decisions -------------------------------------------------------------------- */

static struct policy policy;
static struct admit_total total;
static struct admit_class red, blue;
static struct admit_client one, other;

static void reset(void)
{
	policy = (struct policy){
		.max_connections = 2,
		.max_connections_per_client = 8,
		.max_sessions = 2,
		.max_sessions_per_client = 8,
		.max_sessions_per_connection = 8,
	};
	total = (struct admit_total){ .max_connections = 5, .max_sessions = 5 };
	red = blue = (struct admit_class){ 0 };
	admit_client_init(&one, (struct mono){ 0 });
	admit_client_init(&other, (struct mono){ 0 });
}

static enum reason connect_to(struct admit_class *k, struct admit_client *c)
{
	return admit_connection(&total, k, c, &policy);
}

static enum reason open_in(struct admit_class *k, struct admit_client *c)
{
	return admit_session(&total, k, c, &policy, 0, true);
}

/* over all clients of the class, and of no other; the server's limit is above all. */
START_TEST(connections)
{
	ck_assert_int_eq(connect_to(&red, &one), REASON_OK);
	ck_assert_int_eq(connect_to(&red, &other), REASON_OK);
	ck_assert_int_eq(connect_to(&red, &one), REASON_MAX_CONNECTIONS_PER_CLASS);
	ck_assert_int_eq(connect_to(&red, &other), REASON_MAX_CONNECTIONS_PER_CLASS);
	ck_assert_int_eq(connect_to(&blue, &one), REASON_OK);
	ck_assert_int_eq(connect_to(&blue, &one), REASON_OK);
	ck_assert_int_eq(connect_to(NULL, &one), REASON_OK); /* a stranger */
	ck_assert_int_eq(connect_to(NULL, &one), REASON_MAX_CONNECTIONS);
	ck_assert_int_eq(connect_to(&red, &one), REASON_MAX_CONNECTIONS);
	ck_assert_uint_eq(red.connections, 2);
	ck_assert_uint_eq(blue.connections, 2);
	ck_assert_uint_eq(total.connections, 5);
	admit_connection_end(&total, NULL, &one);
	ck_assert_int_eq(connect_to(&blue, &one), REASON_MAX_CONNECTIONS_PER_CLASS);
	admit_connection_end(&total, &blue, &one);
	ck_assert_int_eq(connect_to(&blue, &other), REASON_OK);
	admit_connection_end(&total, &red, &one);
	admit_connection_end(&total, &red, &other);
	admit_connection_end(&total, &blue, &one);
	admit_connection_end(&total, &blue, &other);
	ck_assert_uint_eq(red.connections + blue.connections + total.connections, 0);
	ck_assert_uint_eq(one.connections + other.connections, 0);
}
END_TEST

/* */
START_TEST(sessions)
{
	ck_assert_int_eq(open_in(&red, &one), REASON_OK);
	ck_assert_int_eq(open_in(&red, &other), REASON_OK);
	ck_assert_int_eq(open_in(&red, &one), REASON_MAX_SESSIONS_PER_CLASS);
	policy.max_sessions = 9;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(open_in(&blue, &one), REASON_OK);
	}
	ck_assert_int_eq(open_in(&blue, &one), REASON_MAX_SESSIONS);
	ck_assert_uint_eq(red.sessions, 2);
	ck_assert_uint_eq(blue.sessions, 3);
	admit_session_end(&total, &red, &one);
	ck_assert_uint_eq(red.sessions, 1);
	ck_assert_int_eq(open_in(&red, &one), REASON_OK);
}
END_TEST

/* A quota of zero is no full table; the refusal counts nothing. */
START_TEST(quota)
{
	policy.max_connections = policy.max_sessions = 0;
	ck_assert_int_eq(connect_to(&red, &one), REASON_CLASS_QUOTA);
	ck_assert_int_eq(open_in(&red, &one), REASON_CLASS_QUOTA);
	ck_assert_int_eq(connect_to(NULL, &one), REASON_OK); /* no class yet, no quota of it */
	ck_assert_int_eq(admit_connection_move(NULL, &red, &one, &policy), REASON_CLASS_QUOTA);
	ck_assert_uint_eq(red.connections + red.sessions, 0);
	ck_assert_int_eq(reason_info(REASON_CLASS_QUOTA)->code, ACCEPT_PERMANENT);
	total.limits_temporary = true;
	ck_assert_int_eq(admit_code(&total, REASON_CLASS_QUOTA), ACCEPT_PERMANENT);
}
END_TEST

/* A key may bring another class: the connection is counted there, if there is room. */
START_TEST(move)
{
	ck_assert_int_eq(connect_to(&red, &one), REASON_OK);
	ck_assert_int_eq(admit_connection_move(&red, &red, &one, &policy), REASON_OK);
	ck_assert_uint_eq(red.connections, 1);
	ck_assert_int_eq(admit_connection_move(&red, &blue, &one, &policy), REASON_OK);
	ck_assert_uint_eq(red.connections, 0);
	ck_assert_uint_eq(blue.connections, 1);
	ck_assert_int_eq(connect_to(NULL, &one), REASON_OK);
	ck_assert_int_eq(admit_connection_move(NULL, &blue, &one, &policy), REASON_OK);
	ck_assert_uint_eq(blue.connections, 2);
	ck_assert_int_eq(connect_to(&red, &one), REASON_OK);
	ck_assert_int_eq(admit_connection_move(&red, &blue, &one, &policy),
			 REASON_MAX_CONNECTIONS_PER_CLASS);
	ck_assert_uint_eq(red.connections, 1);
	ck_assert_uint_eq(blue.connections, 2);
	ck_assert_uint_eq(total.connections, 3);
	/* three of this client are one too many for the class, two are not */
	policy.max_connections = 9;
	policy.max_connections_per_client = 2;
	ck_assert_int_eq(admit_connection_move(&red, &blue, &one, &policy),
			 REASON_MAX_CONNECTIONS_PER_CLIENT);
	admit_connection_end(&total, &blue, &one);
	ck_assert_int_eq(admit_connection_move(&red, &blue, &one, &policy), REASON_OK);
	ck_assert_uint_eq(blue.connections, 2);
}
END_TEST

/* the burst, then the rate; of each client by itself. */
START_TEST(dial)
{
	struct mono now = { 7 * S };

	for (int i = 0; i < 100; i++) {
		ck_assert(admit_dial(&one, &policy, now)); /* no rate is set */
	}
	policy.connection_rate = 2;
	policy.connection_burst = 3;
	for (int i = 0; i < 3; i++) {
		ck_assert(admit_dial(&one, &policy, now));
	}
	ck_assert(!admit_dial(&one, &policy, now));
	ck_assert(admit_dial(&other, &policy, now));
	ck_assert(admit_request(&one, &policy, now)); /* another bucket */
	ck_assert(!admit_client_idle(&one, now)); /* worth keeping */
	now.ns += S / 2 - 1;
	ck_assert(!admit_dial(&one, &policy, now));
	now.ns += 1;
	ck_assert(admit_dial(&one, &policy, now));
	ck_assert(!admit_dial(&one, &policy, now));
	now.ns += 3 * S / 2;
	ck_assert(admit_client_idle(&one, now));
	ck_assert_int_eq(reason_info(REASON_CONNECTION_RATE)->code, ACCEPT_TEMPORARY);
}
END_TEST

/* S-1: every reason but those of full tables keeps its code. */
START_TEST(codes)
{
	static const enum reason tables[] = {
		REASON_MAX_CONNECTIONS,
		REASON_MAX_CONNECTIONS_PER_CLASS,
		REASON_MAX_SESSIONS,
		REASON_MAX_CONNECTIONS_PER_CLIENT,
		REASON_MAX_SESSIONS_PER_CLASS,
		REASON_MAX_SESSIONS_PER_CLIENT,
		REASON_NO_PORT,
		REASON_MAX_SESSIONS_PER_CONNECTION,
	};

	for (int r = 0; r < REASON_COUNT; r++) {
		enum accept_code own = reason_info((enum reason)r)->code;
		bool table = false;

		for (int i = 0; i < COUNT(tables); i++) {
			table |= tables[i] == (enum reason)r;
		}
		total.limits_temporary = false;
		ck_assert_int_eq(admit_code(&total, (enum reason)r), own);
		total.limits_temporary = true;
		ck_assert_int_eq(admit_code(&total, (enum reason)r),
				 table ? ACCEPT_TEMPORARY : own);
		ck_assert(!table || own == ACCEPT_PERMANENT);
	}
}
END_TEST

/* --- conversations -------------------------------------------------------------------- */

static struct talk t;

static void start(void)
{
	talk_init(&t);
	t.own_total = true;
	t.total.max_connections = t.total.max_sessions = 100;
}

static void finish(void)
{
	talk_end(&t);
}

/* R-009 R-120: refused in Server-Start, with the class's own reason, and nothing is counted. */
START_TEST(connection_refused)
{
	static const struct talk_row full[] = {
		HELLO, REFUSED_CONNECTION("04", "max-connections-per-class"), END_ROW
	};
	static const struct talk_row temporary[] = {
		HELLO, REFUSED_CONNECTION("05", "max-connections-per-class"), END_ROW
	};
	static const struct talk_row none[] = { HELLO, REFUSED_CONNECTION("04", "class-quota"),
						END_ROW };
	static const struct talk_row *const all[] = { full, temporary, none };

	t.class.connections = t.policy.max_connections = 4;
	t.total.limits_temporary = _i == 1;
	if (_i == 2) {
		t.policy.max_connections = 0;
	}
	talk_run(&t, all[_i]);
	ck_assert_uint_eq(t.class.connections, 4);
	ck_assert_uint_eq(t.total.connections, 0);
	t.class.connections = 0;
}
END_TEST

/* The place that is free when Set-Up-Response comes counts. R-009 */
START_TEST(connection_let_in_later)
{
	static const struct talk_row hello[] = { HELLO, END_ROW };
	static const struct talk_row setup[] = { SETUP, END_ROW };

	t.class.connections = t.policy.max_connections = 4;
	talk_run(&t, hello);
	t.class.connections = 3;
	talk_run(&t, setup);
	ck_assert_uint_eq(t.class.connections, 4);
	t.class.connections = 1; /* its own */
}
END_TEST

/* */
START_TEST(dialed_too_fast)
{
	static const struct talk_row rows[] = { HELLO, REFUSED_CONNECTION("05", "connection-rate"),
						END_ROW };
	static const struct talk_row good[] = { HELLO, SETUP, END_ROW };

	t.policy.connection_rate = 1;
	t.policy.connection_burst = 1;
	t.client.dialed.ns = t.now.ns + 1; /* less than a token is there */
	talk_run(&t, rows);
	talk_end(&t);
	start();
	t.policy.connection_rate = 1;
	t.policy.connection_burst = 1;
	talk_run(&t, good);
}
END_TEST

/* */
START_TEST(request_refused)
{
	static const struct talk_row opened[] = { HELLO, SETUP, SESSION, END_ROW };
	static const struct talk_row full[] = { REFUSE(REQUEST_0, "04", "max-sessions-per-class/0"),
						END_ROW };
	static const struct talk_row temporary[] = {
		REFUSE(REQUEST_0, "05", "max-sessions-per-class/0"), END_ROW
	};
	static const struct talk_row none[] = { REFUSE(REQUEST_0, "04", "class-quota/0"), END_ROW };
	static const struct talk_row no_port[] = {
		REQUEST,
		{ TALK_DENIED, REASON_NO_PORT, NULL, "05 00*47",
		  "READY refused-request=no-port/0" },
		END_ROW,
	};

	talk_run(&t, opened);
	t.policy.max_sessions = 1;
	talk_run(&t, full);
	t.total.limits_temporary = true;
	talk_run(&t, temporary);
	t.policy.max_sessions = 0;
	talk_run(&t, none);
	t.policy.max_sessions = 2;
	talk_run(&t, no_port);
	ck_assert_uint_eq(t.class.sessions, 1);
}
END_TEST

static const struct {
	uint64_t dscp_allowed;
	uint32_t third_party;
	struct talk_row row;
} requests[] = {
	/* 46 of the vector; zero of one without */
	{ UINT64_C(1) << 46, 0, REQUEST },
	{ ~(UINT64_C(1) << 46), 0, REFUSE("$req.v4.plain_unauth", "03", "dscp/46") },
	{ 1, 0, REFUSE("$req.v4.plain_unauth", "03", "dscp/46") },
	{ 1, 0, { TALK_SAY, 0, REQUEST_0, NULL, "OPENING +open" } },
	{ UINT64_C(1) << 46, 0, REFUSE(REQUEST_0, "03", "dscp/0") },
	/* the highest */
	{ UINT64_C(1) << 63,
	  0,
	  { TALK_SAY, 0, "05040000 00*8 9c400000 00*68 3f000000 00*24", NULL, "OPENING +open" } },
	/* allowed, but never to where no packet may go */
	{ UINT64_MAX, 0,
	  REFUSE("05040000 00*8 9c400000 c6336401 00*92", "01", "policy-address/0") },
	{ UINT64_MAX,
	  1,
	  { TALK_SAY, 0, "05040000 00*8 9c400000 c6336401 00*92", NULL, "OPENING +open" } },
	{ UINT64_MAX, 1,
	  REFUSE("05040000 00*8 9c400000 e0000001 00*92", "03", "sender-address/0") },
	/* 3 before 1 */
	{ 2, 0, REFUSE("05040000 00*8 9c400000 c6336401 00*92", "03", "dscp/0") },
};

START_TEST(policies)
{
	static const struct talk_row opened[] = { HELLO, SETUP, END_ROW };
	const struct talk_row rows[] = { requests[_i].row, END_ROW };

	t.policy.dscp_allowed = requests[_i].dscp_allowed;
	t.policy.third_party = requests[_i].third_party;
	talk_run(&t, opened);
	talk_run(&t, rows);
	if (requests[_i].third_party && t.control.state == CONTROL_OPENING) {
		ck_assert_mem_eq(control_spec(&t.control)->remote.ip, "\306\063\144\001", 4);
	}
}
END_TEST

/* What the reflector is told to police by. */
START_TEST(rates_of_a_session)
{
	static const struct talk_row opened[] = { HELLO, SETUP, REQUEST, END_ROW };

	t.policy.packet_rate = 11;
	t.policy.octet_rate = 12;
	talk_run(&t, opened);
	ck_assert_uint_eq(control_spec(&t.control)->packet_rate, 11);
	ck_assert_uint_eq(control_spec(&t.control)->octet_rate, 12);
}
END_TEST

/* --- a key brings the class ----------------------------------------------------------- */

static struct admit_class keyed;

static void offer(void)
{
	start();
	keyed = (struct admit_class){ 0 };
	talk_offer(&t, 0x3f);
}

static void offered_finish(void)
{
	t.control.class = &keyed;
	talk_end(&t);
	ck_assert_uint_eq(t.class.connections, 0);
}

/* As the server does it: the class of the address, and then the class of the key. */
static void derive(struct admit_class *first)
{
	static const struct talk_row before[] = { OFFERED, DERIVE, END_ROW };

	t.control.class = first;
	talk_run(&t, before);
	ck_assert_uint_eq(t.total.connections, 1);
	t.control.class = &keyed;
}

START_TEST(key_moves)
{
	static const struct talk_row ready[] = {
		{ TALK_KEY, 0, NULL, "$serverstart.enc.plain", "READY established=4" },
		SESSION,
		END_ROW,
	};

	derive(_i ? &t.class : NULL); /* or a stranger's */
	ck_assert_uint_eq(t.class.connections, _i ? 1 : 0);
	talk_run(&t, ready);
	ck_assert_uint_eq(t.class.connections, 0);
	ck_assert_uint_eq(t.class.sessions, 0);
	ck_assert_uint_eq(keyed.connections, 1);
	ck_assert_uint_eq(keyed.sessions, 1);
	ck_assert_uint_eq(t.total.connections, 1);
}
END_TEST

static const struct {
	uint32_t held, limit, per_client;
	struct talk_row row;
} key_refusals[] = {
#define KEY_REFUSED(accept, reason) \
	{ \
		TALK_KEY, 0, NULL, "00*15 " accept " 00*32", \
			"CLOSING +close refused-connection=" reason "/4 closed=refused" \
	}
	{ 3, 3, 8, KEY_REFUSED("04", "max-connections-per-class") },
	{ 0, 0, 8, KEY_REFUSED("04", "class-quota") },
	{ 0, 3, 0, KEY_REFUSED("04", "max-connections-per-client") },
};

/* Who has the key has still no more than its class. */
START_TEST(key_does_not_move)
{
	const struct talk_row rows[] = { key_refusals[_i].row, END_ROW };

	derive(&t.class);
	keyed.connections = key_refusals[_i].held;
	t.policy.max_connections = key_refusals[_i].limit;
	t.policy.max_connections_per_client = key_refusals[_i].per_client;
	talk_run(&t, rows);
	ck_assert_uint_eq(keyed.connections, key_refusals[_i].held);
	ck_assert_uint_eq(t.class.connections, 0);
	ck_assert_uint_eq(t.total.connections, 0);
	keyed.connections = 0;
}
END_TEST

static TCase *key_cases(void)
{
	TCase *keys = tcase_create("keys");

	tcase_add_checked_fixture(keys, offer, offered_finish);
	tcase_add_loop_test(keys, key_moves, 0, 2);
	tcase_add_loop_test(keys, key_does_not_move, 0, COUNT(key_refusals));
	return keys;
}

int main(void)
{
	Suite *suite = suite_create("classes");
	TCase *decisions = tcase_create("decisions"), *talks = tcase_create("conversations");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(decisions, reset, NULL);
	tcase_add_test(decisions, connections);
	tcase_add_test(decisions, sessions);
	tcase_add_test(decisions, quota);
	tcase_add_test(decisions, move);
	tcase_add_test(decisions, dial);
	tcase_add_test(decisions, codes);
	tcase_add_checked_fixture(talks, start, finish);
	tcase_add_loop_test(talks, connection_refused, 0, 3);
	tcase_add_test(talks, connection_let_in_later);
	tcase_add_test(talks, dialed_too_fast);
	tcase_add_test(talks, request_refused);
	tcase_add_loop_test(talks, policies, 0, COUNT(requests));
	tcase_add_test(talks, rates_of_a_session);
	suite_add_tcase(suite, decisions);
	suite_add_tcase(suite, talks);
	suite_add_tcase(suite, key_cases());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
