// SPDX-License-Identifier: BSD-2-Clause
/* Overload: measures, their limits, and that they do not flutter. */
#include "daemon/control/overload.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

enum flag {
	NONE = 0,
	CPU = 1,
	MEMORY = 2,
	NET = 4,
};

static const struct overload limits = {
	.loop_lag_ms = 200,
	.reflector_busy = 90,
	.memory_used = 95,
	.memory_pressure = 20,
	.send_drops = 1000,
	.receive_drops = 500,
};

static unsigned flags(const struct admit_total *t)
{
	return (t->cpu_load ? CPU : NONE) | (t->memory_low ? MEMORY : NONE) |
	       (t->net_buffers ? NET : NONE);
}

/* One after the other: on at the limit, off below 70 percent of it, in between as it was. */
static const struct {
	struct overload_sample sample;
	bool memory_low;
	unsigned flags;
	bool changed;
} steps[] = {
	{ { 0, 0, 0, 0, 0, 0 }, false, NONE, false },
	{ { 199.9, 89.9, 94.9, 19.9, 999, 0 }, false, NONE, false },
	{ { 200, 0, 0, 0, 0, 0 }, false, CPU, true },
	{ { 200, 0, 0, 0, 0, 0 }, false, CPU, false },
	{ { 140, 0, 0, 0, 0, 0 }, false, CPU, false },
	{ { 139.9, 0, 0, 0, 0, 0 }, false, NONE, true },
	{ { 199, 0, 0, 0, 0, 0 }, false, NONE, false },
	/* two measures of one flag: neither holds on to what the other began */
	{ { 0, 90, 0, 0, 0, 0 }, false, CPU, true },
	{ { 150, 63, 0, 0, 0, 0 }, false, CPU, false },
	{ { 150, 62, 0, 0, 0, 0 }, false, NONE, true },
	{ { 200, 75, 0, 0, 0, 0 }, false, CPU, true },
	{ { 100, 75, 0, 0, 0, 0 }, false, NONE, true },
	{ { 0, 0, 95, 0, 0, 0 }, false, MEMORY, true },
	{ { 0, 0, 66.5, 0, 0, 0 }, false, MEMORY, false },
	{ { 0, 0, 66.4, 14, 0, 0 }, false, NONE, true },
	{ { 0, 0, 80, 20, 0, 0 }, false, MEMORY, true },
	{ { 0, 0, 80, 14, 0, 0 }, false, MEMORY, false },
	{ { 0, 0, 80, 13.9, 0, 0 }, false, NONE, true },
	{ { 0, 0, 80, 13.9, 0, 0 }, true, MEMORY, true },
	{ { 0, 0, 80, 13.9, 0, 0 }, false, NONE, true },
	{ { 0, 0, 0, 20, 0, 0 }, false, MEMORY, true },
	{ { 0, 0, 0, 0, 0, 0 }, false, NONE, true },
	/* short of memory for another reason: no longer than that lasts */
	{ { 0, 0, 0, 0, 0, 0 }, true, MEMORY, true },
	{ { 0, 0, 50, 0, 0, 0 }, true, MEMORY, false },
	{ { 0, 0, 0, 0, 0, 0 }, false, NONE, true },
	{ { 0, 0, 0, 0, 1000, 0 }, false, NET, true },
	{ { 0, 0, 0, 0, 700, 0 }, false, NET, false },
	{ { 250, 0, 99, 0, 800, 0 }, false, NET | CPU | MEMORY, true },
	{ { 250, 0, 99, 0, 699, 0 }, false, CPU | MEMORY, true },
	/* either direction, each with its limit */
	{ { 0, 0, 0, 0, 0, 0 }, false, NONE, true },
	{ { 0, 0, 0, 0, 0, 499 }, false, NONE, false },
	{ { 0, 0, 0, 0, 0, 500 }, false, NET, true },
	{ { 0, 0, 0, 0, 699, 350 }, false, NET, false },
	{ { 0, 0, 0, 0, 699, 349 }, false, NONE, true },
	{ { 0, 0, 0, 0, 1000, 0 }, false, NET, true },
	/* what is unknown now is not high */
	{ { -1, -1, -1, -1, -1, -1 }, false, NONE, true },
	{ { -1, -1, -1, -1, -1, -1 }, false, NONE, false },
};

/* */
START_TEST(hysteresis)
{
	struct admit_total t = { .draining = true, .descriptors_low = true };
	struct overload_marks marks = { 0 };

	for (int i = 0; i < COUNT(steps); i++) {
		bool changed = overload_judge(&t, &marks, &limits, &steps[i].sample,
					      steps[i].memory_low);

		ck_assert_msg(flags(&t) == steps[i].flags, "step %d: flags %u", i, flags(&t));
		ck_assert_msg(changed == steps[i].changed, "step %d: changed %d", i, changed);
	}
	ck_assert(t.draining && t.descriptors_low); /* are others' */
}
END_TEST

/* A limit of 0: not looked at, also when it is set to that while it is on. */
START_TEST(switched_off)
{
	struct admit_total t = { 0 };
	struct overload_marks marks = { 0 };
	struct overload off = { 0 };
	struct overload_sample high = { 1e9, 1e9, 1e9, 1e9, 1e9, 1e9 };

	ck_assert(!overload_judge(&t, &marks, &off, &high, false));
	ck_assert_uint_eq(flags(&t), NONE);
	ck_assert(overload_judge(&t, &marks, &limits, &high, false));
	ck_assert_uint_eq(flags(&t), CPU | MEMORY | NET);
	ck_assert(overload_judge(&t, &marks, &off, &high, false));
	ck_assert_uint_eq(flags(&t), NONE);
	ck_assert(overload_judge(&t, &marks, &off, &high, true)); /* this one is no setting */
	ck_assert_uint_eq(flags(&t), MEMORY);
}
END_TEST

/* what is too much, how much of it, and the limit */
START_TEST(text)
{
	struct admit_total t = { 0 };
	struct overload_marks marks = { 0 };
	struct overload_sample sample = { 350.4, 12, -1, -1, 0, 0 };
	struct overload_sample high = { 1e9, 1e9, 1e9, 1e9, 1e9, 1e9 };
	char buf[OVERLOAD_TEXT_LEN];

	ck_assert(overload_judge(&t, &marks, &limits, &sample, false));
	ck_assert_str_eq(overload_text(&t, &marks, &limits, &sample, buf),
			 "cpu-load: overload.loop_lag is 350 ms, the limit 200 ms");
	sample.loop_lag_ms = 0;
	sample.receive_drops = 777;
	ck_assert(overload_judge(&t, &marks, &limits, &sample, true));
	ck_assert_str_eq(overload_text(&t, &marks, &limits, &sample, buf),
			 "net-buffers: overload.receive_drops is 777/s, the limit 500/s; "
			 "memory-low: none was to be had");
	ck_assert(overload_judge(&t, &marks, &limits, &high, true));
	(void)overload_text(&t, &marks, &limits, &high, buf);
	ck_assert_uint_lt(strlen(buf), OVERLOAD_TEXT_LEN - 1);
	ck_assert_ptr_nonnull(
		strstr(buf, "overload.receive_drops is 1000000000/s, the limit 500/s"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("overload");
	TCase *tc = tcase_create("overload");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, hysteresis);
	tcase_add_test(tc, switched_off);
	tcase_add_test(tc, text);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
