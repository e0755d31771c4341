// SPDX-License-Identifier: BSD-2-Clause
/* Which replies count, and what they say about delay, loss, duplicates and order. */
#include "client/measure/series.h"

#include <check.h>
#include <stdlib.h>

#define T0 INT64_C(1700000000000000000)
#define MS INT64_C(1000000)
#define N 10

static struct series s;

/* Wall and monotonic time, @offset_ns after the start; @step_ns = the wall clock was set by. */
static struct clock_pair when(int64_t offset_ns, int64_t step_ns)
{
	return (struct clock_pair){ { T0 + offset_ns + step_ns }, { 1000 * MS + offset_ns } };
}

static ts_wire stamp_of(uint64_t index)
{
	return ts_encode(TS_NTP, when((int64_t)index * 10 * MS, 0).wall);
}

static void send_until(uint64_t end)
{
	while (s.next < end) {
		series_sent(&s, stamp_of(s.next), when((int64_t)s.next * 10 * MS, 0));
	}
}

static void start(bool controlled)
{
	series_wipe(&s);
	ck_assert_int_eq(series_init(&s, N, 500 * MS, controlled), 0);
	send_until(N);
}

static void setup(void)
{
	ck_assert_int_eq(series_init(&s, N, 500 * MS, true), 0);
	send_until(N);
}

static void teardown(void)
{
	series_wipe(&s);
	series_wipe(&s); /* twice is right */
}

/* Out 3 ms, dwell 1 ms, back 5 ms. */
static struct pkt_reply make(uint64_t index, uint32_t number)
{
	int64_t t1 = (int64_t)index * 10 * MS;

	return (struct pkt_reply){ .seq = number,
				   .ts = ts_encode(TS_NTP, when(t1 + 4 * MS, 0).wall),
				   .rx_ts = ts_encode(TS_NTP, when(t1 + 3 * MS, 0).wall),
				   .error_estimate = TS_EE_SYNC | 1,
				   .ttl = 250,
				   .sender = { .seq = (uint32_t)index, .ts = stamp_of(index) } };
}

static struct series_reading reading;

static enum series_verdict take(uint64_t index, const struct pkt_reply *r, int64_t extra_ns,
				int64_t step_ns)
{
	struct clock_pair t4 = when((int64_t)index * 10 * MS + 9 * MS + extra_ns, step_ns);
	struct series_arrival a = { .stamped = true, .t4 = t4.wall, .now = t4, .ttl = 251 };

	/* read 7 us after it came */
	a.now.wall.ns += 7000;
	a.now.mono.ns += 7000;
	return series_reply(&s, r, &a, &reading);
}

static enum series_verdict reply_later(uint64_t index, uint32_t number, int64_t extra_ns)
{
	struct pkt_reply r = make(index, number);

	return take(index, &r, extra_ns, 0);
}

static enum series_verdict reply(uint64_t index, uint32_t number)
{
	return reply_later(index, number, 0);
}

static void is_delay(enum series_delay which, int64_t expected_ns)
{
	ck_assert(reading.known[which]);
	ck_assert_msg(llabs(reading.delay_ns[which] - expected_ns) <= 2, "%d: %lld, not %lld",
		      which, (long long)reading.delay_ns[which], (long long)expected_ns);
}

START_TEST(delays)
{
	ck_assert_int_eq(reply(0, 0), SERIES_COUNTED); /* T-037 */
	is_delay(SERIES_OUTBOUND, 3 * MS);
	is_delay(SERIES_INBOUND, 5 * MS);
	is_delay(SERIES_ROUND_TRIP, 8 * MS);
	is_delay(SERIES_DWELL, MS);
	ck_assert_uint_eq(s.sender_ttl.min, 250);
	ck_assert_uint_eq(s.reply_ttl.max, 251);
	ck_assert(!s.reflector_unsynchronized);
}
END_TEST

START_TEST(true_departure)
{
	series_departed(&s, 0, (struct wall){ T0 + 20000 });
	series_departed(&s, 1,
			(struct wall){ T0 + 10 * MS - 5 }); /* before T1: not of this packet */
	ck_assert_int_eq(reply(0, 0), SERIES_COUNTED);
	is_delay(SERIES_OUTBOUND, 3 * MS - 20000);
	is_delay(SERIES_ROUND_TRIP, 8 * MS - 20000);
	ck_assert_int_eq(reply(1, 1), SERIES_COUNTED);
	is_delay(SERIES_ROUND_TRIP, 8 * MS);
	ck_assert_uint_eq(s.departures, 1);
}
END_TEST

START_TEST(a_step_of_the_clock)
{
	for (uint64_t i = 0; i < 2; i++) {
		struct pkt_reply r = make(i, (uint32_t)i);

		ck_assert_int_eq(take(i, &r, 0, i == 0 ? -9800 * MS : 3600 * TS_NS_PER_S),
				 SERIES_COUNTED);
		is_delay(SERIES_ROUND_TRIP, 8 * MS + 7000); /* as read by this program */
		ck_assert(!reading.known[SERIES_OUTBOUND] && !reading.known[SERIES_INBOUND]);
	}
	ck_assert_uint_eq(s.odd[SERIES_ODD_STEP], 2);
	ck_assert_uint_eq(s.answered, 2);
}
END_TEST

START_TEST(never_sent) /* T-060 */
{
	struct pkt_reply r = make(UINT32_MAX, 0);

	ck_assert_int_eq(reply(N, 0), SERIES_NEVER_SENT);
	ck_assert_int_eq(take(0, &r, 0, 0), SERIES_NEVER_SENT);
	series_skipped(&s); /* the system failed to send it */
	ck_assert_int_eq(reply(N, 0), SERIES_NEVER_SENT);
	ck_assert_uint_eq(s.unknown_seq, 3);
	ck_assert_uint_eq(s.answered, 0);
}
END_TEST

START_TEST(stale)
{
	struct pkt_reply r = make(3, 3);

	r.sender.ts -= 77;
	ck_assert_int_eq(take(3, &r, 0, 0), SERIES_STALE);
	ck_assert_int_eq(reply(3, 3), SERIES_COUNTED); /* the right one still counts */
	r = make(4, 4);
	r.sender.ts = 0;
	ck_assert_int_eq(take(4, &r, 0, 0), SERIES_COUNTED);
	ck_assert_uint_eq(s.stale, 1);
	ck_assert_uint_eq(s.not_copied, 1);
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

START_TEST(implausible) /* S-256 */
{
	struct pkt_reply r = make(0, 0);

	r.ts = 0;
	ck_assert_int_eq(take(0, &r, 0, 0), SERIES_COUNTED);
	ck_assert(!reading.known[SERIES_ROUND_TRIP] && !reading.known[SERIES_OUTBOUND]);
	r = make(1, 1);
	r.ts = r.rx_ts - (UINT64_C(1) << 30);
	ck_assert_int_eq(take(1, &r, 0, 0), SERIES_COUNTED);
	r = make(2, 2);
	r.ts = r.rx_ts + (UINT64_C(1) << 30); /* 250 ms in a round trip of 9 */
	ck_assert_int_eq(take(2, &r, 0, 0), SERIES_COUNTED);
	r = make(3, 3);
	r.ttl = 0;
	ck_assert_int_eq(take(3, &r, 0, 0), SERIES_COUNTED);
	ck_assert(reading.known[SERIES_ROUND_TRIP]);
	r = make(4, 4);
	r.error_estimate = TS_EE_SYNC; /* T-034 */
	ck_assert_int_eq(take(4, &r, 0, 0), SERIES_COUNTED);
	ck_assert(!reading.known[SERIES_DWELL]);
	for (unsigned i = 0; i < SERIES_ODDS; i++) {
		ck_assert_uint_eq(s.odd[i], i == SERIES_ODD_STEP ? 0 : 1);
	}
	ck_assert_uint_eq(s.answered, 5);
	ck_assert_uint_eq(s.delay[SERIES_ROUND_TRIP].h.n, 1);
	ck_assert(!s.sender_ttl.any || s.sender_ttl.min > 0);
}
END_TEST

START_TEST(seconds_of_tai)
{
	struct pkt_reply r = make(0, 0);

	r.ts += UINT64_C(37) << 32;
	r.rx_ts += UINT64_C(37) << 32;
	ck_assert_int_eq(take(0, &r, 0, 0), SERIES_COUNTED);
	ck_assert_uint_eq(s.scale_37, 1);
	is_delay(SERIES_ROUND_TRIP, 8 * MS);
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
	series_finish(&s);
	loss = series_loss(&s);
	ck_assert(loss.known);
	ck_assert_uint_eq(loss.total, 4);
	ck_assert_uint_eq(loss.out, 2);
	ck_assert_uint_eq(loss.in, 1);
	ck_assert_uint_eq(loss.unknown, 1); /* nothing tells of what comes after the last reply */
	ck_assert_uint_eq(s.longest_run, 1);
	ck_assert_uint_eq(s.loss_periods, 4);
}
END_TEST

START_TEST(own_drops_are_no_loss_of_a_direction)
{
	struct series_loss loss;

	for (uint32_t i = 0; i < N; i++) {
		if (i < 3 || i > 6) {
			ck_assert_int_eq(reply(i, i), SERIES_COUNTED);
		}
	}
	s.own_drops = 3;
	loss = series_loss(&s);
	ck_assert_uint_eq(loss.total, 4);
	ck_assert_uint_eq(loss.here, 3);
	ck_assert_uint_eq(loss.in, 1);
	ck_assert_uint_eq(loss.out, 0);
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
	loss = series_loss(&s);
	ck_assert(loss.known);
	ck_assert_uint_eq(loss.out, 1);
	ck_assert_uint_eq(loss.in, 0);
}
END_TEST

START_TEST(loss_without_direction) /* T-063 T-071 */
{
	ck_assert(!series_loss(&s).known); /* not one reply */
	start(false);
	ck_assert_int_eq(reply(0, 0), SERIES_COUNTED);
	ck_assert_int_eq(reply(2, 2), SERIES_COUNTED);
	ck_assert(!series_loss(&s).known); /* may be copies */
	ck_assert_int_eq(reply(4, 3), SERIES_COUNTED);
	ck_assert(series_loss(&s).known);
	ck_assert_int_eq(reply(5, UINT32_MAX), SERIES_COUNTED);
	ck_assert_uint_eq(series_loss(&s).total, 6);
}
END_TEST

START_TEST(numbers_that_cannot_be)
{
	ck_assert_int_eq(reply(0, 0), SERIES_COUNTED);
	ck_assert_int_eq(reply(5, 70000), SERIES_COUNTED);
	ck_assert(!series_loss(&s).known);
}
END_TEST

START_TEST(numbers_may_begin_anywhere)
{
	struct series_loss loss;

	start(false);
	for (uint32_t i = 2; i < N; i++) {
		if (i != 4) {
			ck_assert_int_eq(reply(i, UINT32_MAX - 3 + i),
					 SERIES_COUNTED); /* it wraps */
		}
	}
	loss = series_loss(&s);
	ck_assert(loss.known);
	ck_assert_uint_eq(loss.in, 1);
	ck_assert_uint_eq(loss.out, 0);
	ck_assert_uint_eq(loss.unknown, 2); /* before the first reply */
	ck_assert_uint_eq(s.reordered_in + s.reordered_out, 0);
}
END_TEST

START_TEST(a_reflector_that_restarts)
{
	struct series_loss loss;

	for (uint32_t i = 0; i < N; i++) {
		ck_assert_int_eq(reply(i, i), SERIES_COUNTED);
	}
	send_until(3 * (uint64_t)N);
	for (uint32_t i = N + 5; i < 3 * N; i++) {
		if (i != N + 7) {
			ck_assert_int_eq(reply(i, i - N - 5), SERIES_COUNTED);
		}
	}
	ck_assert_uint_eq(s.epochs, 2);
	ck_assert_uint_eq(s.reordered_in + s.reordered_out, 0);
	loss = series_loss(&s);
	ck_assert(loss.known);
	ck_assert_uint_eq(loss.in, 1);
	ck_assert_uint_eq(loss.out, 0);
	ck_assert_uint_eq(loss.unknown, 5); /* while it was away */
}
END_TEST

START_TEST(reordered_inbound) /* */
{
	ck_assert_int_eq(reply(0, 0), SERIES_COUNTED);
	ck_assert_int_eq(reply(2, 2), SERIES_COUNTED);
	ck_assert_int_eq(reply(3, 3), SERIES_COUNTED);
	ck_assert_int_eq(reply(1, 1), SERIES_COUNTED);
	ck_assert_int_eq(reply(4, 4), SERIES_COUNTED);
	ck_assert_uint_eq(s.reordered_in, 1);
	ck_assert_uint_eq(s.extent_in, 2);
	ck_assert_uint_eq(s.reordered_out, 0);
}
END_TEST

START_TEST(reordered_outbound) /* R-321, RFC 4737 */
{
	ck_assert_int_eq(reply(0, 0), SERIES_COUNTED);
	ck_assert_int_eq(reply(2, 1), SERIES_COUNTED);
	ck_assert_int_eq(reply(3, 2), SERIES_COUNTED);
	ck_assert_int_eq(reply(1, 3), SERIES_COUNTED); /* came after 2 and 3 */
	ck_assert_int_eq(reply(4, 4), SERIES_COUNTED);
	ck_assert_uint_eq(s.reordered_out, 1);
	ck_assert_uint_eq(s.extent_out, 2);
	ck_assert_uint_eq(s.reordered_in, 0);
}
END_TEST

START_TEST(runs_of_loss_and_pairs)
{
	for (uint32_t i = 0; i < N; i++) {
		if (i < 2 || i == 5 || i > 8) {
			ck_assert_int_eq(reply_later(i, i, i == 1 ? 30000 : 0), SERIES_COUNTED);
		}
	}
	series_finish(&s);
	ck_assert_uint_eq(s.longest_run, 3);
	ck_assert_uint_eq(s.loss_periods, 2);
	ck_assert_uint_eq(s.delay[SERIES_ROUND_TRIP].pairs, 1); /* of 0 and 1 only */
	ck_assert_double_eq_tol(s.delay[SERIES_ROUND_TRIP].variation, 30000, 3);
}
END_TEST

START_TEST(for_ever)
{
	uint64_t end = 5 * UINT64_C(1000);

	for (uint64_t i = N; i < end; i++) {
		send_until(i + 1);
		ck_assert_int_eq(reply(i, (uint32_t)i), SERIES_COUNTED);
		series_expire(&s, when((int64_t)i * 10 * MS, 0).mono);
	}
	ck_assert_uint_eq(s.window, 64);
	ck_assert_uint_eq(s.answered, end - N);
	ck_assert_uint_eq(s.expired, N);
	ck_assert_int_eq(reply(5, 5), SERIES_NEVER_SENT); /* long forgotten */
	ck_assert_uint_eq(series_loss(&s).in, N);
}
END_TEST

START_TEST(numbers_wrap)
{
	s.next = s.tail = UINT64_C(0xfffffff0);
	s.sent = 0;
	send_until(UINT64_C(0x100000010));
	for (uint64_t i = UINT64_C(0xfffffff0); i < s.next; i++) {
		ck_assert_int_eq(reply(i, (uint32_t)i - 0xfffffff0), SERIES_COUNTED);
	}
	ck_assert_uint_eq(s.answered, 32);
	ck_assert_uint_eq(s.reordered_in + s.reordered_out, 0);
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

static void add_tests(TCase *c)
{
	tcase_add_test(c, delays);
	tcase_add_test(c, true_departure);
	tcase_add_test(c, a_step_of_the_clock);
	tcase_add_test(c, never_sent);
	tcase_add_test(c, stale);
	tcase_add_test(c, late);
	tcase_add_test(c, implausible);
	tcase_add_test(c, seconds_of_tai);
	tcase_add_test(c, loss_by_direction);
	tcase_add_test(c, own_drops_are_no_loss_of_a_direction);
	tcase_add_test(c, loss_and_duplicates);
	tcase_add_test(c, loss_without_direction);
	tcase_add_test(c, numbers_that_cannot_be);
	tcase_add_test(c, numbers_may_begin_anywhere);
	tcase_add_test(c, a_reflector_that_restarts);
	tcase_add_test(c, reordered_inbound);
	tcase_add_test(c, reordered_outbound);
	tcase_add_test(c, runs_of_loss_and_pairs);
	tcase_add_test(c, for_ever);
	tcase_add_test(c, numbers_wrap);
	tcase_add_test(c, differences);
}

int main(void)
{
	Suite *suite = suite_create("series");
	TCase *c = tcase_create("replies");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(c, setup, teardown);
	add_tests(c);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
