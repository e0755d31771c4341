// SPDX-License-Identifier: BSD-2-Clause
/* What explains the syntax agrees with libconfig, whatever its version. */
#include "daemon/config/source.h"
#include "daemon/config/syntax.h"

#include <check.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

/* The one leak that daemon/config/source.h owns up to. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static unsigned count(const config_setting_t *parent)
{
	unsigned n = 0;

	for (int i = 0; i < config_setting_length(parent); i++) {
		const config_setting_t *s = config_setting_get_elem(parent, (unsigned)i);

		n += 1 + (config_setting_is_aggregate(s) ? count(s) : 0);
	}
	return n;
}

/* What libconfig makes of it: settings, or -1. */
static int parse(const char *raw, size_t len)
{
	config_t config;
	char *text;
	int n = -1;

	if (source_make_safe("x", raw, len, &text, NULL)) {
		return -1;
	}
	config_init(&config);
	if (config_read_string(&config, text)) {
		n = (int)count(config_root_setting(&config));
	}
	config_destroy(&config);
	free(text);
	return n;
}

static size_t invent(char *text, unsigned *seed)
{
	static const char *const words[] = {
		"a",	       "b",	    " ",
		"=",	       ";",	    ",",
		"{",	       "}",	    "(",
		")",	       "[",	    "]",
		"1",	       "2.5",	    "\"x\"",
		"true",	       "\n",	    "15m",
		"yes",	       ":",	    "-",
		"+",	       "0x1F",	    "'q'",
		"#c\n",	       "/*d*/",	    "/",
		".",	       "_",	    "a{",
		"99999999999", "=(",	    "\"",
		"\\",	       "@",	    "b=1;",
		"c=[1,2];",    "g={x=1;};", "\u201cx\u201d",
		"\u00a0",      "\xff",	    "e",
		"1e5",	       "a=1,",	    "a=[",
		"=((",	       "b={",	    "=\"x\";",
		",]",	       ",)",	    ",,",
		",}",	       ";;",	    "d=[1,",
		"e=(1,",       "f={x=1",
	};
	size_t len = 0;

	text[0] = '\0';
	for (int n = 1 + rand_r(seed) % 14; n; n--) {
		len += (size_t)sprintf(
			text + len, "%s",
			words[(size_t)rand_r(seed) % (sizeof(words) / sizeof(words[0]))]);
	}
	return len;
}

START_TEST(agrees_with_libconfig)
{
	struct syntax *x = malloc(sizeof(*x));
	unsigned seed = 20261128u + (unsigned)_i, good = 0, mended = 0;

	ck_assert_ptr_nonnull(x);
	for (int round = 0; round < 20000; round++) {
		char text[256], *other;
		size_t len = invent(text, &seed);
		int settings = parse(text, len);

		ck_assert_int_eq(syntax_read(x, text, len), 0);
		ck_assert_msg((settings >= 0) == !x->n_faults, "libconfig %s this: %s\n%s",
			      settings < 0 ? "refuses" : "takes", text, x->fault[0].text);
		if (!x->n_faults) {
			ck_assert_msg((unsigned)settings == x->n_places, "%s", text);
			good++;
		} else if (!x->stopped) {
			other = syntax_mend(x, &len);
			settings = parse(other, len);
			ck_assert_msg(settings < 0 || (unsigned)settings == x->n_places, "%s\n%s",
				      text, other);
			mended += settings >= 0;
			free(other);
		}
		syntax_wipe(x);
	}
	ck_assert_uint_gt(good, 100);
	ck_assert_uint_gt(mended, 50);
	free(x);
}
END_TEST

/* What is deeper or has more in a group than this looks at is left to libconfig. */
START_TEST(bounds)
{
	struct syntax *x = malloc(sizeof(*x));
	char *text = malloc(1 << 20);
	size_t len = 0;

	ck_assert_ptr_nonnull(x);
	ck_assert_ptr_nonnull(text);
	len += (size_t)sprintf(text, "a=");
	memset(text + len, '(', 100);
	memset(text + len + 100, ')', 100);
	text[len + 200] = '\0';
	ck_assert_int_eq(syntax_read(x, text, len + 200), 0);
	ck_assert(x->gave_up && !x->n_faults);
	syntax_wipe(x);
	for (int i = 0; i <= SYNTAX_GROUP; i++) {
		len += (size_t)sprintf(text + len, "k%d=1;", i);
	}
	ck_assert_int_eq(syntax_read(x, text + 2, len - 2), 0);
	ck_assert(x->gave_up && !x->n_faults);
	syntax_wipe(x);
	for (len = 0; len < 1000;) {
		len += (size_t)sprintf(text + len, "a 1;");
	}
	ck_assert_int_eq(syntax_read(x, text, len), 0);
	ck_assert(x->stopped);
	ck_assert_uint_eq(x->n_faults, SYNTAX_FAULTS);
	syntax_wipe(x);
	free(text);
	free(x);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("syntax-agrees");
	TCase *tc = tcase_create("syntax-agrees");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, agrees_with_libconfig, 0, 4);
	tcase_add_test(tc, bounds);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
