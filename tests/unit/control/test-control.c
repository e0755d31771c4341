// SPDX-License-Identifier: BSD-2-Clause
/* Handshake, timers and ends of a connection, as conversations. */
#include "tests/unit/control/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_PART "05040000 00*12" /* the first block */

static struct talk t;

static void start(void)
{
	talk_init(&t);
}

static void finish(void)
{
	talk_end(&t);
}

/* --- handshake ------------------------------------------------------------------------ */

/* R-002 R-004 R-005 R-006 R-007: all of it from the randomness given, at once */
TALK(greeting, HELLO);

/* R-012 R-014 R-019 */
TALK(handshake, HELLO, SETUP);

/* KeyID, Token and IV are not looked at */
TALK(setup_filled, HELLO,
     { TALK_SAY, 0, "00000001 ff*160", "$serverstart.mode1", "READY established=1" });

/* */
TALK(mode_zero, HELLO, { TALK_SAY, 0, "$setup.mode0", NULL, "CLOSING +close closed=mode-zero" });
TALK(mode_zero_filled, HELLO,
     { TALK_SAY, 0, "00000000 ff*160", NULL, "CLOSING +close closed=mode-zero" });

#define REJECTED(mode, number, reason) \
	{ \
		TALK_SAY, 0, mode " 00*160", "$serverstart.reject3", \
			"CLOSING +close refused-connection=" reason "/" number " closed=refused" \
	}

/* R-040 R-018 */
TALK(mode_two, HELLO, REJECTED("00000003", "3", "mode-multiple"));
TALK(mode_all, HELLO, REJECTED("0000000f", "15", "mode-multiple"));
/* */
TALK(mode_none, HELLO, REJECTED("00000010", "16", "mode-multiple"));
TALK(mode_none_unassigned, HELLO, REJECTED("80000000", "2147483648", "mode-multiple"));
/* */
TALK(mode_2, HELLO, REJECTED("00000002", "2", "mode-not-offered"));
TALK(mode_4, HELLO, REJECTED("00000004", "4", "mode-not-offered"));
TALK(mode_8, HELLO, REJECTED("00000008", "8", "mode-not-offered"));
/* */
TALK(feature_16, HELLO, REJECTED("00000011", "17", "feature-not-offered"));
TALK(feature_32, HELLO, REJECTED("00000021", "33", "feature-not-offered"));
TALK(feature_64, HELLO, REJECTED("00000041", "65", "feature-not-offered"));
TALK(feature_256, HELLO, REJECTED("00000101", "257", "feature-not-offered"));
TALK(feature_512, HELLO, REJECTED("00000201", "513", "feature-not-offered"));
/* */
TALK(ikev2, HELLO, REJECTED("00000081", "129", "feature-not-offered"));
/* */
TALK(unassigned, HELLO,
     { TALK_SAY, 0, "80000001 00*160", "$serverstart.mode1", "READY established=2147483649" });

/* what is offered, and R-045: only what is known is selected */
START_TEST(features)
{
	static const struct talk_row rows[] = {
		{ TALK_OPENED, 0, NULL,
		  "00*12 00000041 101112131415161718191a1b1c1d1e1f 000102030405060708090a0b0c0d0e0f"
		  " 00008000 00*12",
		  "GREETED" },
		{ TALK_SAY, 0, "fffffc41 00*160", "$serverstart.mode1",
		  "READY established=4294966337" },
		END_ROW,
	};

	t.policy.features = MODE_SYMMETRICAL_SIZE;
	talk_run(&t, rows);
	ck_assert_uint_eq(t.control.modes, 0x41); /* */
}
END_TEST

/* What is offered is what the Greeting said, also if a reload changes it meanwhile. */
START_TEST(offer_is_kept)
{
	static const struct talk_row greeted[] = { HELLO, END_ROW };
	static const struct talk_row refused[] = {
		REJECTED("00000011", "17", "feature-not-offered"), END_ROW
	};

	talk_run(&t, greeted);
	t.policy.features = MODE_INDIVIDUAL_CONTROL;
	talk_run(&t, refused);
}
END_TEST

/* --- timers: one nanosecond before, and at -------------------------------------------- */

/* octets that are no whole Set-Up-Response do not help */
TALK(handshake_timer, HELLO, { TALK_WAIT, 30 * S - 1, NULL, NULL, "GREETED" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close closed=handshake" });
TALK(handshake_slow, HELLO, { TALK_WAIT, 29 * S, NULL, NULL, "GREETED" },
     { TALK_PART, 0, NULL, NULL, "GREETED" }, { TALK_WAIT, S - 1, NULL, NULL, "GREETED" },
     { TALK_PART, 0, NULL, NULL, "GREETED" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close closed=handshake" });
TALK(handshake_over, HELLO, { TALK_WAIT, 30 * S - 1, NULL, NULL, "GREETED" }, SETUP,
     { TALK_WAIT, 2, NULL, NULL, "READY" });

/* */
TALK(servwait, HELLO, SETUP, { TALK_WAIT, 900 * S - 1, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close closed=servwait" });
/* any octet restarts it; then the message that it began has its own time */
TALK(servwait_octet, HELLO, SETUP, { TALK_WAIT, 900 * S - 1, NULL, NULL, "READY" }, SESSION,
     { TALK_WAIT, 900 * S - 1, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close end#0 closed=servwait" });
/* R-169 R-161: not while a test runs, however long; again from Stop-Sessions on */
TALK(servwait_active, ACTIVE, { TALK_WAIT, 7 * 86400 * S, NULL, NULL, "ACTIVE" }, STOPPED,
     { TALK_WAIT, 900 * S - 1, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close closed=servwait" });
/* R-169 R-170 R-171: REFWAIT of all sessions lets it run again, of some does not */
TALK(servwait_refwait, HELLO, SETUP, SESSION, OPEN1,
     { TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#0 start#1" },
     { TALK_STARTED, 0, NULL, "$startack.unauth.ok", "ACTIVE started=2" },
     { TALK_WAIT, 900 * S, NULL, NULL, "ACTIVE" }, { TALK_ENDED, 1, NULL, NULL, "ACTIVE" },
     { TALK_WAIT, 900 * S, NULL, NULL, "ACTIVE" }, { TALK_ENDED, 0, NULL, NULL, "READY" },
     { TALK_WAIT, 900 * S - 1, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close closed=servwait" });

/* RFC 4656 3: from the first octet of a message to its last */
TALK(message_octet, HELLO, SETUP, { TALK_WAIT, 5 * S, NULL, NULL, "READY" },
     { TALK_PART, 0, NULL, NULL, "READY" }, { TALK_WAIT, 59 * S, NULL, NULL, "READY" },
     { TALK_PART, 0, NULL, NULL, "READY" }, { TALK_WAIT, S - 1, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close closed=message" });
TALK(message_block, HELLO, SETUP, { TALK_SAY, 0, REQUEST_PART, NULL, "READY" },
     { TALK_WAIT, 60 * S - 1, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close closed=message" });
TALK(message_octet_block, HELLO, SETUP, { TALK_PART, 0, NULL, NULL, "READY" },
     { TALK_WAIT, 30 * S, NULL, NULL, "READY" }, { TALK_SAY, 0, REQUEST_PART, NULL, "READY" },
     { TALK_WAIT, 30 * S - 1, NULL, NULL, "READY" }, { TALK_PART, 0, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close closed=message" });
/* the next message has its own time */
TALK(message_over, HELLO, SETUP, { TALK_PART, 0, NULL, NULL, "READY" },
     { TALK_WAIT, 60 * S - 1, NULL, NULL, "READY" }, SESSION, { TALK_PART, 0, NULL, NULL, "READY" },
     { TALK_WAIT, 60 * S - 1, NULL, NULL, "READY" },
     { TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#0" },
     { TALK_STARTED, 0, NULL, "$startack.unauth.ok", "ACTIVE started=1" },
     { TALK_WAIT, 60 * S, NULL, NULL, "ACTIVE" });
/* also while a test runs: a half message ends it */
TALK(message_active, ACTIVE, { TALK_PART, 0, NULL, NULL, "ACTIVE" },
     { TALK_WAIT, 60 * S - 1, NULL, NULL, "ACTIVE" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close end#0 closed=message" });

/* The send stall: nothing is read while answers are stuck, and then it is given up. */
TALK(stall, HELLO, SETUP, { TALK_BLOCKED, 0, NULL, NULL, "READY" },
     { TALK_WAIT, 10 * S, NULL, NULL, "READY" }, { TALK_BLOCKED, 0, NULL, NULL, "READY" },
     { TALK_WAIT, 20 * S - 1, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "DEAD +close +abort closed=stall" });
TALK(stall_flushed, HELLO, SETUP, { TALK_BLOCKED, 0, NULL, NULL, "READY" },
     { TALK_WAIT, 30 * S - 1, NULL, NULL, "READY" }, { TALK_FLUSHED, 0, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "READY" }, { TALK_BLOCKED, 0, NULL, NULL, "READY" },
     { TALK_WAIT, 30 * S - 1, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "DEAD +close +abort closed=stall" });
TALK(stall_active, ACTIVE, { TALK_BLOCKED, 0, NULL, NULL, "ACTIVE" },
     { TALK_WAIT, 30 * S, NULL, NULL, "DEAD +close +abort end#0 closed=stall" });
/* the last answers get no more time than others */
TALK(stall_closing, HELLO, SETUP, { TALK_BLOCKED, 0, NULL, NULL, "READY" },
     { TALK_WAIT, S, NULL, NULL, "READY" },
     { TALK_GONE, 0, NULL, NULL, "CLOSING +close closed=peer" },
     { TALK_WAIT, 29 * S - 1, NULL, NULL, "CLOSING" }, { TALK_WAIT, 1, NULL, NULL, "DEAD +abort" },
     { TALK_GONE, 0, NULL, NULL, "DEAD" }, { TALK_SHUTDOWN, 0, NULL, NULL, "DEAD" },
     { TALK_WAIT, 9999 * S, NULL, NULL, "DEAD" });
TALK(stall_greeting, HELLO, { TALK_BLOCKED, 0, NULL, NULL, "GREETED" },
     { TALK_WAIT, 30 * S, NULL, NULL, "DEAD +close +abort closed=stall" });

START_TEST(blocked_wants_nothing)
{
	static const struct talk_row rows[] = { HELLO,
						{ TALK_BLOCKED, 0, NULL, NULL, "GREETED" },
						END_ROW };
	static const struct talk_row more[] = { { TALK_FLUSHED, 0, NULL, NULL, "GREETED" },
						END_ROW };

	talk_run(&t, rows);
	ck_assert_uint_eq(control_want(&t.control), 0);
	talk_run(&t, more);
	ck_assert_uint_eq(control_want(&t.control), MSG_SETUP_LEN);
}
END_TEST

/* A reload counts for timers that are running, also for those that are over by it. */
START_TEST(timers_are_policy)
{
	static const struct talk_row before[] = { HELLO, SETUP, END_ROW };
	static const struct talk_row after[] = { { TALK_POLICY, 0, NULL, NULL, "READY" },
						 { TALK_WAIT, 2 * S - 1, NULL, NULL, "READY" },
						 END_ROW };
	static const struct talk_row shorter[] = { { TALK_POLICY, 0, NULL, NULL, "READY" },
						   { TALK_WAIT, 0, NULL, NULL,
						     "CLOSING +close closed=servwait" },
						   END_ROW };

	talk_run(&t, before);
	t.policy.servwait_s = 2;
	talk_run(&t, after);
	t.policy.servwait_s = 1;
	talk_run(&t, shorter);
}
END_TEST

/* Before its time the event does nothing, whatever is running. */
TALK(early, HELLO, { TALK_DEADLINE, 0, NULL, NULL, "GREETED" }, SETUP,
     { TALK_DEADLINE, 0, NULL, NULL, "READY" }, { TALK_PART, 0, NULL, NULL, "READY" },
     { TALK_BLOCKED, 0, NULL, NULL, "READY" }, { TALK_DEADLINE, 0, NULL, NULL, "READY" },
     { TALK_FLUSHED, 0, NULL, NULL, "READY" }, SESSION, STARTED,
     { TALK_DEADLINE, 0, NULL, NULL, "ACTIVE" },
     { TALK_GONE, 0, NULL, NULL, "CLOSING +close end#0 closed=peer" },
     { TALK_DEADLINE, 0, NULL, NULL, "CLOSING" });

/* --- ends ----------------------------------------------------------------------------- */

/* R-074 R-190: in every state; a request that is being opened ends when its answer comes */
TALK(gone_greeted, HELLO, { TALK_GONE, 0, NULL, NULL, "CLOSING +close closed=peer" });
TALK(gone_half, HELLO, SETUP, { TALK_SAY, 0, REQUEST_PART, NULL, "READY" },
     { TALK_PART, 0, NULL, NULL, "READY" },
     { TALK_GONE, 0, NULL, NULL, "CLOSING +close closed=peer" },
     { TALK_PART, 0, NULL, NULL, "CLOSING" });
TALK(gone_accepted, HELLO, SETUP, SESSION,
     { TALK_GONE, 0, NULL, NULL, "CLOSING +close end#0 closed=peer" },
     { TALK_ENDED, 0, NULL, NULL, "CLOSING" });
/* */
TALK(gone_opening, HELLO, SETUP, REQUEST,
     { TALK_GONE, 0, NULL, NULL, "CLOSING +close closed=peer" },
     { TALK_READY, 0xc350, NULL, NULL, "CLOSING end#0" }, { TALK_ENDED, 0, NULL, NULL, "CLOSING" });
TALK(gone_opening_refused, HELLO, SETUP, REQUEST,
     { TALK_GONE, 0, NULL, NULL, "CLOSING +close closed=peer" },
     { TALK_REFUSED, -12, NULL, NULL, "CLOSING" });
TALK(gone_starting, HELLO, SETUP, SESSION,
     { TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#0" },
     { TALK_GONE, 0, NULL, NULL, "CLOSING +close end#0 closed=peer" },
     { TALK_STARTED, 0, NULL, NULL, "CLOSING" }, { TALK_ENDED, 0, NULL, NULL, "CLOSING" });
TALK(gone_active, ACTIVE, { TALK_GONE, 0, NULL, NULL, "CLOSING +close end#0 closed=peer" },
     { TALK_ENDED, 0, NULL, NULL, "CLOSING" });
/* R-160 R-190: what is stopping goes on to the end of its Timeout, and counts till then */
TALK(gone_stopping, ACTIVE, STOPPED, { TALK_GONE, 0, NULL, NULL, "CLOSING +close closed=peer" },
     { TALK_ENDED, 0, NULL, NULL, "CLOSING" });
TALK(gone_stopping_and_accepted, ACTIVE, STOPPED, OPEN1,
     { TALK_GONE, 0, NULL, NULL, "CLOSING +close end#1 closed=peer" });

TALK(shutdown_greeted, HELLO, { TALK_SHUTDOWN, 0, NULL, NULL, "CLOSING +close closed=shutdown" });
TALK(shutdown_active, ACTIVE,
     { TALK_SHUTDOWN, 0, NULL, NULL, "CLOSING +close end#0 closed=shutdown" });
TALK(shutdown_opening, HELLO, SETUP, REQUEST,
     { TALK_SHUTDOWN, 0, NULL, NULL, "CLOSING +close closed=shutdown" },
     { TALK_READY, 0xc350, NULL, NULL, "CLOSING end#0" });

/* An answer that comes when nothing was asked changes nothing. */
TALK(started_unasked, HELLO, SETUP, { TALK_STARTED, 0, NULL, NULL, "READY" });

/* While an order is carried out, and when it is over, nothing is read. R-077 */
START_TEST(busy_wants_nothing)
{
	static const struct talk_row opening[] = { HELLO, SETUP, REQUEST, END_ROW };
	static const struct talk_row starting[] = {
		{ TALK_READY, 0xc350, NULL, ACCEPT0, "READY accepted#0" },
		{ TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#0" },
		END_ROW
	};
	static const struct talk_row gone[] = {
		{ TALK_GONE, 0, NULL, NULL, "CLOSING +close end#0 closed=peer" }, END_ROW
	};

	talk_run(&t, opening);
	ck_assert_uint_eq(control_want(&t.control), 0);
	talk_run(&t, starting);
	ck_assert_uint_eq(control_want(&t.control), 0);
	talk_run(&t, gone);
	ck_assert_uint_eq(control_want(&t.control), 0);
	t.control.state = CONTROL_DEAD;
	ck_assert_uint_eq(control_want(&t.control), 0);
}
END_TEST

/* An order that was not taken yet is replaced, and stands on the list once. R-190 */
START_TEST(order_replaced)
{
	static const struct talk_row rows[] = { HELLO, SETUP, SESSION, OPEN1, END_ROW };
	struct control_in in = { .kind = CONTROL_OCTETS };
	uint8_t start[MSG_START_LEN], room[64];
	struct control_out out = { .octets = room, .size = sizeof(room) };
	enum session_todo todo;

	talk_run(&t, rows);
	msg_put_start(start);
	in.len = MSG_BLOCK;
	for (in.octets = start; in.octets < start + sizeof(start); in.octets += MSG_BLOCK) {
		control_feed(&t.control, &t.policy, &in, t.now, &out);
	}
	ck_assert(out.start);
	in.kind = CONTROL_PEER_GONE;
	control_feed(&t.control, &t.policy, &in, t.now, &out);
	for (int i = 0; i < 2; i++) {
		ck_assert_ptr_eq(control_next_todo(&t.control, &todo), &t.sessions[i]);
		ck_assert_int_eq(todo, SESSION_TODO_END);
	}
	ck_assert_ptr_null(control_next_todo(&t.control, &todo));
}
END_TEST

START_TEST(why_texts)
{
	for (int w = CONTROL_WHY_PEER; w <= CONTROL_WHY_SHUTDOWN; w++) {
		const char *text = control_why_text((enum control_why)w);

		ck_assert_uint_gt(strlen(text), 10);
		for (int v = CONTROL_WHY_PEER; v < w; v++) {
			ck_assert_str_ne(text, control_why_text((enum control_why)v));
		}
	}
	ck_assert_str_eq(control_why_text((enum control_why)0), "unknown");
}
END_TEST

static const struct rows_talk talks[] = {
	T(greeting),
	T(handshake),
	T(setup_filled),
	T(mode_zero),
	T(mode_zero_filled),
	T(mode_two),
	T(mode_all),
	T(mode_none),
	T(mode_none_unassigned),
	T(mode_2),
	T(mode_4),
	T(mode_8),
	T(feature_16),
	T(feature_32),
	T(feature_64),
	T(feature_256),
	T(feature_512),
	T(ikev2),
	T(unassigned),
	T(handshake_timer),
	T(handshake_slow),
	T(handshake_over),
	T(servwait),
	T(servwait_octet),
	T(servwait_active),
	T(servwait_refwait),
	T(message_octet),
	T(message_block),
	T(message_octet_block),
	T(message_over),
	T(message_active),
	T(stall),
	T(stall_flushed),
	T(stall_active),
	T(stall_closing),
	T(stall_greeting),
	T(early),
	T(gone_greeted),
	T(gone_half),
	T(gone_accepted),
	T(gone_opening),
	T(gone_opening_refused),
	T(gone_starting),
	T(gone_active),
	T(gone_stopping),
	T(gone_stopping_and_accepted),
	T(shutdown_greeted),
	T(shutdown_active),
	T(shutdown_opening),
	T(started_unasked),
};

START_TEST(conversation)
{
	snprintf(t.name, sizeof(t.name), "%s", talks[_i].name);
	talk_run(&t, talks[_i].rows);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control");
	TCase *tc = tcase_create("control");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, start, finish);
	tcase_add_loop_test(tc, conversation, 0, (int)(sizeof(talks) / sizeof(talks[0])));
	tcase_add_test(tc, features);
	tcase_add_test(tc, offer_is_kept);
	tcase_add_test(tc, blocked_wants_nothing);
	tcase_add_test(tc, timers_are_policy);
	tcase_add_test(tc, busy_wants_nothing);
	tcase_add_test(tc, order_replaced);
	tcase_add_test(tc, why_texts);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
