// SPDX-License-Identifier: BSD-2-Clause
/* What a run prints: the table and the object are two views of the same sums. R-318 */
#include "client/show/result.h"
#include "protocol/accept.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct plan plan;
static struct probe probe;
static struct measure m;
static char *text, *json, *errors;

static void set_up(void)
{
	plan = (struct plan){
		.host = "far.example", .count = 100, .interval_ns = 20000000, .ttl = 255
	};
	probe = (struct probe){ .send_octets = 41, .start_accept = -1, .stop_accept = -1 };
	m = (struct measure){
		.plan = &plan,
		.controlled = true,
		.modes = MODE_UNAUTHENTICATED,
		.probes = &probe,
		.probe_count = 1,
		.ran = true,
		.clock = { .synchronized = true, .error_ns = 2000000 },
	};
	m.summary = (struct summary){
		.sent = 100,
		.answered = 90,
		.loss = { .known = true, .total = 10, .out = 7, .in = 3 },
		.direction_known = true,
		.reflector_synchronized = true,
		.reflector_error_ns = 1000000,
	};
	for (int i = 0; i < SERIES_DELAYS; i++) {
		m.summary.spread[i] = (struct tally_view){
			.n = 90,
			.pairs = 89,
			.min_ns = 4000000,
			.median_ns = 5000000,
			.mean_ns = 5500000,
			.p95_ns = 7000000,
			.p99_ns = 8000000,
			.max_ns = 9000000,
			.jitter_ns = 250000,
		};
	}
}

static void tear_down(void)
{
	free(text);
	free(json);
	free(errors);
	text = json = errors = NULL;
}

static void show(void)
{
	size_t n;
	FILE *out, *err, *object;

	tear_down();
	out = open_memstream(&text, &n);
	err = open_memstream(&errors, &n);
	object = open_memstream(&json, &n);
	ck_assert(out && err && object);
	result_text(&m, out, err);
	result_json(&m, object);
	ck_assert(!fclose(out) && !fclose(err) && !fclose(object));
}

static void says(const char *in, const char *what)
{
	ck_assert_msg(strstr(in, what), "\"%s\" is not in:\n%s", what, in);
}

static void says_not(const char *in, const char *what)
{
	ck_assert_msg(!strstr(in, what), "\"%s\" is in:\n%s", what, in);
}

START_TEST(counts_and_delays)
{
	show();
	says(text, "100 sent, 90 answered, 10 lost (10 %)");
	says(text, "lost        7 outbound, 3 inbound\n");
	says(text, "  round trip        4.000       5.000       5.500       7.000");
	says(text, "clock error: own up to 2.000 ms, reflector up to 1.000 ms");
	says_not(text, "unreliable");
	says(json, "\"sent\":100,\"answered\":90,\"lost\":10");
	says(json, "\"lost_outbound\":7,\"lost_inbound\":3");
	says(json, "\"round_trip\":{\"samples\":90,\"reliable\":true,\"min\":4000000");
	ck_assert_uint_eq(strcspn(json, "\n"), strlen(json) - 1); /* one line */
	ck_assert_str_eq(errors, "");
}
END_TEST

/* T-033: one-way delays need two clocks that follow UTC; a round trip needs none. */
START_TEST(clocks)
{
	m.summary.reflector_synchronized = false;
	ck_assert(!result_reliable(&m, SERIES_OUTBOUND) && !result_reliable(&m, SERIES_INBOUND));
	ck_assert(result_reliable(&m, SERIES_ROUND_TRIP) && result_reliable(&m, SERIES_DWELL));
	show();
	says(text, "unreliable: the clock of the reflector is not synchronised");
	says(json, "\"outbound\":{\"samples\":90,\"reliable\":false");
	m.clock.synchronized = false;
	show();
	says(text, "the clock of this host and of the reflector is not synchronised");
	m.summary.reflector_synchronized = true;
	show();
	says(text, "the clock of this host is not synchronised");
	m.clock.synchronized = true;
	m.clock.error_ns = 30000000; /* more than the delay */
	show();
	says(text, "the clocks may be 31.000 ms apart");
}
END_TEST

START_TEST(sum_of_errors)
{
	ck_assert_int_eq(result_error_ns(&m), 3000000);
	m.clock.error_ns = -1;
	ck_assert_int_eq(result_error_ns(&m), -1);
	m.clock.error_ns = INT64_MAX;
	ck_assert_int_eq(result_error_ns(&m), -1);
}
END_TEST

/* A reflector that copies numbers does not tell directions; nothing is made up. */
START_TEST(directions_unknown)
{
	m.summary.direction_known = m.summary.loss.known = false;
	m.summary.duplicates_out = 4;
	show();
	says(text, "lost        directions unknown\n");
	says(text, "duplicates  4\n");
	says(json, "\"lost_outbound\":null,\"lost_inbound\":null");
	says(json, "\"duplicates\":4,\"duplicates_outbound\":null");
}
END_TEST

/* Each oddity is in both, and none is told that did not happen. */
START_TEST(oddities)
{
	show();
	says_not(text, "ignored");
	says_not(text, "no SSID");
	says(json, "\"without_ssid\":null"); /* there are none but in STAMP */
	plan.stamp = true;
	m.modes = 0;
	m.counts = (struct probe_counts){ .bad_length = 1,
					  .bad_source = 2,
					  .hmac_failures = 3,
					  .ssid_missing = 4,
					  .send_errors = 5 };
	m.summary.late = 6;
	m.summary.unknown_seq = 7;
	show();
	says(text, "1 too short, 2 from elsewhere, 7 to packets never sent");
	says(text, "ignored     3 with a wrong HMAC");
	says(text, "no SSID     4 replies");
	says(text, "not sent    5 packets");
	says(text, "late        6 replies");
	says(json, "\"ignored_short\":1,\"ignored_source\":2,\"ignored_never_sent\":7");
	says(json, "\"hmac_failures\":3");
	says(json, "\"without_ssid\":4");
	says(json, "\"send_errors\":5");
	says(json, "\"late\":6");
}
END_TEST

START_TEST(dscp_on_the_way)
{
	plan.dscp = 46;
	m.tos_seen[46 << 2] = 88;
	show();
	says_not(text, "warning");
	m.tos_seen[0] = 2;
	show();
	says(text, "arrived     88 packets with DSCP 46 (EF), ECN Not-ECT");
	says(text, "warning: the DSCP was changed on the way");
}
END_TEST

/* What a peer or user wrote cannot end the object, nor move a terminal. */
START_TEST(names_are_quoted)
{
	(void)snprintf(plan.host, sizeof plan.host, "a\"b\\c\x1b[2J");
	(void)snprintf(m.key_id, sizeof m.key_id, "k\"\x1b]0;\a");
	show();
	says_not(json, "a\"b");
	says_not(json, "\x1b");
	says_not(strstr(text, "  key "), "\x1b");
}
END_TEST

/* Nothing was sent: no table, and the reason on the other stream. */
START_TEST(a_refusal)
{
	m.ran = false;
	m.outcome = (struct outcome){ .kind = OUTCOME_REFUSED,
				      .accept = ACCEPT_PERMANENT,
				      .carrier = "Accept-Session" };
	show();
	ck_assert_str_eq(text, "");
	says(errors, "Permanent Resource Limitation");
	says(json, "\"accept\":4");
	says(json, "\"name\":\"Permanent Resource Limitation\"");
	says_not(json, "\"sent\"");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("result");
	TCase *t = tcase_create("result");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, counts_and_delays);
	tcase_add_test(t, clocks);
	tcase_add_test(t, sum_of_errors);
	tcase_add_test(t, directions_unknown);
	tcase_add_test(t, oddities);
	tcase_add_test(t, dscp_on_the_way);
	tcase_add_test(t, names_are_quoted);
	tcase_add_test(t, a_refusal);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
