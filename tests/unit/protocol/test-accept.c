// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/accept.h"

#include <check.h>
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* A whole sentence or several: starts with a capital, ends with a full stop. */
static void assert_sentence(const char *s)
{
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_gt(strlen(s), 10);
	ck_assert_msg(isupper((unsigned char)s[0]) && s[strlen(s) - 1] == '.', "%s", s);
	ck_assert_msg(!strstr(s, "  "), "%s", s);
}

/* A phrase that goes into the middle of a log line. */
static void assert_phrase(const char *s)
{
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_gt(strlen(s), 0);
	ck_assert_msg(s[strlen(s) - 1] != '.', "%s", s);
	ck_assert_msg(!strpbrk(s, "\n\t\""), "%s", s);
}

START_TEST(codes_have_the_names_of_the_rfc)
{
	static const char *const names[ACCEPT_COUNT] = {
		"OK",
		"Failure",
		"Internal Error",
		"Not Supported",
		"Permanent Resource Limitation",
		"Temporary Resource Limitation",
	};

	for (unsigned i = 0; i < ACCEPT_COUNT; i++) {
		ck_assert_str_eq(accept_info(i)->name, names[i]);
	}
}
END_TEST

START_TEST(codes_have_texts)
{
	for (unsigned i = 0; i < ACCEPT_COUNT; i++) {
		const struct accept_info *a = accept_info(i);

		assert_sentence(a->meaning);
		assert_sentence(a->causes);
		assert_sentence(a->action);
		for (unsigned j = 0; j < i; j++) {
			ck_assert_str_ne(a->meaning, accept_info(j)->meaning);
			ck_assert_str_ne(a->causes, accept_info(j)->causes);
			ck_assert_str_ne(a->action, accept_info(j)->action);
		}
	}
}
END_TEST

/* RFC 4656 3.3: all reserved values read as 1; 6 is that of RFC 7717. R-075 */
START_TEST(reserved_codes_read_as_failure)
{
	for (unsigned i = ACCEPT_COUNT; i < 256; i++) {
		ck_assert_ptr_eq(accept_info(i), accept_info(ACCEPT_FAILURE));
	}
	ck_assert_ptr_eq(accept_info(256), accept_info(ACCEPT_FAILURE));
	ck_assert_ptr_eq(accept_info(~0u), accept_info(ACCEPT_FAILURE));
}
END_TEST

START_TEST(reasons_have_texts)
{
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const struct reason_info *r = reason_info((enum reason)i);

		ck_assert_ptr_nonnull(r->key);
		ck_assert_uint_gt(strlen(r->key), 0);
		ck_assert_uint_eq(strspn(r->key, "abcdefghijklmnopqrstuvwxyz-"), strlen(r->key));
		assert_phrase(r->text);
		assert_phrase(r->remedy);
		ck_assert_uint_lt((unsigned)r->code, ACCEPT_COUNT);
		for (unsigned j = 0; j < i; j++) {
			ck_assert_str_ne(r->key, reason_info((enum reason)j)->key);
		}
	}
}
END_TEST

/* Only "accepted" answers 0, and each code is reached by some reason. */
START_TEST(reasons_cover_the_codes)
{
	unsigned count[ACCEPT_COUNT] = { 0 };

	for (unsigned i = 0; i < REASON_COUNT; i++) {
		count[reason_info((enum reason)i)->code]++;
	}
	ck_assert_uint_eq(count[ACCEPT_OK], 1);
	ck_assert_int_eq(reason_info(REASON_OK)->code, ACCEPT_OK);
	for (unsigned i = 0; i < ACCEPT_COUNT; i++) {
		ck_assert_uint_gt(count[i], 0);
	}
}
END_TEST

static const struct {
	const char *key;
	enum accept_code code;
} expected[] = {
	{ "ok", 0 },
	{ "auth-failed", 1 },
	{ "no-class", 1 },
	{ "light-client", 1 },
	{ "light-key", 1 },
	{ "policy-address", 1 },
	{ "nothing-to-start", 1 },
	{ "unknown-sid", 1 },
	{ "internal", 2 },
	{ "no-mode", 3 },
	{ "mode-not-offered", 3 },
	{ "mode-multiple", 3 },
	{ "feature-not-offered", 3 },
	{ "conf-fields", 3 },
	{ "schedule-fields", 3 },
	{ "ip-version", 3 },
	{ "family-mismatch", 3 },
	{ "address-not-local", 3 },
	{ "sender-address", 3 },
	{ "no-route", 3 },
	{ "loop", 3 },
	{ "link-local-scope", 3 },
	{ "sender-port", 3 },
	{ "type-p", 3 },
	{ "dscp", 3 },
	{ "padding-too-large", 3 },
	{ "reflect-padding", 3 },
	{ "timeout-too-large", 3 },
	{ "unexpected-command", 3 },
	{ "busy-testing", 3 },
	{ "wrong-state", 3 },
	{ "already-started", 3 },
	{ "already-stopped", 3 },
	{ "max-connections", 4 },
	{ "max-connections-per-client", 4 },
	{ "max-sessions", 4 },
	{ "max-sessions-per-client", 4 },
	{ "max-sessions-per-connection", 4 },
	{ "no-port", 4 },
	{ "max-padding", 4 },
	{ "buffer-size", 4 },
	{ "class-quota", 4 },
	{ "rate-limit", 5 },
	{ "tuple-in-use", 5 },
	{ "memory-low", 5 },
	{ "descriptors-low", 5 },
	{ "cpu-load", 5 },
	{ "kdf-queue", 5 },
	{ "abandon-rate", 5 },
	{ "net-buffers", 5 },
	{ "draining", 5 },
};

/* What each condition answers. R-072 R-082 R-083 R-084 R-088 R-090 R-091 R-095 R-143 R-145 */
START_TEST(reasons_answer_their_codes)
{
	size_t found = 0;

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		for (unsigned r = 0; r < REASON_COUNT; r++) {
			const struct reason_info *info = reason_info((enum reason)r);

			if (strcmp(info->key, expected[i].key) != 0) {
				continue;
			}
			ck_assert_msg(info->code == expected[i].code, "%s", info->key);
			found++;
		}
	}
	ck_assert_uint_eq(found, sizeof(expected) / sizeof(expected[0]));
}
END_TEST

START_TEST(a_wrong_reason_is_a_fault_of_ours)
{
	const struct reason_info *volatile r = reason_info(REASON_COUNT);

	(void)r;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("accept");
	TCase *tc = tcase_create("accept");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, codes_have_the_names_of_the_rfc);
	tcase_add_test(tc, codes_have_texts);
	tcase_add_test(tc, reserved_codes_read_as_failure);
	tcase_add_test(tc, reasons_have_texts);
	tcase_add_test(tc, reasons_cover_the_codes);
	tcase_add_test(tc, reasons_answer_their_codes);
	tcase_add_test_raise_signal(tc, a_wrong_reason_is_a_fault_of_ours, SIGABRT);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
