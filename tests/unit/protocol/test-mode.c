// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/mode.h"

#include "tests/unit/protocol/seed.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct seed seed;

static const struct {
	uint32_t bit;
	const char *name;
} table[] = {
	{ 1, "unauthenticated" },
	{ 2, "authenticated" },
	{ 4, "encrypted" },
	{ 8, "mixed" },
	{ 16, "individual-session-control" },
	{ 32, "reflect-octets" },
	{ 64, "symmetrical-size" },
	{ 128, "ikev2" },
	{ 256, "dscp-ecn" },
	{ 512, "ptp-timestamps" },
};
#define TABLE_COUNT (sizeof(table) / sizeof(table[0]))

/* The full offer, without IKEv2. C-013 */
START_TEST(masks)
{
	ck_assert_uint_eq(MODE_SECURITY_MASK | MODE_FEATURE_MASK, 0x37f);
	ck_assert_uint_eq(MODE_KNOWN_MASK, MODE_SECURITY_MASK | MODE_FEATURE_MASK | MODE_IKEV2);
	ck_assert_uint_eq(MODE_KEYED_MASK, MODE_SECURITY_MASK & ~(uint32_t)MODE_UNAUTHENTICATED);
}
END_TEST

START_TEST(names_and_bits)
{
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		ck_assert_str_eq(mode_name(table[i].bit), table[i].name);
		ck_assert_uint_eq(mode_by_name(table[i].name), table[i].bit);
	}
	for (unsigned i = TABLE_COUNT; i < 32; i++) {
		ck_assert_ptr_null(mode_name(UINT32_C(1) << i));
	}
	ck_assert_ptr_null(mode_name(0));
	ck_assert_ptr_null(mode_name(3));
	ck_assert_uint_eq(mode_by_name(""), 0);
	ck_assert_uint_eq(mode_by_name("none"), 0);
	ck_assert_uint_eq(mode_by_name("Encrypted"), 0);
	ck_assert_uint_eq(mode_by_name("encrypted "), 0);
}
END_TEST

START_TEST(texts)
{
	char buf[MODE_TEXT_LEN];

	ck_assert_str_eq(mode_text(0, buf, sizeof(buf)), "none");
	ck_assert_str_eq(mode_text(1, buf, sizeof(buf)), "unauthenticated");
	ck_assert_str_eq(mode_text(33, buf, sizeof(buf)), "unauthenticated+reflect-octets");
	ck_assert_str_eq(mode_text(0x208, buf, sizeof(buf)), "mixed+ptp-timestamps");
	ck_assert_str_eq(mode_text(0x80000000, buf, sizeof(buf)), "0x80000000");
	ck_assert_str_eq(mode_text(0x404, buf, sizeof(buf)), "encrypted+0x400");
}
END_TEST

START_TEST(longest_text_fits)
{
	char exact[MODE_TEXT_LEN];
	char ample[1000];

	(void)mode_text(UINT32_MAX, exact, sizeof(exact));
	ck_assert_str_eq(exact, mode_text(UINT32_MAX, ample, sizeof(ample)));
	ck_assert_ptr_nonnull(strstr(exact, "+0xfffffc00"));
}
END_TEST

/* Whatever the size, a beginning of the text, terminated, and nothing behind the buffer. */
START_TEST(texts_are_cut)
{
	static const uint32_t modes[] = { 0, 1, 0x37f, 0xfffffc00, UINT32_MAX };
	char whole[MODE_TEXT_LEN];

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		(void)mode_text(modes[i], whole, sizeof(whole));
		for (size_t size = 1; size < sizeof(whole); size++) {
			char buf[MODE_TEXT_LEN + 1];

			memset(buf, '#', sizeof(buf));
			ck_assert_ptr_eq(mode_text(modes[i], buf, size), buf);
			ck_assert_ptr_nonnull(memchr(buf, '\0', size));
			ck_assert_int_eq(strncmp(buf, whole, size - 1), 0);
			ck_assert_uint_eq(strlen(buf), strnlen(whole, size - 1));
			ck_assert_int_eq(buf[size], '#');
		}
	}
	whole[0] = '#';
	(void)mode_text(1, whole, 0);
	ck_assert_int_eq(whole[0], '#');
}
END_TEST

/* The parts of a text give the modes again. */
START_TEST(texts_read_back)
{
	for (unsigned round = 0; round < 2000; round++) {
		uint32_t modes = (uint32_t)seed_next(&seed);
		uint32_t read = 0;
		char buf[MODE_TEXT_LEN];
		char *save = NULL;

		if (modes & 1) {
			modes &= MODE_KNOWN_MASK;
		}
		(void)mode_text(modes, buf, sizeof(buf));
		for (char *s = strtok_r(buf, "+", &save); s; s = strtok_r(NULL, "+", &save)) {
			if (strncmp(s, "0x", 2) == 0) {
				read |= (uint32_t)strtoul(s, NULL, 16);
			} else {
				read |= mode_by_name(s);
			}
		}
		ck_assert_uint_eq(read, modes);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mode");
	TCase *tc = tcase_create("mode");
	SRunner *runner;
	int failed;

	seed = seed_start();
	tcase_add_test(tc, masks);
	tcase_add_test(tc, names_and_bits);
	tcase_add_test(tc, texts);
	tcase_add_test(tc, longest_text_fits);
	tcase_add_test(tc, texts_are_cut);
	tcase_add_test(tc, texts_read_back);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
