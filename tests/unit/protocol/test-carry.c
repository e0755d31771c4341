// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/carry.h"

#include <check.h>
#include <stdlib.h>

struct thing {
	uint32_t number;
	uint8_t octets[8]; /* no padding: it is compared as octets */
	unsigned small;
};

static void carry_thing(struct carry *c, struct thing *t)
{
	struct carry record;

	CARRY(c, t->number);
	record = carry_open(c);
	CARRY(&record, t->octets);
	t->small = carry_small(&record, t->small, 7);
	carry_close(c, &record);
	CARRY(c, t->number);
}

static const struct thing some = { 0x12345678, { 1, 2, 3, 4, 5, 6, 7, 8 }, 6 };

static size_t save(const struct thing *t, uint8_t *to, size_t room)
{
	struct thing copy = *t;
	struct carry c = { .way = CARRY_SAVE, .at = to, .left = room };

	carry_thing(&c, &copy);
	ck_assert_mem_eq(&copy, t, sizeof copy);
	return c.bad ? 0 : c.used;
}

START_TEST(what_is_saved_is_loaded)
{
	struct thing copy = some, loaded = { 0 };
	struct carry n = { .way = CARRY_COUNT };
	uint8_t octets[64];
	struct carry c = { .way = CARRY_LOAD, .at = octets };

	carry_thing(&n, &copy);
	c.left = save(&some, octets, sizeof octets);
	ck_assert_uint_eq(n.used, 4 + 4 + 9 + 4);
	ck_assert_uint_eq(c.left, n.used);
	carry_thing(&c, &loaded);
	ck_assert(!c.bad);
	ck_assert_uint_eq(c.left, 0);
	ck_assert_mem_eq(&loaded, &some, sizeof some);
}
END_TEST

START_TEST(too_little_room_or_octets_is_bad)
{
	uint8_t octets[21];

	ck_assert_uint_eq(save(&some, octets, sizeof octets), sizeof octets);
	for (size_t n = 0; n < sizeof octets; n++) {
		struct carry c = { .way = CARRY_LOAD, .at = octets, .left = n };
		uint8_t less[sizeof octets];
		struct thing t = some;

		carry_thing(&c, &t);
		ck_assert(c.bad);
		ck_assert_uint_eq(save(&some, less, n), 0);
	}
}
END_TEST

/* A newer writer has more in it, or the reader gave up. */
START_TEST(a_record_is_left_at_its_end)
{
	uint8_t octets[64];
	struct thing t = some;
	struct carry c = { .way = CARRY_LOAD, .at = octets };
	struct carry record;
	uint8_t one;

	c.left = save(&t, octets, sizeof octets);
	CARRY(&c, t.number);
	record = carry_open(&c);
	CARRY(&record, one);
	carry_close(&c, &record);
	t.number = 0;
	CARRY(&c, t.number);
	ck_assert_uint_eq(one, 1);
	ck_assert_uint_eq(t.number, some.number);
	ck_assert(!c.bad && !c.left);
}
END_TEST

START_TEST(small_is_bounded)
{
	uint8_t octets[] = { 7, 8, 255 };
	struct carry c = { .way = CARRY_LOAD, .at = octets, .left = sizeof octets };

	ck_assert_uint_eq(carry_small(&c, 0, 7), 7);
	ck_assert(!c.bad);
	ck_assert_uint_eq(carry_small(&c, 3, 7), 0);
	ck_assert(c.bad);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("carry");
	TCase *tcase = tcase_create("carry");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, what_is_saved_is_loaded);
	tcase_add_test(tcase, too_little_room_or_octets_is_bad);
	tcase_add_test(tcase, a_record_is_left_at_its_end);
	tcase_add_test(tcase, small_is_bounded);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
