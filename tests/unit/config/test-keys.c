// SPDX-License-Identifier: BSD-2-Clause
/* The keys file. */
#include "tests/unit/config/test-keys.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEN "1234567890"
#define EIGHTY TEN TEN TEN TEN TEN TEN TEN TEN

/* C-051: a passphrase is used as it is. */
START_TEST(entries)
{
	struct keys *k = load("# comment with hush\n"
			      "\n"
			      " \t\n"
			      "  # another\r\n"
			      "one hush\n"
			      "two\t \t hush with  blanks # and no comment \n"
			      "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 hush \xc3\xa9 \xff\n"
			      "\"quoted\" 'hush'\n"
			      "a#b #hush\n" EIGHTY " hush80\n"
			      "last h");

	ck_assert_uint_eq(keys_count(k), 7);
	expect(k, "one", "hush");
	expect(k, "two", "hush with  blanks # and no comment ");
	expect(k, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "hush \xc3\xa9 \xff");
	expect(k, "\"quoted\"", "'hush'");
	expect(k, "a#b", "#hush");
	expect(k, EIGHTY, "hush80");
	expect(k, "last", "h");
	ck_assert_uint_eq(keys_find(k, (const uint8_t *)"last", 4)->line, 11);
	expect(k, "on", NULL);
	expect(k, "onee", NULL);
	expect(k, "", NULL);
	expect(k, "another", NULL);
	ck_assert_ptr_null(keys_find(k, (const uint8_t *)"one", 4)); /* with its NUL */
	keys_free(k);
}
END_TEST

START_TEST(no_keys)
{
	struct keys *k = load("");

	ck_assert_uint_eq(keys_count(k), 0);
	expect(k, "a", NULL);
	keys_free(k);
	k = load("#\n");
	ck_assert_uint_eq(keys_count(k), 0);
	keys_free(k);
	ck_assert_uint_eq(keys_count(NULL), 0);
	expect(NULL, "a", NULL);
	keys_free(NULL);
}
END_TEST

static const struct {
	const char *text, *part;
} faults[] = {
	{ "a hush\n\nhush", ":3: there is no passphrase behind the KeyID" },
	{ "hush \t \n", ":1: there is no passphrase behind the KeyID" },
	{ " hush hush", ":1: white space before the KeyID, expected: none" },
	{ "a hush\r\nb hush\r\n",
	  ":1: this line ends with a carriage return, expected: a line feed" },
	{ "#\r\na hush\rhush\n", ":2: there is a control character in the passphrase" },
	{ "a hush\thush\n", ":1: there is a control character in the passphrase" },
	{ "a hush\x7f\n", ":1: there is a control character in the passphrase" },
	{ "a \033hush\n", ":1: there is a control character in the passphrase" },
	{ "\r\n", ":1: the KeyID has white space, a control character or an invisible one in it" },
	{ "a\001 hush\n", ":1: the KeyID has white space, a control" },
	{ "a\x7f hush\n", ":1: the KeyID has white space, a control" },
	{ "\xef\xbb\xbf"
	  "a hush\n\xef\xbb\xbf"
	  "b hush\n",
	  ":2: the KeyID has white space, a control" }, /* a mark of order */
	{ "a\xc2\xa0"
	  "b hush\n",
	  ":1: the KeyID has white space" },
	{ "a\xe2\x80\xae"
	  "b hush\n",
	  ":1: the KeyID has white space" },
	{ "a\xc2\x85 hush\n", ":1: the KeyID has white space" },
	{ "\xff hush\n", ":1: the KeyID is not UTF-8, expected: KeyID, white space, passphrase" },
	{ "\xc3 hush\n", "is not UTF-8" },
	{ "a\x80 hush\n", "is not UTF-8" },
	{ "\xc0\xaf hush\n", "is not UTF-8" }, /* a longer form than needed */
	{ "\xe0\x80\xaf hush\n", "is not UTF-8" },
	{ "\xf0\x80\x80\xaf hush\n", "is not UTF-8" },
	{ "\xed\xa0\x80 hush\n", "is not UTF-8" }, /* a surrogate */
	{ "\xf4\x90\x80\x80 hush\n", "is not UTF-8" }, /* above U+10FFFF */
	{ "\xf8\x88\x80\x80\x80 hush\n", "is not UTF-8" },
	{ EIGHTY "1 hush\n", ":1: the KeyID is longer than 80 octets" },
	{ "a hush\nb hush\n\na hush2\n",
	  ":4: the KeyID \"a\" is there already, in line 1, expected: o" },
	{ "\xc3\xa9 hush\n\xc3\xa9 hush\n", ":2: the KeyID \"\xc3\xa9\" is there already" },
};

START_TEST(fault_is_told)
{
	refuse_octets(faults[_i].text, strlen(faults[_i].text), faults[_i].part);
}
END_TEST

START_TEST(nul_octets)
{
	refuse_octets("a hu\0sh\n", 8, ":1: there is a control character in the passphrase");
	refuse_octets("a\0b hush\n", 9, ":1: the KeyID has white space, a control");
}
END_TEST

START_TEST(sizes)
{
	size_t len = KEYS_MAX_OCTETS + 1, n = 0;
	char *big = malloc(len);
	struct keys *k;

	ck_assert_ptr_nonnull(big);
	memset(big, '\n', len);
	refuse_octets(big, len, "too large, at most 1048576 octets expected");
	k = load_octets(big, len - 1);
	keys_free(k);
	memset(big, '#', KEYLINE_MAX + 1);
	refuse_octets(big, KEYLINE_MAX + 1, ":1: too long, at most 2048 octets expected");
	keys_free(load_octets(big, KEYLINE_MAX));
	memset(big, 'p', len);
	memcpy(big, "a ", 2);
	keys_free(load_octets(big, 2 + KEYLINE_PASSPHRASE_MAX));
	refuse_octets(big, 3 + KEYLINE_PASSPHRASE_MAX,
		      ":1: the passphrase is longer than 1024 octets");
	for (int i = 0; i < KEYS_MAX; i++) {
		n += (size_t)sprintf(big + n, "%x hush%d\n", i, i);
	}
	k = load_octets(big, n);
	ck_assert_uint_eq(keys_count(k), KEYS_MAX);
	for (int i = 0; i < KEYS_MAX; i += 7) {
		char id[16], passphrase[16];

		(void)sprintf(id, "%x", i);
		(void)sprintf(passphrase, "hush%d", i);
		expect(k, id, passphrase);
	}
	keys_free(k);
	n += (size_t)sprintf(big + n, "more hush\n");
	refuse_octets(big, n, ":10001: too many keys, at most 10000 expected");
	free(big);
}
END_TEST

/* As any user: root could read all of them. */
START_TEST(modes)
{
	static const struct {
		mode_t mode;
		bool good;
	} rows[] = {
		{ 0600, true },	 { 0400, true },  { 0640, true },  { 0440, true },  { 0644, false },
		{ 0660, false }, { 0604, false }, { 0602, false }, { 0601, false }, { 0620, false },
		{ 0650, false }, { 0777, false }, { 0666, false },
	};
	struct settings_error err = { .text = "" };
	char wanted[300];
	struct keys *k;

	write_file(path, "a hush\n", 7);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		err.n = 0;
		ck_assert_int_eq(chmod(path, rows[i].mode), 0);
		ck_assert_int_eq(keys_load(path, true, &k, &err), rows[i].good ? 0 : SETTINGS_BAD);
		keys_free(k);
		if (rows[i].good) {
			continue;
		}
		(void)snprintf(
			wanted, sizeof(wanted),
			"%s: has mode %04o, expected: 0640 or tighter, for it holds secrets: "
			"chmod 0640 %s",
			path, rows[i].mode, path);
		ck_assert_str_eq(err.text, wanted);
	}
}
END_TEST

START_TEST(not_readable)
{
	struct settings_error err = { .text = "" };
	struct keys *k;

	write_file(path, "a hush\n", 7);
	ck_assert_int_eq(chmod(room, 0755), 0);
	ck_assert_int_eq(chmod(path, 0), 0);
	if (!geteuid()) {
		ck_assert_int_eq(seteuid(65534), 0);
	}
	/* Not the same as no keys, also for the file that need not be there. */
	ck_assert_int_eq(keys_load(path, _i, &k, &err), SETTINGS_BAD);
	if (!getuid()) {
		ck_assert_int_eq(seteuid(0), 0);
	}
	ck_assert_ptr_nonnull(strstr(err.text, "cannot be opened: Permission denied"));
}
END_TEST

START_TEST(not_there)
{
	struct settings_error err = { .text = "" };
	struct keys *k;

	ck_assert_int_eq(keys_load(path, false, &k, &err), 0);
	ck_assert_ptr_null(k);
	ck_assert_int_eq(keys_load(path, true, &k, &err), SETTINGS_BAD);
	ck_assert_ptr_nonnull(
		strstr(err.text, "there is no such file: create it, see twampd.keys(5)"));
	ck_assert_int_eq(keys_load(path, true, &k, NULL), SETTINGS_BAD);
}
END_TEST

START_TEST(not_a_file)
{
	static const char *const others[] = { "/dev/null", "/tmp" };
	struct settings_error err = { .text = "" };
	struct keys *k;

	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(keys_load(others[i], true, &k, &err), SETTINGS_BAD);
		ck_assert_ptr_nonnull(strstr(err.text, "this is not a regular file"));
	}
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(keys_load(path, false, &k, &err), SETTINGS_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "this is not a regular file"));
}
END_TEST

START_TEST(place)
{
	static const struct {
		const char *config, *named, *path;
		bool explicit;
	} rows[] = {
		{ "/etc/twampd/twampd.conf", "", "/etc/twampd/twampd.keys", false },
		{ "/etc/twampd/twampd.conf", "k", "/etc/twampd/k", true },
		{ "/etc/twampd/twampd.conf", "../k", "/etc/twampd/../k", true },
		{ "/etc/twampd/twampd.conf", "/run/k", "/run/k", true },
		{ "twampd.conf", "", "twampd.keys", false },
		{ "twampd.conf", "sub/k", "sub/k", true },
		{ "/twampd.conf", "", "/twampd.keys", false },
		{ "/etc/twampd/lab.conf", "", "/etc/twampd/lab.keys", false },
		{ "/etc/twampd/lab.conf", "twampd.keys", "/etc/twampd/twampd.keys", true },
		{ "/etc/a.conf/lab", "", "/etc/a.conf/lab.keys", false },
		{ ".conf", "", ".conf.keys", false },
	};
	char *found;
	bool explicit;

	/* A directory of credentials, but no such one in it. */
	if (_i) {
		ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", room, 1), 0);
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(keys_place(rows[i].config, rows[i].named, &found, &explicit), 0);
		ck_assert_str_eq(found, rows[i].path);
		ck_assert_int_eq(explicit, rows[i].explicit);
		free(found);
	}
	write_file(path, "", 0);
	ck_assert_int_eq(keys_place("/etc/x.conf", "/run/k", &found, &explicit), 0);
	ck_assert_str_eq(found, _i ? path : "/run/k");
	ck_assert(explicit);
	free(found);
}
END_TEST

/* Mutations of a good file: each loads or is refused, and never with a passphrase in the text. */
START_TEST(mutations)
{
	static const char salt[] = "\n\n  \t\t#\r\0\xff\xc3\xa9"
				   "ab";
	static const char text[] =
		"# head\nprobe-1 hush hush hush hush\nprobe-2\thush hush hush\n\n"
		"\xc3\xa9 hush hush hush hush hush\nprobe-4 hush hush";
	unsigned seed = 99u + (unsigned)_i, refused = 0;
	char copy[sizeof(text)];

	for (int round = 0; round < 500; round++) {
		struct settings_error err = { .text = "" };
		struct keys *k;
		int r;

		memcpy(copy, text, sizeof(text));
		for (int i = 0; i < 1 + round / 100; i++) {
			copy[(size_t)rand_r(&seed) % (sizeof(text) - 1)] =
				salt[(size_t)rand_r(&seed) % (sizeof(salt) - 1)];
		}
		write_file(path, copy,
			   sizeof(text) - 1 - (round % 3 ? 0 : (size_t)rand_r(&seed) % 40));
		r = keys_load(path, true, &k, &err);
		ck_assert(r == 0 ? keys_count(k) <= 20 : r == SETTINGS_BAD);
		/* A line that was cut in two can make "hush" a KeyID, and only that is quoted. */
		ck_assert(!strstr(err.text, "hush") || strstr(err.text, "the KeyID \"hush\" is"));
		refused += r != 0;
		keys_free(k);
	}
	ck_assert_uint_gt(refused, 0);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *c = tcase_create(name);

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, set_up, tear_down);
	suite_add_tcase(suite, c);
	return c;
}

int main(void)
{
	Suite *suite = suite_create("keys");
	TCase *text = add_case(suite, "text"), *file = add_case(suite, "file");
	TCase *many = add_case(suite, "many");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(text, entries);
	tcase_add_test(text, no_keys);
	tcase_add_loop_test(text, fault_is_told, 0, (int)(sizeof(faults) / sizeof(faults[0])));
	tcase_add_test(text, nul_octets);
	tcase_add_test(text, sizes);
	tcase_add_test(file, modes);
	tcase_add_loop_test(file, not_readable, 0, 2);
	tcase_add_test(file, not_there);
	tcase_add_test(file, not_a_file);
	tcase_add_loop_test(file, place, 0, 2);
	add_settings(add_case(suite, "settings"));
	add_memory(add_case(suite, "memory"));
	tcase_set_tags(many, "many");
	tcase_add_loop_test(many, mutations, 0, 4);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
