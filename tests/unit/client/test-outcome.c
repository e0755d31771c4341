// SPDX-License-Identifier: BSD-2-Clause
/* exit statuses, and what a refusal prints. */
#include "client/measure/outcome.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	enum outcome_kind kind;
	int exit;
} kinds[] = {
	{ OUTCOME_OK, 0 },
	{ OUTCOME_INCOMPLETE, 1 },
	{ OUTCOME_NO_ACCEPT, 20 },
	{ OUTCOME_LOCAL, 30 },
};

START_TEST(exit_statuses)
{
	struct outcome o;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		ck_assert_int_eq(outcome_set(&o, kinds[i].kind, 1, "x"), (int)kinds[i].kind);
		ck_assert_int_eq(outcome_exit(&o), kinds[i].exit);
	}
	for (unsigned accept = 1; accept < 256; accept++) {
		(void)outcome_refused(&o, "Accept-Session", (uint8_t)accept);
		ck_assert_int_eq(outcome_exit(&o), accept <= 5 ? 10 + (int)accept : 11); /* S-10 */
	}
}
END_TEST

static void print(const struct outcome *o, char *to, size_t size)
{
	FILE *f = fmemopen(to, size, "w");

	ck_assert_ptr_nonnull(f);
	outcome_print(o, f);
	fclose(f);
}

START_TEST(texts)
{
	char text[4096] = "";
	struct outcome o;

	(void)outcome_refused(&o, "Accept-Session", 4);
	print(&o, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "Accept-Session"));
	ck_assert_ptr_nonnull(strstr(text, "Code:    4 ("));
	ck_assert_ptr_nonnull(strstr(text, "Remedy:"));
	ck_assert_ptr_nonnull(strstr(text, "twamp explain 4"));

	(void)outcome_refused(&o, "Server-Start", 200);
	print(&o, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "200"));
	ck_assert_ptr_nonnull(strstr(text, "reads as 1"));

	(void)outcome_set(&o, OUTCOME_NO_ACCEPT, 3, "no mode in common");
	print(&o, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "No Accept was received")); /* S-2 */
	ck_assert_ptr_nonnull(strstr(text, "category 3"));
}
END_TEST

/* A KeyID, a name of a host: whatever a file or the command line gave is harmless. */
START_TEST(texts_are_clean)
{
	struct outcome o;

	(void)outcome_set(&o, OUTCOME_LOCAL, 0, "no key \"%s\"",
			  "a\033[2J\xc2\x9b\xe2\x80\xae\xff");
	outcome_hint(&o, "look at %s", "\x7f\n");
	ck_assert_str_eq(o.text, "no key \"a\\x1b[2J\\u{9b}\\u{202e}\\xff\"");
	ck_assert_str_eq(o.hint, "look at \\x7f\\x0a");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("outcome");
	TCase *c = tcase_create("ends");
	SRunner *runner;
	int failed;

	tcase_add_test(c, exit_statuses);
	tcase_add_test(c, texts);
	tcase_add_test(c, texts_are_clean);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
