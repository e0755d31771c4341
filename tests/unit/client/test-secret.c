// SPDX-License-Identifier: BSD-2-Clause
/* Files of keys, and the entries that twamp keygen makes for them. */
#include "client/cli/keygen.h"
#include "client/control/secret.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct secret s;
static struct outcome out;

/* What becomes of a file with these octets. */
static int load(const void *octets, size_t n, mode_t mode, const char *key_id)
{
	char name[] = "/tmp/twamp-secret-XXXXXX";
	int fd = mkstemp(name), r;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, octets, n), (ssize_t)n);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
	r = secret_load(&s, name, key_id, &out);
	unlink(name);
	return r;
}

static int load_text(const char *text, const char *key_id)
{
	return load(text, strlen(text), 0640, key_id);
}

static void check_entry(const char *key_id, const char *passphrase)
{
	ck_assert_str_eq(s.key_id, key_id);
	ck_assert_uint_eq(s.passphrase_len, strlen(passphrase));
	ck_assert_mem_eq(s.passphrase, passphrase, s.passphrase_len);
}

START_TEST(entries)
{
	static const char three[] = "# ours\n\n \t\na x\nbb\t  y  z \nccc #no comment\n";

	ck_assert_int_eq(load_text("a x", NULL), OUTCOME_OK); /* no line feed at the end */
	check_entry("a", "x");
	ck_assert_int_eq(load_text("\357\273\277a x", NULL), OUTCOME_OK); /* a byte order mark */
	check_entry("a", "x");
	ck_assert_int_eq(load_text(three, "a"), OUTCOME_OK);
	check_entry("a", "x");
	ck_assert_int_eq(load_text(three, "bb"), OUTCOME_OK);
	check_entry("bb", "y  z "); /* C-051: as it is */
	ck_assert_int_eq(load_text(three, "ccc"), OUTCOME_OK);
	check_entry("ccc", "#no comment");
	ck_assert_int_eq(load_text(three, NULL), OUTCOME_LOCAL);
	ck_assert_ptr_nonnull(strstr(out.hint, "--key-id"));
	ck_assert_int_eq(load_text(three, "b"), OUTCOME_LOCAL);
	ck_assert_int_eq(load_text(three, "bbb"), OUTCOME_LOCAL);
	ck_assert_int_eq(load_text("a x\na y\n", "a"), OUTCOME_LOCAL);
	ck_assert_int_eq(load_text("", NULL), OUTCOME_LOCAL);
}
END_TEST

/* R-247: nothing is kept of a file that is refused, and no text quotes it. */
START_TEST(refused_files)
{
	static const char *const texts[] = {
		"SECRET\n",
		"SECRET \n",
		" a SECRET\n",
		"a SECRET\r\n",
		"a SE\033CRET\n",
		"\377 SECRET\n",
		"a\302\240b SECRET\n",
		"a SECRET\nb\n",
		"b\na SECRET\n",
		"a SECRET\nb SECRET\n",
		"a SECRET\na SECRET\n",
	};
	static const struct secret none;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_msg(load_text(texts[i], NULL) == OUTCOME_LOCAL, "%zu", i);
		ck_assert_ptr_null(strstr(out.text, "SECRET"));
		ck_assert_ptr_null(strstr(out.hint, "SECRET"));
		ck_assert_mem_eq(&s, &none, sizeof(s));
	}
	ck_assert_int_eq(load("a\0b x\n", 6, 0600, NULL), OUTCOME_LOCAL);
	ck_assert_int_eq(load("a x\0y\n", 6, 0600, NULL), OUTCOME_LOCAL);
	ck_assert_int_eq(secret_load(&s, "/dev/null", NULL, &out), OUTCOME_LOCAL);
	ck_assert_int_eq(secret_load(&s, "/nonexistent/keys", NULL, &out), OUTCOME_LOCAL);
}
END_TEST

START_TEST(file_modes)
{
	for (unsigned mode = 0; mode <= 0777; mode++) {
		bool good = (mode & 0400) && !(mode & 037);

		if (!(mode & 0400)) {
			continue; /* who may read it all the same depends on who runs this */
		}
		ck_assert_int_eq(load("a x\n", 4, mode, NULL), good ? OUTCOME_OK : OUTCOME_LOCAL);
		if (!good) {
			ck_assert_ptr_nonnull(strstr(out.hint, "chmod 0640"));
		}
	}
}
END_TEST

START_TEST(lengths)
{
	char text[2100];

	memset(text, 'x', sizeof(text));
	text[80] = ' ';
	text[80 + 1 + 1024] = '\0';
	ck_assert_int_eq(load_text(text, NULL), OUTCOME_OK);
	ck_assert_uint_eq(strlen(s.key_id), 80);
	ck_assert_uint_eq(s.passphrase_len, 1024);
	text[80 + 1 + 1024] = 'x';
	text[80 + 1 + 1025] = '\0';
	ck_assert_int_eq(load_text(text, NULL), OUTCOME_LOCAL);
	memset(text, 'x', sizeof(text));
	text[81] = ' ';
	text[100] = '\0';
	ck_assert_int_eq(load_text(text, NULL), OUTCOME_LOCAL);
	secret_wipe(&s);
	secret_wipe(&s);
}
END_TEST

START_TEST(key_ids)
{
	static const struct {
		const char *id;
		bool good;
	} rows[] = {
		{ "a", true },
		{ "probe-1@example.net", true },
		{ "m\303\266\303\237", true },
		{ "\360\237\230\200", true },
		{ "a#", true },
		{ "", false },
		{ "#a", false },
		{ "a b", false },
		{ "a\t", false },
		{ "a\n", false },
		{ "a\177", false },
		{ "\302\205", false }, /* next line */
		{ "\343\200\200", false }, /* ideographic space */
		{ "\342\200\256a", false }, /* right-to-left override */
		{ "\300\200", false },
		{ "\355\240\200", false },
		{ "\364\220\200\200", false },
		{ "a\303", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *fault = keyline_id_fault(rows[i].id, strlen(rows[i].id));

		ck_assert_msg((fault == NULL) == rows[i].good, "%zu: %s", i, fault ? fault : "");
	}
}
END_TEST

START_TEST(generated_lines)
{
	/* RFC 4648 10, "foobar" and its kin, repeated to 160 bits */
	static const uint8_t random[] = "foobafoobafoobafooba";
	char line[KEYGEN_LINE_LEN], id[KEYLINE_ID_MAX + 1];

	keygen_line(line, "a", random);
	ck_assert_str_eq(line, "a mzxw6ytbmzxw6ytbmzxw6ytbmzxw6ytb\n");
	ck_assert_int_eq(load_text(line, "a"), OUTCOME_OK);
	check_entry("a", "mzxw6ytbmzxw6ytbmzxw6ytbmzxw6ytb");
	memset(id, 'k', KEYLINE_ID_MAX);
	id[KEYLINE_ID_MAX] = '\0';
	keygen_line(line, id, random);
	ck_assert_int_eq(load_text(line, id), OUTCOME_OK);
	ck_assert_uint_eq(strlen(line), KEYGEN_LINE_LEN - 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("secret");
	TCase *c = tcase_create("secret");
	SRunner *runner;
	int failed;

	tcase_add_test(c, entries);
	tcase_add_test(c, refused_files);
	tcase_add_test(c, file_modes);
	tcase_add_test(c, lengths);
	tcase_add_test(c, key_ids);
	tcase_add_test(c, generated_lines);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
