// SPDX-License-Identifier: BSD-2-Clause
/* Thousands of conversations at random; check.c says what must hold after each event. */
#include "tests/flow/world.h"

#include <stdlib.h>

#define WORLDS 100
#define FEW 15
#define STEPS 5000

static struct seed seed;

/* For valgrind, which takes twenty times as long. */
START_TEST(a_few)
{
	static struct world w;

	for (int i = 0; i < FEW; i++) {
		world_init(&w, (struct seed){ ~seed_next(&seed) });
		for (int j = 0; j < STEPS; j++) {
			world_step(&w, true);
		}
		world_end(&w);
	}
}
END_TEST

/* R-012 R-074 R-077 R-078 R-080 R-081 R-103 R-112 R-120 R-141 R-143 R-144 R-145 R-162 R-165
 * R-168 R-170 R-190 */
START_TEST(at_random)
{
	static struct world w;
	unsigned conversations = 0, started = 0;
	unsigned closed[CONTROL_WHY_SHUTDOWN + 1] = { 0 }, facts[CONTROL_FACT_CLOSED + 1] = { 0 };

	for (int i = 0; i < WORLDS; i++) {
		world_init(&w, (struct seed){ seed_next(&seed) });
		for (int j = 0; j < STEPS; j++) {
			world_step(&w, true);
		}
		world_end(&w);
		conversations += w.n_conversations;
		started += w.n_started;
		for (int why = CONTROL_WHY_PEER; why <= CONTROL_WHY_SHUTDOWN; why++) {
			closed[why] += w.closed[why];
		}
		for (int f = CONTROL_FACT_ESTABLISHED; f <= CONTROL_FACT_CLOSED; f++) {
			facts[f] += w.facts[f];
		}
	}
	/* it did go everywhere */
	ck_assert_uint_gt(conversations, 1000);
	ck_assert_uint_gt(started, 100);
	for (int why = CONTROL_WHY_PEER; why <= CONTROL_WHY_SHUTDOWN; why++) {
		ck_assert_msg(closed[why], "nobody closed because: %s",
			      control_why_text((enum control_why)why));
	}
	for (int f = CONTROL_FACT_ESTABLISHED; f <= CONTROL_FACT_CLOSED; f++) {
		ck_assert_msg(facts[f], "fact %d never came", f);
	}
	printf("%u conversations, %u sessions started\n", conversations, started);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("flow");
	TCase *tc = tcase_create("flow"), *many = tcase_create("many");
	SRunner *runner;
	int failed;

	seed = seed_start();
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_few);
	suite_add_tcase(suite, tc);
	tcase_set_tags(many, "many");
	tcase_set_timeout(many, 120);
	tcase_add_test(many, at_random);
	suite_add_tcase(suite, many);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
