// SPDX-License-Identifier: BSD-2-Clause
/*
 * Individual session control, each conversation in the clear and ciphered. RFC 5938 3
 */
#include "tests/unit/control/rows-isc.h"

#include <stdio.h>
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

/* --- Start-N-Sessions ----------------------------------------------------------------- */

/* R-200 R-201: one of two, then the other while the first runs */
TALK(start_one_of_two, OPEN0, OPEN1, START1, START0);
/* requests at any time, also while a test runs */
TALK(request_while_active, OPEN0, START0, OPEN(1, c351, SID1, "ACTIVE"), START1);
/* two at once, the order is that of the command */
TALK(start_two, OPEN0, OPEN1, START_N(TWO, SID1 " " SID0, " start#1 start#0"),
     { TALK_STARTED, 0, NULL, LIST("08", "00", TWO, SID1 " " SID0), "ACTIVE started=2" });
/* R-201 R-202 R-206: 0, 1 and 3, each once, ascending */
TALK(start_mixed, OPEN0, START_N(THREE, SID0 " " SID_NONE " " SID0, " start#0"),
     { TALK_STARTED, 0, NULL,
       LIST("08", "00", ONE, SID0) LIST("08", "01", ONE, SID_NONE) LIST("08", "03", ONE, SID0),
       "ACTIVE started=1 refused-start=unknown-sid/1 refused-start=already-started/1" });
TALK(start_unknown, OPEN0,
     { TALK_SAY, 0, LIST("07", "00", TWO, SID_NONE " " SID1),
       LIST("08", "01", TWO, SID_NONE " " SID1), "READY refused-start=unknown-sid/2" },
     START0);
TALK(start_again, OPEN0, OPEN1, START0,
     { TALK_SAY, 0, LIST("07", "00", ONE, SID0), LIST("08", "03", ONE, SID0),
       "ACTIVE refused-start=already-started/1" },
     START_N(TWO, SID0 " " SID1, " start#1"),
     { TALK_STARTED, 0, NULL, LIST("08", "00", ONE, SID1) LIST("08", "03", ONE, SID0),
       "ACTIVE started=1 refused-start=already-started/1" });
/* short of memory: that one stays accepted and may be started again */
TALK(start_fails, OPEN0, OPEN1, START_N(TWO, SID0 " " SID1, " start#0 start#1"),
     { TALK_STARTED, 2, NULL, LIST("08", "00", ONE, SID0) LIST("08", "05", ONE, SID1),
       "ACTIVE started=1 refused-start=memory-low/1" },
     START1, STOP_OK(SID0, "ACTIVE stop#0 stopped=1/0"), STOP_OK(SID1, "READY stop#1 stopped=1/0"));
TALK(start_fails_alone, OPEN0, START_N(ONE, SID0, " start#0"),
     { TALK_STARTED, 1, NULL, LIST("08", "05", ONE, SID0), "READY refused-start=memory-low/1" },
     START0);
/* the repeat of one that fails is still a repeat; 3 comes before 5 */
TALK(start_fails_repeated, OPEN0, START_N(TWO, SID0 " " SID0, " start#0"),
     { TALK_STARTED, 1, NULL, LIST("08", "03", ONE, SID0) LIST("08", "05", ONE, SID0),
       "READY refused-start=already-started/1 refused-start=memory-low/1" },
     START0);
/* the five of them: 0, 1, 3 and 5 in one command */
TALK(start_all_codes, OPEN0, OPEN1, OPEN(2, c352, SID2, "READY"), START0,
     { TALK_SAY, 0, LIST("07", "00", "00000004", SID2 " " SID1 " " SID0 " " SID_NONE), NULL,
       "STARTING +start start#2 start#1" },
     { TALK_STARTED, 4, NULL,
       LIST("08", "00", ONE, SID1) LIST("08", "01", ONE, SID_NONE) LIST("08", "03", ONE, SID0)
	       LIST("08", "05", ONE, SID2),
       "ACTIVE started=1 refused-start=unknown-sid/1 refused-start=already-started/1"
       " refused-start=memory-low/1" });
/* MBZ and, in the clear, HMAC are not looked at */
TALK(start_filled, OPEN0,
     { TALK_SAY, 0, "07 ff*11 00000001 " SID0 " 00*16", NULL, "STARTING +start start#0" },
     STARTED_N(ONE, SID0));

/* --- Stop-N-Sessions ------------------------------------------------------------------ */

/* the other goes on */
TALK(stop_one_of_two, OPEN0, OPEN1, START0, START1, STOP_OK(SID0, "ACTIVE stop#0 stopped=1/0"),
     { TALK_ENDED, 0, NULL, NULL, "ACTIVE" }, STOP_OK(SID1, "READY stop#1 stopped=1/0"));
/* accepted, it is deleted; its SID is unknown then */
TALK(stop_accepted, OPEN0, OPEN1, STOP_OK(SID0, "READY end#0 stopped=1/0"),
     STOP_N(ONE, SID0, LIST("0a", "03", ONE, SID0), "READY refused-stop=already-stopped/1"),
     { TALK_ENDED, 0, NULL, NULL, "READY" },
     STOP_N(ONE, SID0, LIST("0a", "01", ONE, SID0), "READY refused-stop=unknown-sid/1"),
     { TALK_SAY, 0, LIST("07", "00", ONE, SID0), LIST("08", "01", ONE, SID0),
       "READY refused-start=unknown-sid/1" },
     START1);
/* twice, in one command and in two; what drains is not stopped again */
TALK(stop_twice, OPEN0, START0,
     STOP_N(TWO, SID0 " " SID0, LIST("0a", "00", ONE, SID0) LIST("0a", "03", ONE, SID0),
	    "READY stop#0 stopped=1/0 refused-stop=already-stopped/1"),
     STOP_N(ONE, SID0, LIST("0a", "03", ONE, SID0), "READY refused-stop=already-stopped/1"),
     { TALK_SAY, 0, LIST("07", "00", ONE, SID0), LIST("08", "03", ONE, SID0),
       "READY refused-start=already-started/1" },
     { TALK_ENDED, 0, NULL, NULL, "READY" },
     STOP_N(ONE, SID0, LIST("0a", "01", ONE, SID0), "READY refused-stop=unknown-sid/1"));
/* R-205 R-170: ended by REFWAIT, its SID is kept for the Stop, once */
TALK(stop_refwait, OPEN0, START0, { TALK_ENDED, 0, NULL, NULL, "READY" },
     { TALK_SAY, 0, LIST("07", "00", ONE, SID0), LIST("08", "03", ONE, SID0),
       "READY refused-start=already-started/1" },
     STOP_OK(SID0, "READY free#0 stopped=1/0"),
     STOP_N(ONE, SID0, LIST("0a", "01", ONE, SID0), "READY refused-stop=unknown-sid/1"));
TALK(stop_refwait_twice_alone, OPEN0, START0, { TALK_ENDED, 0, NULL, NULL, "READY" },
     STOP_N(TWO, SID0 " " SID0, LIST("0a", "00", ONE, SID0) LIST("0a", "03", ONE, SID0),
	    "READY free#0 stopped=1/0 refused-stop=already-stopped/1"),
     STOP_N(TWO, SID0 " " SID0, LIST("0a", "01", TWO, SID0 " " SID0),
	    "READY refused-stop=unknown-sid/2"),
     OPEN1, START1);
TALK(stop_refwait_twice, OPEN0, OPEN1, START0, START1, { TALK_ENDED, 0, NULL, NULL, "ACTIVE" },
     STOP_N(THREE, SID0 " " SID1 " " SID0,
	    LIST("0a", "00", TWO, SID0 " " SID1) LIST("0a", "03", ONE, SID0),
	    "READY free#0 stop#1 stopped=2/0 refused-stop=already-stopped/1"));
/* R-205 R-206: accepted, active, stopping, ended, unknown in one command */
TALK(stop_mixed, OPEN0, OPEN1, OPEN(2, c352, SID2, "READY"), START0, START1,
     { TALK_ENDED, 1, NULL, NULL, "ACTIVE" },
     STOP_N("00000005", SID_NONE " " SID2 " " SID0 " " SID1 " " SID2,
	    LIST("0a", "00", THREE, SID2 " " SID0 " " SID1) LIST("0a", "01", ONE, SID_NONE)
		    LIST("0a", "03", ONE, SID2),
	    "READY end#2 stop#0 free#1 stopped=3/0 refused-stop=unknown-sid/1"
	    " refused-stop=already-stopped/1"));

/* --- lengths -------------------------------------------------------------------------- */

/* nothing is said, all ends */
TALK(none_started, OPEN0,
     { TALK_SAY, 0, "07 00*15", NULL, "CLOSING +close end#0 closed=sid-count" });
TALK(none_stopped, OPEN0, START0,
     { TALK_SAY, 0, "09 00*15", NULL, "CLOSING +close end#0 closed=sid-count" });
TALK(too_many, OPEN0,
     { TALK_SAY, 0, "07 00*11 00000401", NULL, "CLOSING +close end#0 closed=sid-count" });
TALK(far_too_many, OPEN0,
     { TALK_SAY, 0, "09 00*11 ffffffff", NULL, "CLOSING +close end#0 closed=sid-count" });
/* R-203 R-245, C-092: 1024, far more than there are */
TALK(as_many_as_may_be, OPEN0,
     { TALK_SAY, 0, "07 00*11 00000400 ff*16384 00*16", "0801 00*10 00000400 ff*16384 00*16",
       "READY refused-start=unknown-sid/1024" },
     START0,
     { TALK_SAY, 0, "09 00*11 00000400 00*16384 00*16", "0a01 00*10 00000400 00*16384 00*16",
       "ACTIVE refused-stop=unknown-sid/1024" });

/* --- what is not of this control ------------------------------------------------------ */

#define REFUSED(in, state, number) \
	{ \
		TALK_SAY, 0, in, "03 00*47", state " refused-request=unexpected-command/" number \
	}
/* R-072 R-073: of known length, so that the connection lives, and its chain */
TALK(common_commands, REFUSED("$start.unauth", "READY", "2"),
     REFUSED("$stop.unauth.n1", "READY", "3"), OPEN0, REFUSED("$start.unauth", "READY", "2"),
     START0, REFUSED("$stop.unauth.n1", "ACTIVE", "3"), REFUSED("$start.unauth", "ACTIVE", "2"),
     STOP_OK(SID0, "READY stop#0 stopped=1/0"));

/* --- time ----------------------------------------------------------------------------- */

/* SERVWAIT not while any runs, again when none does */
TALK(servwait, OPEN0, OPEN1, START0, START1, { TALK_WAIT, 9000 * S, NULL, NULL, "ACTIVE" },
     STOP_OK(SID0, "ACTIVE stop#0 stopped=1/0"), { TALK_WAIT, 9000 * S, NULL, NULL, "ACTIVE" },
     STOP_OK(SID1, "READY stop#1 stopped=1/0"), { TALK_WAIT, 900 * S - 1, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close closed=servwait" });
/* R-173 R-174: by REFWAIT of the last */
TALK(servwait_refwait, OPEN0, OPEN1, START0, START1, { TALK_WAIT, 9000 * S, NULL, NULL, "ACTIVE" },
     { TALK_ENDED, 0, NULL, NULL, "ACTIVE" }, { TALK_WAIT, 900 * S, NULL, NULL, "ACTIVE" },
     { TALK_ENDED, 1, NULL, NULL, "READY free#0" }, { TALK_WAIT, 900 * S - 1, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close closed=servwait" });
/* R-120 R-205: the SID of a session that ended by REFWAIT is kept for an hour */
TALK(kept_an_hour, OPEN0, OPEN1, START0, START1, { TALK_ENDED, 0, NULL, NULL, "ACTIVE" },
     { TALK_WAIT, 3600 * S - 1, NULL, NULL, "ACTIVE" },
     { TALK_WAIT, 1, NULL, NULL, "ACTIVE free#0" },
     STOP_N(ONE, SID0, LIST("0a", "01", ONE, SID0), "ACTIVE refused-stop=unknown-sid/1"),
     STOP_OK(SID1, "READY stop#1 stopped=1/0"));
/* it runs while some are accepted and some drain, but none is started */
TALK(servwait_accepted, OPEN0, OPEN1, START0, STOP_OK(SID0, "READY stop#0 stopped=1/0"),
     { TALK_WAIT, 900 * S, NULL, NULL, "CLOSING +close end#1 closed=servwait" });

/* --- ends ----------------------------------------------------------------------------- */

/* kept, accepted, active and draining at once */
TALK(gone, OPEN0, OPEN1, OPEN(2, c352, SID2, "READY"), START0, START1,
     { TALK_ENDED, 0, NULL, NULL, "ACTIVE" }, STOP_OK(SID1, "READY stop#1 stopped=1/0"),
     OPEN(3, c353, "c000020a e8fe6f801f9add37 a1b2c3d7", "READY"), START_N(ONE, SID2, " start#2"),
     STARTED_N(ONE, SID2), { TALK_GONE, 0, NULL, NULL, "CLOSING +close end#2 end#3 closed=peer" },
     { TALK_ENDED, 1, NULL, NULL, "CLOSING" }, { TALK_ENDED, 2, NULL, NULL, "CLOSING" });
TALK(gone_starting, OPEN0, START_N(ONE, SID0, " start#0"),
     { TALK_GONE, 0, NULL, NULL, "CLOSING +close end#0 closed=peer" },
     { TALK_STARTED, 0, NULL, NULL, "CLOSING" }, { TALK_ENDED, 0, NULL, NULL, "CLOSING" });
TALK(shutdown_starting, OPEN0, START_N(ONE, SID0, " start#0"),
     { TALK_SHUTDOWN, 0, NULL, NULL, "CLOSING +close end#0 closed=shutdown" },
     { TALK_STARTED, 0, NULL, NULL, "CLOSING" });

/* C-092 R-245: what a connection might have is nothing that a client need name */
START_TEST(bound_is_not_the_session_limit)
{
	static const struct talk_row above[] = {
		OPEN0,
		{ TALK_SAY, 0, "07 00*11 00000401", NULL, "CLOSING +close end#0 closed=sid-count" },
		END_ROW,
	};

	t.policy.max_sessions_per_connection = 1000000;
	talk_establish(&t, (_i ? MODE_ENCRYPTED : MODE_UNAUTHENTICATED) | MODE_INDIVIDUAL_CONTROL);
	talk_run(&t, above);
}
END_TEST

/* The next session, accepted and started, without a look at the octets. */
static struct session *start_one(struct talk *talk)
{
	static const struct talk_row started = { TALK_STARTED, 0, NULL, NULL, NULL };
	const struct talk_row ready = { TALK_READY, 50000 + talk->n_sessions, NULL, NULL, NULL };
	struct session *s = &talk->sessions[talk->n_sessions];
	uint8_t octets[MSG_REQUEST_LEN],
		start[MSG_N_LEN(1)] = { MSG_CMD_START_N_SESSIONS, [15] = 1 };

	talk_hex("$req.v4.plain_unauth", octets, sizeof(octets));
	talk_say(talk, octets, MSG_BLOCK);
	talk_say(talk, octets + MSG_BLOCK, sizeof(octets) - MSG_BLOCK);
	talk_row(talk, &ready);
	memcpy(start + MSG_BLOCK, s->sid, MSG_SID_LEN);
	talk_say(talk, start, MSG_BLOCK);
	talk_say(talk, start + MSG_BLOCK, sizeof(start) - MSG_BLOCK);
	talk_row(talk, &started);
	ck_assert_int_eq(s->state, SESSION_ACTIVE);
	return s;
}

/* a kept SID takes no place, but only so many are kept */
START_TEST(kept_is_bounded)
{
	static const struct talk_row fill[] = {
		OPEN0, START0, { TALK_ENDED, 0, NULL, NULL, "READY" }, END_ROW
	};
	static const struct talk_row again[] = {
		OPEN1,
		{ TALK_SAY, 0, "$req.v4.plain_unauth", "04 00*47",
		  "READY refused-request=max-sessions/0" },
		START1,
		{ TALK_ENDED, 1, NULL, NULL, "READY free#0" },
		STOP_N(ONE, SID0, LIST("0a", "01", ONE, SID0), "READY refused-stop=unknown-sid/1"),
		STOP_OK(SID1, "READY free#1 stopped=1/0"),
		OPEN(2, c352, SID2, "READY"),
		END_ROW,
	};

	t.policy.max_sessions_per_connection = 1;
	t.policy.max_sessions = t.policy.max_sessions_per_client = 1;
	talk_establish(&t, (_i ? MODE_MIXED : MODE_UNAUTHENTICATED) | MODE_INDIVIDUAL_CONTROL);
	talk_run(&t, fill);
	ck_assert_uint_eq(t.total.sessions, 0);
	ck_assert_uint_eq(t.client.sessions, 0);
	talk_run(&t, again);
	ck_assert_uint_eq(t.control.kept, 0);
}
END_TEST

/* a quarter of what a connection may have, the oldest go first; also when a reload changes that */
START_TEST(kept_is_a_quarter)
{
	static const struct talk_row policy = { TALK_POLICY, 0, NULL, NULL, NULL };
	struct talk_row ended = { TALK_ENDED, 0, NULL, NULL, NULL };

	t.policy.max_sessions_per_connection = 16;
	talk_establish(&t, MODE_UNAUTHENTICATED | MODE_INDIVIDUAL_CONTROL);
	for (int i = 0; i < 12; i++) {
		struct session *s = start_one(&t);

		ended.n = i;
		talk_row(&t, &ended);
		ck_assert_uint_eq(t.control.kept, i < 4 ? (unsigned)i + 1 : 4);
		ck_assert_ptr_eq(t.control.newest_kept, s);
	}
	ck_assert_ptr_eq(t.control.oldest_kept, &t.sessions[8]);
	t.policy.max_sessions_per_connection = 8;
	talk_row(&t, &policy);
	ck_assert_uint_eq(t.control.kept, 2);
	ck_assert_ptr_eq(t.control.oldest_kept, &t.sessions[10]);
}
END_TEST

static const struct rows_talk talks[] = {
	T(start_one_of_two),
	T(kept_an_hour),
	T(request_while_active),
	T(start_two),
	T(start_mixed),
	T(start_unknown),
	T(start_again),
	T(start_fails),
	T(start_fails_alone),
	T(start_fails_repeated),
	T(start_all_codes),
	T(start_filled),
	T(stop_one_of_two),
	T(stop_accepted),
	T(stop_twice),
	T(stop_refwait),
	T(stop_refwait_twice_alone),
	T(stop_refwait_twice),
	T(stop_mixed),
	T(none_started),
	T(none_stopped),
	T(too_many),
	T(far_too_many),
	T(as_many_as_may_be),
	T(common_commands),
	T(servwait),
	T(servwait_refwait),
	T(servwait_accepted),
	T(gone),
	T(gone_starting),
	T(shutdown_starting),
};

#define COUNT ((int)(sizeof(talks) / sizeof(talks[0])))

START_TEST(conversation)
{
	static const uint32_t modes[] = { MODE_UNAUTHENTICATED, MODE_AUTHENTICATED, MODE_ENCRYPTED,
					  MODE_MIXED };

	snprintf(t.name, sizeof(t.name), "%s, mode %u", talks[_i % COUNT].name, modes[_i / COUNT]);
	talk_establish(&t, modes[_i / COUNT] | MODE_INDIVIDUAL_CONTROL);
	talk_run(&t, talks[_i % COUNT].rows);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("individual");
	TCase *tc = tcase_create("individual");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, start, finish);
	tcase_add_loop_test(tc, conversation, 0, 4 * COUNT);
	tcase_add_loop_test(tc, bound_is_not_the_session_limit, 0, 2);
	tcase_add_loop_test(tc, kept_is_bounded, 0, 2);
	tcase_add_test(tc, kept_is_a_quarter);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
