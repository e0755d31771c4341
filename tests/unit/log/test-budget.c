// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whose lines are left out, with a clock of its own.
 */
#include "daemon/log/budget.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define S INT64_C(1000000000)

enum kind {
	KIND_REFUSED = 3,
	KIND_SESSION = 4,
	KIND_CONNECTION = 5,
	KIND_FORGED = 6,
};

static struct budget *b;
static int64_t now;

static void set_up(void)
{
	b = calloc(1, sizeof(*b));
	ck_assert_ptr_nonnull(b);
	budget_init(b, 0x1234567890abcdef);
	now = 100 * S;
}

static void tear_down(void)
{
	free(b);
}

static struct address v4(unsigned c, unsigned d)
{
	return (struct address){ .family = 4, .ip = { 192, 0, (uint8_t)c, (uint8_t)d }, .port = 9 };
}

/* 2001:db8:@site:@subnet::@host */
static struct address v6(unsigned site, unsigned subnet, unsigned host)
{
	return (struct address){ .family = 6,
				 .ip = { 0x20, 0x01, 0x0d, 0xb8, (uint8_t)(site >> 8),
					 (uint8_t)site, (uint8_t)(subnet >> 8),
					 (uint8_t)subnet, [15] = (uint8_t)host } };
}

static bool ask(enum budget_lane lane, enum kind kind, struct address who)
{
	return budget_ask(b, lane, kind, &who, now);
}

/* @per_s of them in each of @seconds. Return how many were logged. */
static unsigned flood(enum budget_lane lane, enum kind kind, struct address who, unsigned per_s,
		      unsigned seconds)
{
	unsigned logged = 0;

	for (unsigned i = 0; i < per_s * seconds; i++) {
		logged += ask(lane, kind, who);
		now += S / per_s;
	}
	return logged;
}

/* 25 refusals in a second of one, and 98 lines of another: all of these are there */
START_TEST(one_does_not_take_the_lines_of_another)
{
	struct address noisy = v4(2, 66), other = v4(2, 1);
	unsigned logged = 0, noise = 0;

	for (unsigned i = 0; i < 98; i++) {
		enum budget_lane lane = i % 3 ? BUDGET_SESSION : BUDGET_CONNECTION;

		logged += ask(lane, i % 3 ? KIND_SESSION : KIND_CONNECTION, other);
		noise += flood(BUDGET_REFUSAL, KIND_REFUSED, noisy, 25, 1) > 0;
	}
	ck_assert_uint_eq(logged, 98);
	ck_assert_uint_eq(noise, 98); /* and the noisy one is seen in each second */
}
END_TEST

/* Ten lines in a second, with that about what was left out. */
START_TEST(a_scanner_costs_little)
{
	struct address scanner = v4(2, 66);
	unsigned lines = 0;

	for (unsigned s = 0; s < 10; s++) {
		struct budget_left_out out;
		char text[PREFIX_TEXT_LEN];

		for (unsigned i = 0; i < 1000; i++, now += S / 1000) {
			lines += ask(BUDGET_REFUSAL, KIND_REFUSED, scanner);
			lines += ask(BUDGET_CONNECTION, KIND_CONNECTION, scanner);
		}
		ck_assert(budget_take(b, &out));
		lines++;
		ck_assert_uint_eq(out.n_top, 1);
		ck_assert_str_eq(budget_source_text(&out.top[0], text), "192.0.2.66");
		ck_assert_uint_eq(out.top[0].left_out, out.total);
		ck_assert_uint_eq(out.kinds[KIND_REFUSED] + out.kinds[KIND_CONNECTION], out.total);
		ck_assert_uint_eq(out.others, 0);
	}
	ck_assert_uint_le(lines, 100);
}
END_TEST

/* One with a whole /24, or a /48, costs not much more, and is named. */
START_TEST(a_network_has_a_budget)
{
	struct budget_left_out out;
	char text[PREFIX_TEXT_LEN];
	unsigned lines = 0;

	for (unsigned i = 0; i < 10000; i++, now += S / 1000) {
		struct address a = _i ? v6(7, i << 8, 1) : v4(2, i % 250);

		lines += ask(BUDGET_REFUSAL, KIND_REFUSED, a);
		lines += ask(BUDGET_CONNECTION, KIND_CONNECTION, a);
	}
	ck_assert_uint_le(lines, 22 + 120 + 10 * 8);
	ck_assert(budget_take(b, &out));
	ck_assert_uint_eq(out.n_top, 1);
	ck_assert_str_eq(budget_source_text(&out.top[0], text),
			 _i ? "2001:db8:7::/48" : "192.0.2.0/24");
	ck_assert_uint_eq(out.total, 20000 - lines);
	/* Who comes from elsewhere is heard. */
	ck_assert(ask(BUDGET_REFUSAL, KIND_REFUSED, v4(9, 1)));
	ck_assert(ask(BUDGET_SESSION, KIND_SESSION, v4(9, 1)));
}
END_TEST

/* Thousands of addresses use up the total; who had a session before goes on. */
START_TEST(who_was_here_before_goes_on)
{
	struct address probe = v4(2, 1), newcomer = v4(2, 2);
	unsigned logged = 0, lines = 0, rounds = 0;

	ck_assert(ask(BUDGET_SESSION, KIND_SESSION, probe));
	now += BUDGET_KNOWN_S * S;
	for (unsigned i = 0; i < 60000; i++, now += S / 3000) {
		struct address a = { .family = 4,
				     .ip = { 10, (uint8_t)(i >> 8), (uint8_t)(i % 251),
					     (uint8_t)(i * 7) } };

		lines += ask(BUDGET_REFUSAL, KIND_REFUSED, a);
		lines += ask(BUDGET_CONNECTION, KIND_CONNECTION, a);
		if (i % 1000 == 999) {
			logged += ask(BUDGET_SESSION, KIND_SESSION, probe);
			rounds++;
		}
	}
	ck_assert_uint_eq(logged, rounds);
	ck_assert_uint_le(lines, 200 + 10 + 30 + 20 * 7);
	ck_assert(!ask(BUDGET_REFUSAL, KIND_REFUSED, newcomer) ||
		  !ask(BUDGET_REFUSAL, KIND_REFUSED, newcomer));
	/* And when it is over, everybody is heard again. */
	now += 60 * S;
	ck_assert_uint_eq(flood(BUDGET_CONNECTION, KIND_CONNECTION, newcomer, 1, 20), 20);
}
END_TEST

/* A forged message is told while the client's refusals are not any more, and the other way round
 * a flood of them leaves the refusals of others alone. */
START_TEST(security_has_a_reserve)
{
	struct address noisy = v4(2, 66);

	while (ask(BUDGET_REFUSAL, KIND_REFUSED, noisy)) {
		;
	}
	ck_assert(ask(BUDGET_SECURITY, KIND_FORGED, noisy));
	(void)flood(BUDGET_SECURITY, KIND_FORGED, noisy, 1000, 2);
	ck_assert(ask(BUDGET_SECURITY, KIND_FORGED, v4(3, 1)));
	ck_assert(ask(BUDGET_REFUSAL, KIND_REFUSED, v4(3, 1)));
}
END_TEST

/* Ends are not counted as left out: they come later. */
START_TEST(ends_are_kept)
{
	struct budget_left_out out;
	struct address a = v4(2, 1);
	unsigned n = 0;

	for (unsigned i = 0; i < 400; i++) {
		n += ask(BUDGET_END, 0, a);
	}
	ck_assert_uint_ge(n, 30);
	ck_assert_uint_lt(n, 400);
	ck_assert(!budget_take(b, &out));
	ck_assert(ask(BUDGET_END, 0, v4(9, 1)));
	(void)flood(BUDGET_REFUSAL, KIND_REFUSED, v4(9, 1), 100, 1);
	ck_assert(ask(BUDGET_END, 0, v4(9, 1)));
}
END_TEST

/* The addresses of a customer are one client, as many bits as the settings say. */
START_TEST(ipv6_by_prefix)
{
	struct budget_left_out out;
	char text[PREFIX_TEXT_LEN];

	for (unsigned i = 0; i < 100; i++) {
		(void)ask(BUDGET_REFUSAL, KIND_REFUSED, v6(1, i % 256, i));
	}
	ck_assert(budget_take(b, &out));
	ck_assert_uint_eq(out.total, 85);
	ck_assert_str_eq(budget_source_text(&out.top[0], text), "2001:db8:1::/56");
	now += 60 * S;
	budget_set_prefix(b, 64);
	for (unsigned i = 0; i < 22; i++) {
		ck_assert(ask(BUDGET_REFUSAL, KIND_REFUSED, v6(1, i % 2, i)));
	}
	ck_assert(!ask(BUDGET_REFUSAL, KIND_REFUSED, v6(1, 0, 1)));
	budget_set_prefix(b, 40);
	ck_assert(ask(BUDGET_REFUSAL, KIND_REFUSED, v6(0x101, 0, 1)));
}
END_TEST

/* Who makes room in the table for others is counted, and nothing of the sum is lost. */
START_TEST(nothing_of_the_sum_is_lost)
{
	struct budget_left_out out;
	uint32_t lines = 0, told = 0;

	for (unsigned i = 0; i < 100000; i++) {
		struct address a = {
			.family = 4, .ip = { 10, (uint8_t)(i >> 8), (uint8_t)i, (uint8_t)(i >> 3) }
		};

		lines += ask(BUDGET_REFUSAL, KIND_REFUSED, a);
	}
	ck_assert(budget_take(b, &out));
	ck_assert_uint_eq(out.total, 100000 - lines);
	ck_assert_uint_eq(out.n_top, BUDGET_TOP);
	for (unsigned i = 0; i < out.n_top; i++) {
		told += out.top[i].left_out;
	}
	ck_assert_uint_eq(told + out.others, out.total);
	ck_assert_uint_gt(out.other_networks, 1000);
	ck_assert(!budget_take(b, &out));
}
END_TEST

/* About this server: one of a kind in a second; what nobody can cause at will is not limited. */
START_TEST(without_a_client)
{
	ck_assert(budget_ask(b, BUDGET_ONCE, 1, NULL, now));
	ck_assert(!budget_ask(b, BUDGET_ONCE, 1, NULL, now + S / 2));
	ck_assert(budget_ask(b, BUDGET_ONCE, 2, NULL, now + S / 2));
	ck_assert(budget_ask(b, BUDGET_ONCE, 1, NULL, now + S));
	for (unsigned i = 0; i < 1000; i++) {
		ck_assert(budget_ask(b, BUDGET_FREE, 7, NULL, now));
	}
	for (unsigned i = 0; i < 30; i++) {
		ck_assert(budget_ask(b, BUDGET_REFUSAL, 7, NULL, now));
	}
	ck_assert(!budget_ask(b, BUDGET_REFUSAL, 7, NULL, now));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("budget");
	TCase *tcase = tcase_create("budget");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, one_does_not_take_the_lines_of_another);
	tcase_add_test(tcase, a_scanner_costs_little);
	tcase_add_loop_test(tcase, a_network_has_a_budget, 0, 2);
	tcase_add_test(tcase, who_was_here_before_goes_on);
	tcase_add_test(tcase, security_has_a_reserve);
	tcase_add_test(tcase, ends_are_kept);
	tcase_add_test(tcase, ipv6_by_prefix);
	tcase_add_test(tcase, nothing_of_the_sum_is_lost);
	tcase_add_test(tcase, without_a_client);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
