// SPDX-License-Identifier: BSD-2-Clause
/* Connections whose class or key a reload or restart takes away, and the counters of those that
 * change their class. */
#include "tests/unit/control/rows-isc.h"

#include <stdio.h>
#include <stdlib.h>

#define BARRED(reason, name, state) \
	{ \
		TALK_BARRED, REASON_##reason, NULL, NULL, state " barred=" name \
	}
#define NO_CLASS(state) BARRED(NO_CLASS, "no-class", state)
#define ADMITTED(state) \
	{ \
		TALK_BARRED, REASON_OK, NULL, NULL, state \
	}
#define REFUSED_START(state) \
	{ \
		TALK_SAY, 0, "$start.unauth", "01 00*31", state " refused-start=no-class" \
	}
/* Whatever is said, the end does not come later. */
#define TALKS(s) { TALK_WAIT, (s)*S, NULL, NULL, "READY" }, REFUSE(REQUEST_0, "01", "no-class/0")

static struct talk t;

static void start(void)
{
	talk_init(&t);
	t.policy.servwait_s = 900;
}

static void finish(void)
{
	talk_end(&t);
}

/* --- after a reload ------------------------------------------------------------------- */

TALK(no_new_session, OPENED, NO_CLASS("READY"), REFUSE(REQUEST_0, "01", "no-class/0"),
     ADMITTED("READY"), OPEN0);
TALK(key_removed, OPENED, BARRED(KEY_REMOVED, "key-removed", "READY"),
     REFUSE(REQUEST_0, "01", "key-removed/0"));
TALK(told_once, OPENED, NO_CLASS("READY"), { TALK_BARRED, REASON_KEY_REMOVED, NULL, NULL, "READY" },
     ADMITTED("READY"), NO_CLASS("READY"));
/* what runs may finish; what was not started is not */
TALK(runs_on, ACTIVE, NO_CLASS("ACTIVE"), STOPPED, REFUSE(REQUEST_0, "01", "no-class/0"));
TALK(not_started, OPENED, SESSION, NO_CLASS("READY"), REFUSED_START("READY"), ADMITTED("READY"),
     STARTED);
TALK(while_active, ACTIVE, NO_CLASS("ACTIVE"),
     { TALK_SAY, 0, REQUEST_0, "01 00*47", "ACTIVE refused-request=no-class/0" }, STOPPED);
/* SERVWAIT is not put off: from what was heard before, or from the end of what ran */
TALK(talks_in_vain, OPENED, NO_CLASS("READY"), TALKS(400), TALKS(499),
     { TALK_WAIT, S, NULL, NULL, "CLOSING +close closed=servwait" });
TALK(stops_in_vain, OPENED, NO_CLASS("READY"), { TALK_WAIT, 899 * S, NULL, NULL, "READY" },
     { TALK_SAY, 0, "03 00*31", NULL, "READY stopped=0/0" },
     { TALK_WAIT, S, NULL, NULL, "CLOSING +close closed=servwait" });
TALK(servwait_from_its_end, ACTIVE, NO_CLASS("ACTIVE"),
     { TALK_WAIT, 1000 * S, NULL, NULL, "ACTIVE" }, STOPPED, TALKS(899),
     { TALK_WAIT, S, NULL, NULL, "CLOSING +close closed=servwait" });
/* not for ever: the session ends as if it were stopped */
TALK(an_hour_at_most, ACTIVE, NO_CLASS("ACTIVE"), { TALK_WAIT, 3599 * S, NULL, NULL, "ACTIVE" },
     { TALK_WAIT, S, NULL, NULL, "CLOSING +close stop#0 closed=barred" });
TALK(an_hour_from_the_last_time, ACTIVE, NO_CLASS("ACTIVE"),
     { TALK_WAIT, 3599 * S, NULL, NULL, "ACTIVE" }, ADMITTED("ACTIVE"),
     { TALK_WAIT, 3599 * S, NULL, NULL, "ACTIVE" }, NO_CLASS("ACTIVE"),
     { TALK_WAIT, 3599 * S, NULL, NULL, "ACTIVE" },
     { TALK_WAIT, S, NULL, NULL, "CLOSING +close stop#0 closed=barred" });
TALK(greeted, HELLO, NO_CLASS("GREETED"), REFUSED_CONNECTION("01", "no-class"));

/* --- with a restart ------------------------------------------------------------------- */

#define GOES(state, todos) \
	{ \
		TALK_RESUMED, REASON_NO_CLASS, NULL, NULL, \
			"CLOSING +close" todos " barred=no-class closed=barred" \
	}

TALK(greeted_goes, HELLO, GOES("GREETED", ""));
TALK(ready_goes, OPENED, GOES("READY", ""));
TALK(accepted_ends, OPENED, SESSION, GOES("READY", " end#0"));
TALK(active_is_stopped, ACTIVE, GOES("ACTIVE", " stop#0"));
TALK(stopping_goes_on, ACTIVE, STOPPED, GOES("READY", ""));
TALK(barred_before, ACTIVE, NO_CLASS("ACTIVE"),
     { TALK_RESUMED, REASON_NO_CLASS, NULL, NULL, "CLOSING +close stop#0 closed=barred" });
TALK(stays, ACTIVE, { TALK_RESUMED, REASON_OK, NULL, NULL, "ACTIVE" }, STOPPED,
     OPEN(1, c351, SID1, "READY"));

static const struct rows_talk talks[] = {
	T(no_new_session),
	T(key_removed),
	T(told_once),
	T(runs_on),
	T(not_started),
	T(while_active),
	T(talks_in_vain),
	T(stops_in_vain),
	T(servwait_from_its_end),
	T(an_hour_at_most),
	T(an_hour_from_the_last_time),
	T(greeted),
	T(greeted_goes),
	T(ready_goes),
	T(accepted_ends),
	T(active_is_stopped),
	T(stopping_goes_on),
	T(barred_before),
	T(stays),
};
#define N_TALKS (sizeof(talks) / sizeof(talks[0]))

START_TEST(conversation)
{
	snprintf(t.name, sizeof t.name, "%s", talks[_i].name);
	talk_run(&t, talks[_i].rows);
}
END_TEST

TALK(individual_rows, OPEN0, OPEN1, START0, NO_CLASS("ACTIVE"),
     { TALK_SAY, 0, LIST("07", "00", TWO, SID1 " " SID_NONE),
       LIST("08", "01", TWO, SID1 " " SID_NONE), "ACTIVE refused-start=unknown-sid/2" },
     { TALK_SAY, 0, REQUEST_0, "01 00*47", "ACTIVE refused-request=no-class/0" },
     STOP_OK(SID0, "READY stop#0 stopped=1/0"), { TALK_WAIT, 899 * S, NULL, NULL, "READY" },
     STOP_N(ONE, SID0, LIST("0a", "03", ONE, SID0), "READY refused-stop=already-stopped/1"),
     { TALK_WAIT, S, NULL, NULL, "CLOSING +close end#1 closed=servwait" });

/* also where each session is started by itself */
START_TEST(individual)
{
	static const uint32_t modes[] = { MODE_UNAUTHENTICATED, MODE_ENCRYPTED };

	snprintf(t.name, sizeof t.name, "individual");
	talk_establish(&t, modes[_i] | MODE_INDIVIDUAL_CONTROL);
	talk_run(&t, individual_rows);
}
END_TEST

/* --- no class, no session ------------------------------------------------------------- */

TALK(no_class_rows, REFUSE(REQUEST_0, "01", "no-class/0"));

/* Whoever sets class, and whoever forgets barred. */
START_TEST(without_a_class)
{
	struct admit_class *class = t.control.class;

	snprintf(t.name, sizeof t.name, "without a class");
	talk_establish(&t, MODE_UNAUTHENTICATED);
	t.control.class = NULL;
	talk_run(&t, no_class_rows);
	t.control.class = class;
}
END_TEST

START_TEST(nobody_is_let_in_without_a_class)
{
	static const struct talk_row rows[] = { HELLO, REFUSED_CONNECTION("01", "no-class"),
						END_ROW };
	struct admit_class *class = t.control.class;

	snprintf(t.name, sizeof t.name, "let in");
	t.control.class = NULL;
	talk_run(&t, rows);
	t.control.class = class;
}
END_TEST

/* A mode that was offered and is not any more. */
START_TEST(offered_before)
{
	static const struct talk_row hello[] = { HELLO, END_ROW };
	static const struct talk_row rows[] = { REFUSED_CONNECTION("03", "mode-not-offered"),
						END_ROW };

	snprintf(t.name, sizeof t.name, "offered before");
	talk_run(&t, hello);
	t.policy.modes = MODE_ENCRYPTED;
	talk_run(&t, rows);
}
END_TEST

/* What runs is counted elsewhere, and nothing twice. */
START_TEST(moves)
{
	struct admit_class red = { .connections = 3, .sessions = 5 }, blue = { 1, 1 };
	struct admit_client one = { .connections = 3, .sessions = 5 }, other = { 0 };

	admit_move(&(struct admit_place){ &red, &one }, &(struct admit_place){ &blue, &one }, 1, 2);
	ck_assert_uint_eq(red.connections, 2);
	ck_assert_uint_eq(red.sessions, 3);
	ck_assert_uint_eq(blue.connections, 2);
	ck_assert_uint_eq(blue.sessions, 3);
	ck_assert_uint_eq(one.connections, 3);
	ck_assert_uint_eq(one.sessions, 5);
	admit_move(&(struct admit_place){ &red, &one }, &(struct admit_place){ &red, &other }, 1,
		   1);
	ck_assert_uint_eq(red.connections, 2);
	ck_assert_uint_eq(other.connections, 1);
	ck_assert_uint_eq(one.sessions, 4);
	admit_move(&(struct admit_place){ NULL, &one }, &(struct admit_place){ &red, &one }, 1, 0);
	ck_assert_uint_eq(red.connections, 3);
	admit_move(&(struct admit_place){ &red, &one }, &(struct admit_place){ NULL, &one }, 1, 0);
	ck_assert_uint_eq(red.connections, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("barred");
	TCase *tc = tcase_create("barred");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, start, finish);
	tcase_add_loop_test(tc, conversation, 0, (int)N_TALKS);
	tcase_add_loop_test(tc, individual, 0, 2);
	tcase_add_test(tc, without_a_class);
	tcase_add_test(tc, nobody_is_let_in_without_a_class);
	tcase_add_test(tc, offered_before);
	tcase_add_test(tc, moves);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
