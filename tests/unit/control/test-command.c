// SPDX-License-Identifier: BSD-2-Clause
/* Request-TW-Session, Start-Sessions, Stop-Sessions and what is none of them. */
#include "tests/unit/control/rows.h"

#include <errno.h>
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

/* --- Request-TW-Session --------------------------------------------------------------- */

/* R-080 R-081 R-100 R-101 R-110 R-111: the port that was bound, the SID of address and time */
TALK(request, OPENED, SESSION);
/* another port than the one asked for */
TALK(request_alternate, OPENED, REQUEST,
     { TALK_READY, 0xc352, NULL, "0000c352 " SID0 " 00*28", "READY accepted#0" });
/* R-083 R-071 R-085: Packets is told, MBZ and HMAC are not */
TALK(request_packets, OPENED,
     { TALK_SAY, 0,
       "05f40000 00000000 00000005 9c40c350 c6336407 ff*12 c000020a ff*12 ff*16 00000040"
       " ff*8 0000000280000000 2e000000 ff*8 ff*16",
       NULL, "OPENING +open packets=5" },
     { TALK_READY, 0xc350, NULL, ACCEPT0, "READY accepted#0" });
TALK(request_packets_refused, OPENED,
     { TALK_SAY, 0, "05050000 00000000 00000007 00*100", "03 00*47",
       "READY packets=7 refused-request=ip-version/5" },
     SESSION);
/* R-081 R-103 R-112: refused again and again, then not */
TALK(request_refused, OPENED, REFUSE("05040100 00*108", "03", "conf-fields/1"),
     REFUSE("05040002 00*108", "03", "conf-fields/2"),
     REFUSE("05040000 00000009 00*104", "03", "schedule-fields/9"),
     REFUSE("05040000 00*108", "03", "sender-port/0"),
     REFUSE("05040000 00*12 c6336401 00*92", "03", "sender-port/0"),
     REFUSE("05040000 00*8 9c400000 c6336401 00*92", "01", "policy-address/0"), SESSION, STARTED);

/* R-103 R-112 R-122: the kernel said no */
#define PORT_FAILS(error, code, why) \
	REQUEST, \
	{ \
		TALK_REFUSED, -(error), NULL, code " 00*47", "READY refused-request=" why \
	}
TALK(request_errno, OPENED, PORT_FAILS(ENOMEM, "05", "memory-low/errno 12"),
     PORT_FAILS(ENOBUFS, "05", "net-buffers/errno 105"),
     PORT_FAILS(EMFILE, "05", "descriptors-low/errno 24"),
     PORT_FAILS(ENFILE, "05", "descriptors-low/errno 23"),
     PORT_FAILS(EAGAIN, "05", "net-buffers/errno 11"),
     PORT_FAILS(EADDRINUSE, "04", "no-port/errno 98"), /* */
     PORT_FAILS(EADDRNOTAVAIL, "03", "address-not-local/errno 99"), /* */
     PORT_FAILS(EAFNOSUPPORT, "03", "ip-version/errno 97"),
     PORT_FAILS(EPROTONOSUPPORT, "03", "ip-version/errno 93"),
     PORT_FAILS(EOPNOTSUPP, "03", "dscp/errno 95"), /* */
     PORT_FAILS(EACCES, "04", "no-port/errno 13"),
     PORT_FAILS(EHOSTUNREACH, "03", "no-route/errno 113"),
     PORT_FAILS(EDESTADDRREQ, "03", "sender-address/errno 89"),
     PORT_FAILS(EIO, "02", "internal/errno 5"), SESSION);
TALK(request_denied, OPENED, REQUEST,
     { TALK_DENIED, REASON_DSCP, NULL, "03 00*47", "READY refused-request=dscp/0" }, REQUEST,
     { TALK_DENIED, REASON_BUFFER_SIZE, NULL, "04 00*47", "READY refused-request=buffer-size/0" });

/* it is refused, and the test goes on */
TALK(request_active, ACTIVE,
     { TALK_SAY, 0, "$req.v4.plain_unauth", "03 00*47", "ACTIVE refused-request=busy-testing/0" },
     STOPPED);

/* --- Start-Sessions ------------------------------------------------------------------- */

/* R-140 R-142: the answer comes when the reflector is ready */
TALK(start_one, OPENED, SESSION, STARTED);
/* what is filled in is not looked at */
TALK(start_filled, OPENED, SESSION, { TALK_SAY, 0, "02 ff*31", NULL, "STARTING +start start#0" },
     { TALK_STARTED, 0, NULL, "00*32", "ACTIVE started=1" });
/* */
TALK(start_two, OPENED, SESSION, OPEN1,
     { TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#0 start#1" },
     { TALK_STARTED, 0, NULL, "$startack.unauth.ok", "ACTIVE started=2" });
/* R-143 R-146 */
TALK(start_nothing, OPENED,
     { TALK_SAY, 0, "$start.unauth", "01 00*31", "READY refused-start=nothing-to-start" },
     { TALK_SAY, 0, "$start.unauth", "01 00*31", "READY refused-start=nothing-to-start" }, SESSION,
     STARTED);
/* */
TALK(start_twice, ACTIVE,
     { TALK_SAY, 0, "$start.unauth", "03 00*31", "ACTIVE refused-start=wrong-state" }, STOPPED);
/* one fails, none is started; the connection can be used again */
TALK(start_fails, OPENED, SESSION, OPEN1,
     { TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#0 start#1" },
     { TALK_WAIT, 5 * S, NULL, NULL, "STARTING" },
     { TALK_STARTED, 1, NULL, "05 00*31", "READY end#0 end#1 refused-start=memory-low" },
     { TALK_WAIT, 900 * S - 1, NULL, NULL, "READY" }, { TALK_ENDED, 0, NULL, NULL, "READY" },
     { TALK_ENDED, 1, NULL, NULL, "READY" },
     { TALK_SAY, 0, "$start.unauth", "01 00*31", "READY refused-start=nothing-to-start" },
     { TALK_SAY, 0, "0300 0000 00000000 00*24", NULL, "READY stopped=0/0" });
TALK(start_fails_second, OPENED, SESSION, OPEN1,
     { TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#0 start#1" },
     { TALK_STARTED, 2, NULL, "05 00*31", "READY end#0 end#1 refused-start=memory-low" });
/* a refused request is not in progress, and an accepted one that ended is not started */
TALK(start_after_refusal, OPENED, PORT_FAILS(EADDRINUSE, "04", "no-port/errno 98"),
     { TALK_SAY, 0, "$start.unauth", "01 00*31", "READY refused-start=nothing-to-start" });
TALK(start_after_end, OPENED, SESSION, { TALK_ENDED, 0, NULL, NULL, "READY" },
     { TALK_SAY, 0, "$start.unauth", "01 00*31", "READY refused-start=nothing-to-start" });

/* a session that is still draining has nothing to do with it */
TALK(start_fails_second_round, ACTIVE, STOPPED, OPEN1,
     { TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#1" },
     { TALK_STARTED, 2, NULL, "05 00*31", "READY end#1 refused-start=memory-low" });

/* --- Stop-Sessions -------------------------------------------------------------------- */

#define STOP(n) "03000000 " n " 00*24"
#define WRONG(given, right, todo) \
	"CLOSING +close" todo " wrong=" given "/" right " closed=stop-wrong"

/* no answer; R-071: filled in as may be */
TALK(stop, ACTIVE, STOPPED, { TALK_ENDED, 0, NULL, NULL, "READY" });
TALK(stop_filled, ACTIVE,
     { TALK_SAY, 0, "0300ffff 00000001 ff*24", NULL, "READY stop#0 stopped=1/0" });
/* R-164 R-075: any Accept stops */
TALK(stop_accept, ACTIVE,
     { TALK_SAY, 0, "03010000 00000001 00*24", NULL, "READY stop#0 stopped=1/1" });
TALK(stop_accept_77, ACTIVE,
     { TALK_SAY, 0, "034d0000 00000001 00*24", NULL, "READY stop#0 stopped=1/77" });
/* real clients say 0 or 65536; the sessions drain, the connection is closed */
TALK(stop_0, ACTIVE, { TALK_SAY, 0, STOP("00000000"), NULL, WRONG("0", "1", " stop#0") },
     { TALK_ENDED, 0, NULL, NULL, "CLOSING" });
TALK(stop_65536, ACTIVE, { TALK_SAY, 0, STOP("00010000"), NULL, WRONG("65536", "1", " stop#0") });
TALK(stop_2, ACTIVE, { TALK_SAY, 0, STOP("00000002"), NULL, WRONG("2", "1", " stop#0") });
TALK(stop_max, ACTIVE,
     { TALK_SAY, 0, STOP("ffffffff"), NULL, WRONG("4294967295", "1", " stop#0") });
/* */
TALK(stop_ready, OPENED, { TALK_SAY, 0, STOP("00000000"), NULL, "READY stopped=0/0" }, SESSION,
     { TALK_SAY, 0, STOP("00000000"), NULL, "READY stopped=0/0" }, STARTED, STOPPED,
     { TALK_SAY, 0, STOP("00000000"), NULL, "READY stopped=0/0" });
TALK(stop_ready_1, OPENED, { TALK_SAY, 0, STOP("00000001"), NULL, WRONG("1", "0", "") });
TALK(stop_accepted_1, OPENED, SESSION,
     { TALK_SAY, 0, STOP("00000001"), NULL, WRONG("1", "0", " end#0") });
/* R-163 R-166: who ended by REFWAIT counts until the Stop */
TALK(stop_refwait, ACTIVE, { TALK_ENDED, 0, NULL, NULL, "READY" },
     { TALK_SAY, 0, STOP("00000001"), NULL, "READY stopped=1/0" },
     { TALK_SAY, 0, STOP("00000000"), NULL, "READY stopped=0/0" });
TALK(stop_refwait_0, ACTIVE, { TALK_ENDED, 0, NULL, NULL, "READY" },
     { TALK_SAY, 0, STOP("00000000"), NULL, "READY stopped=0/0" },
     { TALK_SAY, 0, STOP("00000001"), NULL, WRONG("1", "0", "") });
TALK(stop_refwait_2, ACTIVE, { TALK_ENDED, 0, NULL, NULL, "READY" },
     { TALK_SAY, 0, STOP("00000002"), NULL, WRONG("2", "1", "") });
TALK(stop_refwait_some, OPENED, SESSION, OPEN1,
     { TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#0 start#1" },
     { TALK_STARTED, 0, NULL, "$startack.unauth.ok", "ACTIVE started=2" },
     { TALK_ENDED, 0, NULL, NULL, "ACTIVE" },
     { TALK_SAY, 0, STOP("00000002"), NULL, "READY stop#1 stopped=2/0" });
/* after REFWAIT a new round may begin; then both rounds are in progress */
TALK(stop_refwait_round, ACTIVE, { TALK_ENDED, 0, NULL, NULL, "READY" }, OPEN1,
     { TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#1" },
     { TALK_STARTED, 0, NULL, "$startack.unauth.ok", "ACTIVE started=1" },
     { TALK_SAY, 0, STOP("00000002"), NULL, "READY stop#1 stopped=2/0" });
/* a second round while the first drains; it counts alone */
TALK(rounds, ACTIVE, STOPPED, OPEN1,
     { TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#1" },
     { TALK_STARTED, 0, NULL, "$startack.unauth.ok", "ACTIVE started=1" },
     { TALK_ENDED, 0, NULL, NULL, "ACTIVE" },
     { TALK_SAY, 0, STOP("00000001"), NULL, "READY stop#1 stopped=1/0" });
/* a session may end in the middle of the list */
TALK(middle_ends, OPENED, SESSION, OPEN1, REQUEST,
     { TALK_READY, 1, NULL, "00000001 c000020ae8fe6f801f9add37a1b2c3d6 00*28", "READY accepted#2" },
     { TALK_ENDED, 1, NULL, NULL, "READY" },
     { TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#0 start#2" },
     { TALK_STARTED, 0, NULL, "$startack.unauth.ok", "ACTIVE started=2" },
     { TALK_SAY, 0, STOP("00000002"), NULL, "READY stop#0 stop#2 stopped=2/0" },
     { TALK_ENDED, 2, NULL, NULL, "READY" }, { TALK_ENDED, 0, NULL, NULL, "READY" });

/* --- what is no command here ---------------------------------------------------------- */

/* 7 and 9 say how long they are; all of it is read before the answer */
TALK(isc, OPENED,
     { TALK_SAY, 0, "$isc.unauth.start_n", "03 00*47",
       "READY refused-request=unexpected-command/7" },
     { TALK_SAY, 0, "09000000 00*8 00000001 00*32", "03 00*47",
       "READY refused-request=unexpected-command/9" },
     SESSION);
TALK(isc_largest, OPENED,
     { TALK_SAY, 0, "07000000 00*8 00000400 ff*16384 00*16", "03 00*47",
       "READY refused-request=unexpected-command/7" },
     SESSION);
/* what is larger is not waited for */
TALK(isc_too_large, OPENED,
     { TALK_SAY, 0, "07000000 00*8 00000401", "03 00*47",
       "READY refused-request=unexpected-command/7" },
     { TALK_SAY, 0, "ff*4000", NULL, "READY" },
     { TALK_WAIT, CONTROL_QUIET_NS, NULL, NULL, "READY" }, SESSION);
TALK(isc_max, OPENED,
     { TALK_SAY, 0, "09000000 00*8 ffffffff", "03 00*47",
       "READY refused-request=unexpected-command/9" });
/* while a test runs: it goes on */
TALK(isc_active, ACTIVE,
     { TALK_SAY, 0, "$isc.unauth.start_n", "03 00*47",
       "ACTIVE refused-request=unexpected-command/7" },
     STOPPED);

/* R-072 R-073: the answer follows the first block; then it must be quiet for 250 ms */
#define GARBAGE \
	{ \
		TALK_SAY, 0, "63 ff*15", "03 00*47", "READY refused-request=unexpected-command/99" \
	}
TALK(unknown, OPENED, GARBAGE, { TALK_WAIT, CONTROL_QUIET_NS, NULL, NULL, "READY" }, SESSION);
TALK(unknown_112, OPENED, GARBAGE, { TALK_SAY, 0, "05 ff*95", NULL, "READY" },
     { TALK_WAIT, CONTROL_QUIET_NS - 1, NULL, NULL, "READY" },
     { TALK_SAY, 0, "05", NULL, "READY" }, /* not quiet enough yet */
     { TALK_WAIT, CONTROL_QUIET_NS - 1, NULL, NULL, "READY" }, { TALK_SAY, 0, "05", NULL, "READY" },
     { TALK_WAIT, CONTROL_QUIET_NS, NULL, NULL, "READY" }, SESSION);
TALK(unknown_active, ACTIVE,
     { TALK_SAY, 0, "63 ff*15", "03 00*47", "ACTIVE refused-request=unexpected-command/99" },
     { TALK_SAY, 0, "ff*7", NULL, "ACTIVE" }, { TALK_WAIT, CONTROL_QUIET_NS, NULL, NULL, "ACTIVE" },
     STOPPED);
/* neither the beginning of something nor an early event ends the pause */
TALK(unknown_part, OPENED, GARBAGE, { TALK_PART, 0, NULL, NULL, "READY" },
     { TALK_WAIT, CONTROL_QUIET_NS - 1, NULL, NULL, "READY" },
     { TALK_DEADLINE, 0, NULL, NULL, "READY" }, { TALK_SAY, 0, "05", NULL, "READY" },
     { TALK_WAIT, CONTROL_QUIET_NS, NULL, NULL, "READY" }, SESSION);
/* 4 KiB, not more */
TALK(unknown_4096, OPENED, GARBAGE, { TALK_SAY, 0, "ff*4096", NULL, "READY" },
     { TALK_WAIT, CONTROL_QUIET_NS, NULL, NULL, "READY" }, GARBAGE,
     { TALK_SAY, 0, "ff*4096", NULL, "READY" },
     { TALK_WAIT, CONTROL_QUIET_NS, NULL, NULL, "READY" }, SESSION);
TALK(unknown_4097, OPENED, GARBAGE, { TALK_SAY, 0, "ff*4096", NULL, "READY" },
     { TALK_SAY, 0, "ff", NULL, "CLOSING +close closed=garbage" });
TALK(unknown_4097_active, ACTIVE,
     { TALK_SAY, 0, "63 ff*15", "03 00*47", "ACTIVE refused-request=unexpected-command/99" },
     { TALK_SAY, 0, "ff*4096", NULL, "ACTIVE" },
     { TALK_SAY, 0, "ff", NULL, "CLOSING +close end#0 closed=garbage" });
/* the time of a message does not count for what is none */
TALK(unknown_message_timer, OPENED, { TALK_PART, 0, NULL, NULL, "READY" }, GARBAGE,
     { TALK_WAIT, CONTROL_QUIET_NS, NULL, NULL, "READY" },
     { TALK_WAIT, 899 * S, NULL, NULL, "READY" });
/* and SERVWAIT is SERVWAIT: garbage is something that is heard */
TALK(unknown_servwait, OPENED, { TALK_WAIT, 899 * S, NULL, NULL, "READY" }, GARBAGE,
     { TALK_WAIT, CONTROL_QUIET_NS, NULL, NULL, "READY" },
     { TALK_WAIT, 900 * S - CONTROL_QUIET_NS - 1, NULL, NULL, "READY" },
     { TALK_WAIT, 1, NULL, NULL, "CLOSING +close closed=servwait" });

/* R-072 R-103 R-112: every command number that is none */
START_TEST(unknown_numbers)
{
	static const struct talk_row opened[] = { OPENED, END_ROW };
	uint8_t block[16] = { 0 }, refusal[48] = { 3 };

	for (int i = 0; i < 256; i++) {
		if (i == 2 || i == 3 || i == 5 || i == 7 || i == 9) {
			continue;
		}
		talk_init(&t);
		talk_run(&t, opened);
		block[0] = (uint8_t)i;
		t.n_got = 0;
		talk_say(&t, block, sizeof(block));
		ck_assert_uint_eq(t.n_got, sizeof(refusal));
		ck_assert_mem_eq(t.got, refusal, sizeof(refusal));
		ck_assert_int_eq(t.control.state, CONTROL_READY);
		talk_end(&t);
	}
	talk_init(&t);
}
END_TEST

static const struct rows_talk talks[] = {
	T(request),
	T(request_alternate),
	T(request_packets),
	T(request_packets_refused),
	T(request_refused),
	T(request_errno),
	T(request_denied),
	T(request_active),
	T(start_one),
	T(start_filled),
	T(start_two),
	T(start_nothing),
	T(start_twice),
	T(start_fails),
	T(start_fails_second),
	T(start_fails_second_round),
	T(start_after_refusal),
	T(start_after_end),
	T(stop),
	T(stop_filled),
	T(stop_accept),
	T(stop_accept_77),
	T(stop_0),
	T(stop_65536),
	T(stop_2),
	T(stop_max),
	T(stop_ready),
	T(stop_ready_1),
	T(stop_accepted_1),
	T(stop_refwait),
	T(stop_refwait_0),
	T(stop_refwait_2),
	T(stop_refwait_some),
	T(stop_refwait_round),
	T(rounds),
	T(middle_ends),
	T(isc),
	T(isc_largest),
	T(isc_too_large),
	T(isc_max),
	T(isc_active),
	T(unknown),
	T(unknown_112),
	T(unknown_active),
	T(unknown_part),
	T(unknown_4096),
	T(unknown_4097),
	T(unknown_4097_active),
	T(unknown_message_timer),
	T(unknown_servwait),
};

START_TEST(conversation)
{
	snprintf(t.name, sizeof(t.name), "%s", talks[_i].name);
	talk_run(&t, talks[_i].rows);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("command");
	TCase *tc = tcase_create("command");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, start, finish);
	tcase_add_loop_test(tc, conversation, 0, (int)(sizeof(talks) / sizeof(talks[0])));
	tcase_add_test(tc, unknown_numbers);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
