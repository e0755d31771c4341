// SPDX-License-Identifier: BSD-2-Clause
/* What is selected among the modes that a server offers: what was asked for, or nothing. */
#include "client/control/choice.h"
#include "protocol/accept.h"
#include "protocol/mode.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* Every offer of security modes, with every question. R-301 */
static uint32_t expect(uint32_t mode, bool key, uint32_t offered)
{
	if (mode) {
		return mode & offered;
	}
	if (!key) {
		return offered & MODE_UNAUTHENTICATED;
	}
	return offered & MODE_ENCRYPTED	      ? MODE_ENCRYPTED
	       : offered & MODE_AUTHENTICATED ? MODE_AUTHENTICATED
					      : offered & MODE_MIXED;
}

static void check_one(uint32_t mode, bool key, uint32_t offered)
{
	struct access a = { .mode = mode, .key_file = key ? "k" : NULL };
	uint32_t modes = 0xffff, right = expect(mode, key, offered);
	struct outcome out = { .kind = OUTCOME_OK };
	int r = choice_make(&a, 0, offered, &modes, &out);

	ck_assert_uint_eq(modes, right);
	ck_assert_int_eq(r, right ? OUTCOME_OK : OUTCOME_NO_ACCEPT);
	if (right == 0) { /* S-4 S-5 */
		ck_assert_int_eq(outcome_exit(&out), OUTCOME_EXIT_NO_ACCEPT);
		ck_assert_uint_eq(outcome_code(&out), ACCEPT_UNSUPPORTED);
		ck_assert_str_ne(out.hint, "");
	}
}

START_TEST(security_modes)
{
	static const uint32_t asked[] = { 0, MODE_UNAUTHENTICATED, MODE_AUTHENTICATED,
					  MODE_ENCRYPTED, MODE_MIXED };

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		for (uint32_t offered = 0; offered < 16; offered++) {
			check_one(asked[i], true, offered);
			if (!(asked[i] & MODE_KEYED_MASK)) { /* options_parse refuses the others */
				check_one(asked[i], false, offered);
			}
		}
	}
}
END_TEST

START_TEST(features)
{
	/* Each set of features that is asked for, with each that is offered. R-301 */
	for (uint32_t i = 0; i < 32 * 32; i++) {
		uint32_t asked = (i & 7) << 4 | (i & 0x18) << 5;
		uint32_t offered = (i >> 5 & 7) << 4 | (i >> 5 & 0x18) << 5;
		struct access a = { 0 };
		struct outcome out = { .kind = OUTCOME_OK };
		uint32_t modes = 0xffff;
		int r = choice_make(&a, asked, offered | MODE_UNAUTHENTICATED, &modes, &out);

		ck_assert_uint_eq((asked | offered) & ~MODE_FEATURE_MASK, 0);
		if (asked & ~offered) {
			ck_assert_int_eq(r, OUTCOME_NO_ACCEPT);
			ck_assert_uint_eq(modes, 0);
			for (uint32_t bit = MODE_INDIVIDUAL_CONTROL; bit <= MODE_PTP; bit <<= 1) {
				bool missing = asked & ~offered & bit;

				ck_assert(!missing || strstr(out.text, mode_name(bit)));
			}
		} else {
			ck_assert_int_eq(r, OUTCOME_OK);
			ck_assert_uint_eq(modes, asked | MODE_UNAUTHENTICATED);
		}
	}
}
END_TEST

START_TEST(a_downgrade_must_be_asked_for)
{
	struct access a = { .key_file = "k" };
	struct outcome out = { .kind = OUTCOME_OK };
	uint32_t modes;

	ck_assert_int_eq(choice_make(&a, 0, MODE_UNAUTHENTICATED, &modes, &out), OUTCOME_NO_ACCEPT);
	ck_assert_ptr_nonnull(strstr(out.hint, "--mode unauthenticated"));
	a.key_file = NULL;
	ck_assert_int_eq(choice_make(&a, 0, MODE_ENCRYPTED, &modes, &out), OUTCOME_NO_ACCEPT);
	ck_assert_ptr_nonnull(strstr(out.hint, "--key-file"));
}
END_TEST

START_TEST(unknown_bits_are_ignored)
{
	struct access a = { .key_file = "k" };
	struct outcome out = { .kind = OUTCOME_OK };
	uint32_t modes;

	ck_assert_int_eq(choice_make(&a, 0, 0xffffffff, &modes, &out), OUTCOME_OK);
	ck_assert_uint_eq(modes, MODE_ENCRYPTED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("choice");
	TCase *c = tcase_create("choice");
	SRunner *runner;
	int failed;

	tcase_add_test(c, security_modes);
	tcase_add_test(c, features);
	tcase_add_test(c, a_downgrade_must_be_asked_for);
	tcase_add_test(c, unknown_bits_are_ignored);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
