// SPDX-License-Identifier: BSD-2-Clause
/* What was refused to whom: those of one client for one reason as one, the oldest make room. */
#include "daemon/server/refusals.h"

#include "protocol/carry.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct refusals *r;
static struct settings settings;
static struct settings_class lab = { .name = "lab" };
static struct refusals_tally of_class;
static struct client client;
static struct control control;
static struct admit_total total;
static int64_t clock_s;

static void set_up(void)
{
	r = refusals_new();
	ck_assert_ptr_nonnull(r);
	of_class = (struct refusals_tally){ 0 };
	client = (struct client){ .key = { .family = 4, .bits = 32, .ip = { 192, 0, 2, 1 } } };
	control = (struct control){ .total = &total, .client = &client.admit };
	memcpy(control.setup.key_id, "probe", 5);
	clock_s = 1000;
}

static void tear_down(void)
{
	refusals_free(r);
}

static void note(struct control_report report)
{
	const struct reached_rules rules = { &settings, &lab, &lab.policy };
	struct control_out out = { .n_reports = 1, .reports = { report } };

	refusals_note(r, &control, &rules, &out, &of_class, &client,
		      (struct wall){ ++clock_s * TS_NS_PER_S });
}

static void refuse(enum reason reason)
{
	note((struct control_report){ .fact = CONTROL_FACT_REFUSED_REQUEST,
				      .reason = reason,
				      .code = reason_info(reason)->code });
}

static const struct refusal *newest(void)
{
	return (const void *)refusals_roll(r)->first;
}

START_TEST(same_client_and_reason_is_one)
{
	for (int i = 0; i < 10000; i++) {
		refuse(REASON_DSCP);
	}
	refuse(REASON_LOOP);
	refuse(REASON_DSCP);
	ck_assert_uint_eq(refusals_roll(r)->n, 2);
	ck_assert_int_eq(newest()->reason, REASON_DSCP);
	ck_assert_uint_eq(newest()->count, 10001);
	ck_assert_int_eq(newest()->first.ns, 1001 * TS_NS_PER_S);
	ck_assert_int_eq(newest()->last.ns, clock_s * TS_NS_PER_S);
	ck_assert_int_eq(newest()->code, ACCEPT_UNSUPPORTED);
	ck_assert_str_eq(newest()->class, "lab");
	ck_assert_str_eq((const char *)newest()->key_id, "probe");
	ck_assert_uint_eq(client.refused, 10002);
	ck_assert_int_eq(client.refused_last, REASON_DSCP);
}
END_TEST

/* Another kind of message is another row, though the reason is the same. */
START_TEST(kinds_are_apart)
{
	static const enum control_fact facts[] = {
		CONTROL_FACT_REFUSED_CONNECTION,
		CONTROL_FACT_REFUSED_REQUEST,
		CONTROL_FACT_REFUSED_START,
		CONTROL_FACT_REFUSED_STOP,
	};

	for (unsigned i = 0; i < 4; i++) {
		note((struct control_report){ .fact = facts[i], .reason = REASON_DRAINING });
		ck_assert_int_eq(newest()->kind, REFUSALS_CONNECTION + (int)i);
	}
	ck_assert_uint_eq(refusals_roll(r)->n, 4);
	ck_assert_uint_eq(refusals_total(r)->refused[REASON_DRAINING], 4);
}
END_TEST

/* No Accept code tells the client of these. */
START_TEST(greetings_without_a_mode_count)
{
	note((struct control_report){ .fact = CONTROL_FACT_CLOSED, .why = CONTROL_WHY_DENIED });
	ck_assert_int_eq(newest()->reason, REASON_NO_CLASS);
	ck_assert_int_eq(newest()->kind, REFUSALS_CONNECTION);
	control.modes_offered = 1;
	note((struct control_report){ .fact = CONTROL_FACT_CLOSED, .why = CONTROL_WHY_MODE_ZERO });
	ck_assert_int_eq(newest()->reason, REASON_NO_MODE);
	ck_assert_int_eq(newest()->code, ACCEPT_OK);
	note((struct control_report){ .fact = CONTROL_FACT_CLOSED, .why = CONTROL_WHY_PEER });
	ck_assert_uint_eq(refusals_roll(r)->n, 2);
}
END_TEST

START_TEST(what_is_counted)
{
	note((struct control_report){ .fact = CONTROL_FACT_ESTABLISHED });
	note((struct control_report){ .fact = CONTROL_FACT_ACCEPTED });
	note((struct control_report){ .fact = CONTROL_FACT_ACCEPTED });
	refuse(REASON_MAX_SESSIONS);
	refuse(REASON_RATE_LIMIT);
	ck_assert_uint_eq(of_class.connections, 1);
	ck_assert_uint_eq(of_class.requests[ACCEPT_OK], 2);
	ck_assert_uint_eq(of_class.requests[ACCEPT_PERMANENT], 1);
	ck_assert_uint_eq(of_class.requests[ACCEPT_TEMPORARY], 1);
	ck_assert_uint_eq(of_class.refused[REASON_MAX_SESSIONS], 1);
	ck_assert_mem_eq(&of_class, refusals_total(r), sizeof of_class);
}
END_TEST

START_TEST(the_limit_that_was_reached_is_told)
{
	lab.policy.max_sessions_per_connection = 7;
	control.sessions = 7;
	refuse(REASON_MAX_SESSIONS_PER_CONNECTION);
	ck_assert_str_eq(newest()->reached.now, "7");
	ck_assert_str_eq(newest()->reached.limit, "7");
	ck_assert_str_eq(newest()->reached.setting,
			 "limits.max_sessions_per_connection, the default");
}
END_TEST

/* Strangers without end: memory is fixed, and who was refused last is known. */
START_TEST(the_oldest_makes_room)
{
	for (unsigned i = 0; i < 3 * REFUSALS_KEPT; i++) {
		client.key.ip[2] = (uint8_t)(i >> 8);
		client.key.ip[3] = (uint8_t)i;
		refuse(REASON_NO_CLASS);
	}
	ck_assert_uint_eq(refusals_roll(r)->n, REFUSALS_KEPT);
	ck_assert_mem_eq(&newest()->client, &client.key, sizeof client.key);
	ck_assert_uint_eq(newest()->count, 1);
	client.key.ip[2] = client.key.ip[3] = 0; /* the first one was forgotten */
	refuse(REASON_NO_CLASS);
	ck_assert_uint_eq(newest()->count, 1);
	ck_assert_uint_eq(refusals_total(r)->refused[REASON_NO_CLASS], 3 * REFUSALS_KEPT + 1);
}
END_TEST

static void pass_minutes(int n)
{
	static int64_t now_s = 1;

	refusals_tick(r, (struct mono){ now_s * TS_NS_PER_S });
	now_s += (int64_t)60 * n;
	refusals_tick(r, (struct mono){ now_s * TS_NS_PER_S });
}

START_TEST(recent_minutes)
{
	pass_minutes(0);
	refuse(REASON_DSCP);
	pass_minutes(1);
	refuse(REASON_DSCP);
	ck_assert_uint_eq(refusals_recent(r, REASON_DSCP, 1), 1);
	ck_assert_uint_eq(refusals_recent(r, REASON_DSCP, 5), 2);
	pass_minutes(4);
	ck_assert_uint_eq(refusals_recent(r, REASON_DSCP, 5), 1);
	ck_assert_uint_eq(refusals_recent(r, REASON_DSCP, 60), 2);
	ck_assert_uint_eq(refusals_recent(r, REASON_LOOP, 60), 0);
	pass_minutes(100000); /* suspended */
	ck_assert_uint_eq(refusals_recent(r, REASON_DSCP, 60), 0);
	refuse(REASON_DSCP);
	pass_minutes(1);
	ck_assert_uint_eq(refusals_recent(r, REASON_DSCP, 1), 0);
	ck_assert_uint_eq(refusals_recent(r, REASON_DSCP, 2), 1);
}
END_TEST

/* What was counted goes on in the next process, whatever numbers the reasons have there. */
START_TEST(tallies_go_on)
{
	uint8_t octets[4096];
	struct carry k = { .way = CARRY_SAVE, .at = octets, .left = sizeof(octets) };
	struct refusals_tally next = { 0 };
	size_t size;

	refuse(REASON_DSCP);
	refuse(REASON_DSCP);
	refuse(REASON_MAX_SESSIONS);
	note((struct control_report){ .fact = CONTROL_FACT_ACCEPTED });
	refusals_tally_carry(&k, &of_class);
	ck_assert(!k.bad);
	size = k.used;
	k = (struct carry){ .way = CARRY_LOAD, .at = octets, .left = size };
	refusals_tally_carry(&k, &next);
	ck_assert(!k.bad && !k.left);
	ck_assert_mem_eq(&next, &of_class, sizeof(next));
	ck_assert_uint_eq(next.refused[REASON_DSCP], 2);
	for (size_t part = 0; part < size; part++) { /* the end is missing */
		k = (struct carry){ .way = CARRY_LOAD, .at = octets, .left = part };
		refusals_tally_carry(&k, &next);
		ck_assert(k.bad);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("refusals");
	TCase *t = tcase_create("refusals");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, same_client_and_reason_is_one);
	tcase_add_test(t, kinds_are_apart);
	tcase_add_test(t, greetings_without_a_mode_count);
	tcase_add_test(t, what_is_counted);
	tcase_add_test(t, the_limit_that_was_reached_is_told);
	tcase_add_test(t, the_oldest_makes_room);
	tcase_add_test(t, recent_minutes);
	tcase_add_test(t, tallies_go_on);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
