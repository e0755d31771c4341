// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/keyline.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char fault[KEYLINE_FAULT_LEN];

static void expect_entry(struct keyline_text *t, unsigned line, const char *id, const char *phrase)
{
	struct key k;

	ck_assert_int_eq(keyline_next(t, &k, fault), KEYLINE_ENTRY);
	ck_assert_uint_eq(k.line, line);
	ck_assert_uint_eq(k.key_id_len, strlen(id));
	ck_assert_mem_eq(k.key_id, id, strlen(id));
	ck_assert_uint_eq(k.passphrase_len, strlen(phrase));
	ck_assert_mem_eq(k.passphrase, phrase, strlen(phrase));
}

static void expect_fault(struct keyline_text *t, unsigned line, const char *text)
{
	struct key k;

	ck_assert_int_eq(keyline_next(t, &k, fault), KEYLINE_FAULT);
	ck_assert_uint_eq(k.line, line);
	ck_assert_str_eq(fault, text);
}

static void expect_end(struct keyline_text *t)
{
	struct key k;

	ck_assert_int_eq(keyline_next(t, &k, fault), KEYLINE_END);
	ck_assert_int_eq(keyline_next(t, &k, fault), KEYLINE_END);
}

static struct keyline_text begin(const char *text)
{
	return keyline_begin(text, strlen(text));
}

/* C-051: what comes behind a line with a fault is read all the same. */
START_TEST(a_fault_ends_nothing)
{
	struct keyline_text t = begin("\xef\xbb\xbf# keys\n\n \t\nprobe-1 \t open  sesame \n"
				      " x y\nlonely\n  # a comment\nlast word");

	expect_entry(&t, 4, "probe-1", "open  sesame ");
	expect_fault(&t, 5, "white space before the KeyID, expected: none");
	expect_fault(&t, 6, "there is no passphrase behind the KeyID");
	expect_entry(&t, 8, "last", "word");
	expect_end(&t);
}
END_TEST

START_TEST(nothing_at_all)
{
	struct keyline_text t = begin("");

	expect_end(&t);
	t = begin("\n");
	expect_end(&t);
	t = begin("\xef\xbb\xbf");
	expect_end(&t);
	t = begin("\xef\xbb");
	expect_fault(&t, 1, "the KeyID is not UTF-8, expected: KeyID, white space, passphrase");
}
END_TEST

START_TEST(longest_line)
{
	char *text = malloc(KEYLINE_MAX + 1);
	struct keyline_text t;

	ck_assert_ptr_nonnull(text);
	memset(text, ' ', KEYLINE_MAX + 1);
	t = keyline_begin(text, KEYLINE_MAX);
	expect_end(&t);
	t = keyline_begin(text, KEYLINE_MAX + 1);
	expect_fault(&t, 1, "too long, at most 2048 octets expected");
	expect_end(&t);
	free(text);
}
END_TEST

/* The longest text has room. */
START_TEST(texts_are_whole)
{
	static const char *const ids[] = { "a\xe2\x80\x8b", "\xff", "a\xff" };
	char line[16];

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		struct keyline_text t;

		(void)snprintf(line, sizeof(line), "%s x", ids[i]);
		t = begin(line);
		ck_assert_ptr_nonnull(keyline_id_fault(ids[i], strlen(ids[i])));
		ck_assert_int_eq(keyline_next(&t, &(struct key){ 0 }, fault), KEYLINE_FAULT);
		ck_assert_ptr_nonnull(strstr(fault, ", expected: KeyID, white space, passphrase"));
	}
	ck_assert_str_eq(keyline_id_fault("#a", 2), "begins with #, as comments do");
	ck_assert_ptr_null(keyline_id_fault("a#", 2));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keyline");
	TCase *cases = tcase_create("keyline");
	SRunner *runner;
	int failed;

	tcase_add_test(cases, a_fault_ends_nothing);
	tcase_add_test(cases, nothing_at_all);
	tcase_add_test(cases, longest_line);
	tcase_add_test(cases, texts_are_whole);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
