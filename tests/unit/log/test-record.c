// SPDX-License-Identifier: BSD-2-Clause
/*
 * What an event is like when it is written: its level, and that nothing in it can harm a terminal
 * or the journal.
 */
#include "daemon/log/record.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define HOSTILE "x\033[2J\n\xc2\x9b\xe2\x80\xae\xff\xe2\x80\x8b\x7f"

static struct record r;

/* Not a sign in it that does more than to be seen. */
static void check_harmless(enum log_event event, const struct log_args *a, size_t n)
{
	record_fill(&r, event, a);
	ck_assert_uint_eq(r.n, n);
	for (unsigned i = 0; i < r.n; i++) {
		const char *s = r.text + r.at[i];

		ck_assert_ptr_nonnull(strchr(s, '='));
		for (; *s; s++) {
			ck_assert_msg((uint8_t)*s >= 0x20 && (uint8_t)*s < 0x7f, "%s", s);
		}
	}
	ck_assert(!strncmp(r.text, "MESSAGE=", 8));
}

/* every string of every event */
START_TEST(harmless)
{
	struct log_args a = { 0 };
	struct counters_values counters;
	size_t told = 0;
	const char **fields[] = {
#define X(name, journal, meaning) &a.name,
#include "daemon/log/fields.def"
#undef X
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		*fields[i] = HOSTILE;
	}
	for (int i = 0; i < COUNTER_COUNT; i++) {
		counters.n[i] = UINT64_MAX;
		told += (counters_rows[i].who & COUNTERS_TELL) != 0;
	}
	a.counters = &counters;
	a.tell = COUNTERS_TELL;
	for (int i = 0; i < LOG_EVENT_COUNT; i++) {
		check_harmless((enum log_event)i, &a,
			       4 + sizeof(fields) / sizeof(fields[0]) + told + 1);
	}
}
END_TEST

/* log.h: NOTICE = a peer was refused; INFO = sessions */
START_TEST(levels)
{
	static const enum log_event refusals[] = {
		LOG_EVENT_DENIED,	 LOG_EVENT_REFUSED_CONNECTION, LOG_EVENT_REFUSED_REQUEST,
		LOG_EVENT_REFUSED_START, LOG_EVENT_REFUSED_STOP,       LOG_EVENT_AUTH_FAILED,
		LOG_EVENT_FORGED,	 LOG_EVENT_VIOLATION,	       LOG_EVENT_STOP_WRONG,
		LOG_EVENT_CROWDED,	 LOG_EVENT_LIGHT_DENIED,
	};
	static const enum log_event sessions[] = {
		LOG_EVENT_ESTABLISHED,	    LOG_EVENT_CLOSED,	     LOG_EVENT_SESSION_ACCEPTED,
		LOG_EVENT_SESSIONS_STARTED, LOG_EVENT_SESSION_ENDED,
	};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		ck_assert_int_le(record_level(refusals[i]), LOG_NOTICE);
		ck_assert(record_lane(refusals[i]) == BUDGET_REFUSAL ||
			  record_lane(refusals[i]) == BUDGET_SECURITY);
	}
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
		ck_assert_int_eq(record_level(sessions[i]), LOG_INFO);
	}
	/* What peers cannot cause at will has no limit, and nobody's reserve is for chatter. */
	for (int e = 0; e < LOG_EVENT_COUNT; e++) {
		if (record_lane((enum log_event)e) == BUDGET_SECURITY) {
			ck_assert_int_le(record_level((enum log_event)e), LOG_NOTICE);
		}
	}
}
END_TEST

/* However long: it ends, and MESSAGE is there. */
START_TEST(long_texts)
{
	static char longest[4096];
	struct log_args a = { .detail = longest, .peer = longest, .reason = "no-class" };

	memset(longest, 'a', sizeof(longest) - 1);
	longest[5] = '\033';
	record_fill(&r, LOG_EVENT_DENIED, &a);
	ck_assert_uint_le(r.used, sizeof(r.text));
	for (unsigned i = 0; i < r.n; i++) {
		ck_assert_uint_lt(r.at[i] + strlen(r.text + r.at[i]), sizeof(r.text));
	}
	ck_assert(!strncmp(r.text, "MESSAGE=connection from aaaaa\\x1b", 31));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("record");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, harmless);
	tcase_add_test(tcase, levels);
	tcase_add_test(tcase, long_texts);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
