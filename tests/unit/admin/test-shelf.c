// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/admin/shelf.h"

#include <check.h>
#include <stdlib.h>

#define MANY 1000

/* Objects with the numbers 0.. in no order, each twice. */
static void fill(struct shelf *s)
{
	for (int i = 0; i < MANY; i++) {
		int n = i * 7919 % MANY / 2;

		shelf_take(s, json_pack("{s:i,s:{s:i,s:n},s:s}", "n", n, "room", "used", n, "max",
					"word", n % 2 ? "odd" : "even"));
	}
}

static int number(const json_t *page, size_t i)
{
	return (int)json_integer_value(json_object_get(json_array_get(page, i), "n"));
}

START_TEST(pages)
{
	static const char *const sorts[] = { "n", "room" };

	for (int k = 0; k < 4; k++) {
		for (uint32_t offset = 0; offset < MANY + 100; offset += 37) {
			struct shelf s = {
				.offset = offset, .limit = 50, .sort = sorts[k % 2], .rising = k / 2
			};
			size_t n = offset > MANY ? 0 : offset > MANY - 50 ? MANY - offset : 50;
			json_t *page;

			fill(&s);
			ck_assert_uint_eq(s.passed, MANY);
			ck_assert(!s.unknown && !s.failed);
			page = shelf_page(&s);
			ck_assert_uint_eq(json_array_size(page), n);
			for (size_t i = 0; i < n; i++) {
				int at = (int)(offset + i) / 2;

				ck_assert_int_eq(number(page, i),
						 s.rising ? at : MANY / 2 - 1 - at);
			}
			json_decref(page);
		}
	}
}
END_TEST

/* As they come, and those that are alike in the order in which they came. */
START_TEST(stable)
{
	struct shelf s = { .offset = 10, .limit = 5, .sort = "" };
	json_t *page;

	fill(&s);
	page = shelf_page(&s);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(number(page, i), (int)(i + 10) * 7919 % MANY / 2);
	}
	json_decref(page);
	s = (struct shelf){ .limit = 3, .sort = "word", .rising = true };
	fill(&s);
	page = shelf_page(&s);
	ck_assert_int_eq(number(page, 0), 0);
	json_decref(page);
}
END_TEST

START_TEST(unknown)
{
	struct shelf s = { .limit = 5, .sort = "nothing" };

	fill(&s);
	ck_assert(s.unknown);
	shelf_wipe(&s);
	shelf_wipe(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shelf");
	TCase *tc = tcase_create("shelf");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tc);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, pages);
	tcase_add_test(tc, stable);
	tcase_add_test(tc, unknown);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
