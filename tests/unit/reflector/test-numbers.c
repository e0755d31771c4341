// SPDX-License-Identifier: BSD-2-Clause
/* T-046: what the Sequence Numbers of one sender tell, against a reference that remembers all. */
#include "daemon/reflector/flow.h"
#include "protocol/carry.h"
#include "tests/unit/protocol/seed.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 300
#define PACKETS 400

static struct seed seed;

/* Zero, and each number in any order: what is missing between the first and the highest. */
START_TEST(reference)
{
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t base = (uint32_t)seed_next(&seed), at = 1000, max = 0;
		uint64_t duplicates = 0, reordered = 0;
		struct flow f = { 0 };
		static bool seen[20000];

		memset(seen, 0, sizeof(seen));
		for (int i = 0; i < PACKETS; i++) {
			uint32_t seq;
			struct flow_step step = { 0 };

			at += (uint32_t)seed_next(&seed) % 4;
			seq = at - (uint32_t)seed_next(&seed) % 60; /* within the window */
			seq = !i || seq < 1000 ? at : seq;
			if (!flow_follows(&f, base + seq)) {
				step = flow_take(&f, base + seq);
			}
			ck_assert_int_eq(step.duplicate, seen[seq]);
			ck_assert_int_eq(step.reordered, i && !seen[seq] && seq < max);
			duplicates += step.duplicate;
			reordered += step.reordered;
			seen[seq] = true;
			max = seq > max ? seq : max;
		}
		at = 0;
		for (uint32_t seq = f.first - base; seq < max; seq++) {
			at += !seen[seq];
		}
		ck_assert_uint_eq(f.gaps, at);
		ck_assert_uint_eq(f.max - base, max);
		ck_assert_uint_gt(duplicates + reordered, 0);
	}
}
END_TEST

static void take(struct flow *f, uint32_t seq)
{
	if (!flow_follows(f, seq)) {
		(void)flow_take(f, seq);
	}
}

/* Loss periods and their length, with packets that are up to 40 numbers late. RFC 3357 */
START_TEST(loss_periods)
{
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t base = 0u - (uint32_t)(seed_next(&seed) % 500), waiting[40];
		uint32_t run = 0, longest = 0, periods = 0, last = 0, n = 0;
		uint64_t share = 1 + seed_next(&seed) % 20;
		static bool seen[1000];
		struct flow f = { 0 };

		memset(seen, 0, sizeof seen);
		for (uint32_t i = 0; i < 1000; i++) {
			bool lost = i && seed_next(&seed) % 20 < share && seed_next(&seed) % 4;

			if (lost && n < 40 && seed_next(&seed) % 2) {
				waiting[n++] = i;
			} else if (!lost) {
				take(&f, base + i);
				seen[i] = true;
				last = i;
			}
			while (n && (i - waiting[0] >= 40 || seed_next(&seed) % 8 == 0)) {
				uint32_t late = waiting[--n];

				if (i - late <= 40) {
					take(&f, base + late);
					seen[late] = true;
					last = late > last ? late : last;
				}
			}
		}
		for (uint32_t i = 0; i < last; i++) {
			run = seen[i] ? 0 : run + 1;
			periods += run == 1;
			longest = run > longest ? run : longest;
		}
		flow_settle(&f);
		ck_assert_uint_eq(f.periods, periods);
		ck_assert_uint_eq(f.longest, longest);
		ck_assert_uint_le(f.extent, 40);
	}
}
END_TEST

START_TEST(outage)
{
	struct flow f = { 0 }, end;

	for (uint32_t i = 0; i < 1000; i++) {
		take(&f, UINT32_MAX - 2000 + i);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		take(&f, 100000 + i); /* beyond the wrap */
	}
	take(&f, 100000 + 995);
	end = f;
	flow_settle(&end);
	ck_assert_uint_eq(end.gaps, 101001);
	ck_assert_uint_eq(end.longest, 101001);
	ck_assert_uint_eq(end.periods, 1);
	ck_assert_uint_eq(end.restarts, 0);
}
END_TEST

/* A sender that begins to count anew has lost nothing; a packet from nowhere neither. */
START_TEST(new_beginning)
{
	static const uint32_t begins[] = { 0, 4000000000u, 60000000 };
	struct flow f = { 0 };

	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 100000; i++) {
			take(&f, begins[round] + i);
		}
		take(&f, begins[round] + 70000000); /* alone */
		take(&f, begins[round] + 100000);
	}
	flow_settle(&f);
	ck_assert_uint_eq(f.restarts, 2);
	ck_assert_uint_eq(f.gaps, 0);
	ck_assert_uint_eq(f.longest, 0);
	ck_assert_uint_eq(f.extent, 0);
	ck_assert_uint_eq(f.max, 60100000);
}
END_TEST

START_TEST(extent_of_reordering)
{
	struct flow f = { 0 };

	for (uint32_t i = 0; i < 2000; i++) {
		if (i != 500) {
			take(&f, i);
		}
		if (i == 800) {
			take(&f, 500);
		}
	}
	flow_settle(&f);
	ck_assert_uint_eq(f.extent, 300);
	ck_assert_uint_eq(f.gaps, 0);
	ck_assert_uint_eq(f.restarts, 0);
}
END_TEST

/* Any numbers: what is missing stays a number. */
START_TEST(random_numbers)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct flow f = { 0 };
		bool good = true;

		for (int i = 0; i < PACKETS; i++) {
			take(&f, (uint32_t)(seed_next(&seed) >> (seed_next(&seed) % 64)));
			good = good && f.known <= 64 && f.gaps < UINT64_C(1) << 60;
		}
		ck_assert(good);
		flow_settle(&f);
		ck_assert_uint_le(f.longest, FLOW_AHEAD_MAX);
	}
}
END_TEST

/* It goes on in another process as if nothing had happened. */
START_TEST(carried)
{
	static const uint32_t numbers[] = { 7, 9, 8, 200, 199, 7 };
	uint8_t octets[200];
	struct flow f = { 0 }, g;
	struct carry out = { .way = CARRY_SAVE, .at = octets, .left = sizeof(octets) };
	struct carry in = { .way = CARRY_LOAD, .at = octets };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)flow_take(&f, numbers[i]);
	}
	flow_carry(&out, &f);
	in.left = out.used;
	memset(&g, 0, sizeof(g));
	flow_carry(&in, &g);
	ck_assert(!in.bad && !in.left);
	ck_assert_mem_eq(&g, &f, sizeof g);
	ck_assert(g.any && g.first == 7 && g.last == 7 && g.max == 200);
	ck_assert_uint_eq(g.window, f.window);
	ck_assert_uint_eq(g.gaps, f.gaps);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("numbers");
	TCase *tc = tcase_create("numbers");
	SRunner *runner;
	int failed;

	seed = seed_start();
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, reference);
	tcase_add_test(tc, loss_periods);
	tcase_add_test(tc, outage);
	tcase_add_test(tc, new_beginning);
	tcase_add_test(tc, extent_of_reordering);
	tcase_add_test(tc, random_numbers);
	tcase_add_test(tc, carried);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
