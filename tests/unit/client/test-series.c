// SPDX-License-Identifier: BSD-2-Clause
/* Which replies count, and what they say about loss, duplicates and order. */
#include "client/measure/series.h"

#include <check.h>
#include <stdlib.h>

#define T0 INT64_C(1700000000000000000)
#define MS INT64_C(1000000)
#define N 10

static struct series s;

/* N packets, 10 ms apart. */
static void setup(void)
{
	ck_assert_int_eq(series_init(&s, N, 500 * MS), 0);
	for (uint32_t i = 0; i < N; i++) {
		series_sent(&s, i, (struct wall){ T0 + i * 10 * MS });
	}
}

static void teardown(void)
{
	series_wipe(&s);
	series_wipe(&s); /* twice is right */
}

/* Out 3 ms, dwell 1 ms, back 5 ms, later by @extra_ns on the way back. */
static enum series_verdict reply_later(uint32_t seq, uint32_t reflector_seq, int64_t extra_ns)
{
	int64_t t1 = T0 + (int64_t)seq * 10 * MS;
	struct pkt_reply r = { .seq = reflector_seq,
			       .ts = ts_encode(TS_NTP, (struct wall){ t1 + 4 * MS }),
			       .rx_ts = ts_encode(TS_NTP, (struct wall){ t1 + 3 * MS }),
			       .error_estimate = TS_EE_SYNC | 1,
			       .ttl = 250,
			       .sender.seq = seq };

	return series_reply(&s, &r, (struct wall){ t1 + 9 * MS + extra_ns }, 251);
}

static enum series_verdict reply(uint32_t seq, uint32_t reflector_seq)
{
	return reply_later(seq, reflector_seq, 0);
}

START_TEST(delays)
{
	const int64_t expected[SERIES_DELAYS] = { 3 * MS, 5 * MS, 8 * MS, MS };

	ck_assert_int_eq(reply(0, 0), SERIES_COUNTED); /* T-037 */
	ck_assert(s.samples[0].timed);
	for (int i = 0; i < SERIES_DELAYS; i++) {
		ck_assert_int_le(llabs(s.samples[0].delay_ns[i] - expected[i]), 2);
	}
	ck_assert_uint_eq(s.sender_ttl.min, 250);
	ck_assert_uint_eq(s.reply_ttl.max, 251);
	ck_assert(!s.reflector_unsynchronized);
}
END_TEST

START_TEST(never_sent) /* T-060 */
{
	ck_assert_int_eq(reply(N, 0), SERIES_NEVER_SENT);
	ck_assert_int_eq(reply(UINT32_MAX, 0), SERIES_NEVER_SENT);
	s.samples[4].state = SERIES_UNSENT; /* the system failed to send it */
	ck_assert_int_eq(reply(4, 0), SERIES_NEVER_SENT);
	ck_assert_uint_eq(s.unknown_seq, 3);
	ck_assert_uint_eq(s.answered, 0);
}
END_TEST

START_TEST(late) /* T-062 */
{
	ck_assert_int_eq(reply_later(0, 0, 491 * MS), SERIES_COUNTED);
	ck_assert_int_eq(reply_later(1, 1, 492 * MS), SERIES_TOO_LATE);
	ck_assert_int_eq(reply_later(1, 1, 493 * MS), SERIES_DUPLICATE);
	ck_assert_uint_eq(s.answered, 1);
	ck_assert_uint_eq(s.late, 1);
}
END_TEST

START_TEST(loss_by_direction) /* T-063 */
{
	struct series_loss loss;
	uint32_t own = 0;

	/* 2 and 5 never arrive; the replies to 7 and 9 are lost. */
	for (uint32_t i = 0; i < N; i++) {
		if (i == 2 || i == 5) {
			continue;
		}
		if (i != 7 && i != 9) {
			ck_assert_int_eq(reply(i, own), SERIES_COUNTED);
		}
		own++;
	}
	loss = series_loss(&s, true);
	ck_assert(loss.known);
	ck_assert_uint_eq(loss.total, 4);
	/* what is lost on the way back after the last reply counts as outbound */
	ck_assert_uint_eq(loss.out, 3);
	ck_assert_uint_eq(loss.in, 1);
}
END_TEST

START_TEST(loss_and_duplicates) /* T-063 */
{
	struct series_loss loss;

	/* 1 is lost on its way out, 3 is doubled there, the reply to 4 on its way back. */
	ck_assert_int_eq(reply(0, 0), SERIES_COUNTED);
	ck_assert_int_eq(reply(2, 1), SERIES_COUNTED);
	ck_assert_int_eq(reply(3, 2), SERIES_COUNTED);
	ck_assert_int_eq(reply(3, 3), SERIES_DUPLICATE);
	ck_assert_int_eq(reply(4, 4), SERIES_COUNTED);
	ck_assert_int_eq(reply(4, 4), SERIES_DUPLICATE);
	for (uint32_t i = 5; i < N; i++) {
		ck_assert_int_eq(reply(i, i), SERIES_COUNTED);
	}
	ck_assert_uint_eq(s.duplicates_out, 1);
	ck_assert_uint_eq(s.duplicates_in, 1);
	loss = series_loss(&s, true);
	ck_assert(loss.known);
	ck_assert_uint_eq(loss.out, 1);
	ck_assert_uint_eq(loss.in, 0);
}
END_TEST

START_TEST(loss_without_direction) /* T-063 T-071 */
{
	ck_assert(!series_loss(&s, true).known); /* not one reply */
	ck_assert_int_eq(reply(0, 0), SERIES_COUNTED);
	ck_assert_int_eq(reply(2, 2), SERIES_COUNTED);
	ck_assert(!series_loss(&s, false).known); /* may be copies */
	ck_assert_int_eq(reply(4, 3), SERIES_COUNTED);
	ck_assert(series_loss(&s, false).known);
	ck_assert_int_eq(reply(5, UINT32_MAX), SERIES_COUNTED);
	ck_assert(!series_loss(&s, true).known);
	ck_assert_uint_eq(series_loss(&s, true).total, 6);
}
END_TEST

START_TEST(reordered_inbound) /* */
{
	ck_assert_int_eq(reply(0, 0), SERIES_COUNTED);
	ck_assert_int_eq(reply(2, 2), SERIES_COUNTED);
	ck_assert_int_eq(reply(1, 1), SERIES_COUNTED);
	ck_assert_int_eq(reply(3, 3), SERIES_COUNTED);
	ck_assert_uint_eq(s.reordered_in, 1);
}
END_TEST

START_TEST(multiplier_zero) /* T-034 */
{
	struct pkt_reply r = { .error_estimate = TS_EE_SYNC };

	ck_assert_int_eq(series_reply(&s, &r, (struct wall){ T0 + MS }, 255), SERIES_COUNTED);
	ck_assert_uint_eq(s.answered, 1);
	ck_assert_uint_eq(s.corrupt, 1);
	ck_assert(!s.samples[0].timed);
}
END_TEST

START_TEST(differences) /* T-037 T-038 */
{
	ts_wire before_era = UINT64_C(0xffffffff80000000), after_era = UINT64_C(0x0000000180000000);

	ck_assert_int_eq(series_between_ns(TS_NTP, before_era, after_era), 2 * TS_NS_PER_S);
	ck_assert_int_eq(series_between_ns(TS_NTP, after_era, before_era), -2 * TS_NS_PER_S);
	ck_assert_int_eq(series_between_ns(TS_NTP, 0, UINT64_C(1) << 31), TS_NS_PER_S / 2);
	ck_assert_int_eq(series_between_ns(TS_PTP, UINT64_C(0xffffffff) << 32 | 999999999, 1), 2);
	ck_assert_int_eq(series_between_ns(TS_PTP, UINT64_C(5) << 32, UINT64_C(3) << 32),
			 -2 * TS_NS_PER_S);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("series");
	TCase *c = tcase_create("replies");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, delays);
	tcase_add_test(c, never_sent);
	tcase_add_test(c, late);
	tcase_add_test(c, loss_by_direction);
	tcase_add_test(c, loss_and_duplicates);
	tcase_add_test(c, loss_without_direction);
	tcase_add_test(c, reordered_inbound);
	tcase_add_test(c, multiplier_zero);
	tcase_add_test(c, differences);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
