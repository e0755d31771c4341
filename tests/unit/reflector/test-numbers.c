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
	tcase_add_test(tc, reference);
	tcase_add_test(tc, carried);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
