// SPDX-License-Identifier: BSD-2-Clause
/* The keys file as part of the settings. */
#include "tests/unit/config/test-keys.h"

#include "protocol/mode.h"

#include <stdlib.h>
#include <sys/stat.h>

struct settings *load_settings(struct settings_error *err)
{
	struct settings *s;
	char config[96];
	int r;

	(void)snprintf(config, sizeof(config), "%s/twampd.conf", room);
	err->text[0] = '\0';
	r = settings_load(config, &s, err);
	ck_assert_int_eq(r, s ? 0 : SETTINGS_BAD);
	return s;
}

START_TEST(with_settings)
{
	struct settings_error err = { .text = "" };
	struct settings *s;

	write_in_room("twampd.conf", "");
	s = load_settings(&err);
	ck_assert_ptr_nonnull(s);
	ck_assert_ptr_null(s->keys);
	ck_assert_str_eq(s->keys_path, path);
	settings_unref(s);

	write_in_room("twampd.keys", "a hush\n");
	s = load_settings(&err);
	ck_assert_ptr_nonnull(s);
	expect(s->keys, "a", "hush");
	ck_assert_uint_eq(s->policy.modes, MODE_SECURITY_MASK);
	settings_unref(s);

	/* All or nothing. */
	write_in_room("twampd.keys", "a hush\nb\n");
	ck_assert_ptr_null(load_settings(&err));
	ck_assert_ptr_nonnull(strstr(err.text, "/twampd.keys:2: there is no passphrase"));

	/* The built-in defaults do not look. */
	ck_assert_int_eq(settings_load(NULL, &s, NULL), 0);
	ck_assert_ptr_null(s->keys);
	settings_unref(s);
}
END_TEST

START_TEST(named_in_settings)
{
	struct settings_error err = { .text = "" };
	struct settings *s;

	write_in_room("twampd.keys", "a hush\n");
	write_in_room("twampd.conf", "keys_file = \"other\";");
	ck_assert_ptr_null(load_settings(&err));
	ck_assert_ptr_nonnull(strstr(err.text, "/other: there is no such file"));
	write_in_room("other", "b hush\n");
	s = load_settings(&err);
	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(s->keys_file, "other");
	expect(s->keys, "a", NULL);
	expect(s->keys, "b", "hush");
	settings_unref(s);
}
END_TEST

START_TEST(credential)
{
	struct settings_error err = { .text = "" };
	struct settings *s;
	char dir[96];

	(void)snprintf(dir, sizeof(dir), "%s/credentials", room);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", dir, 1), 0);
	write_in_room("twampd.keys", "a hush\n");
	write_in_room("twampd.conf", "");
	s = load_settings(&err);
	ck_assert_ptr_nonnull(s);
	expect(s->keys, "a", "hush");
	settings_unref(s);
	write_in_room("credentials/twampd.keys", "b hush\n");
	/* Also instead of one that is named, and not there. */
	write_in_room("twampd.conf", _i ? "keys_file = \"other\";" : "");
	s = load_settings(&err);
	ck_assert_ptr_nonnull(s);
	expect(s->keys, "a", NULL);
	expect(s->keys, "b", "hush");
	settings_unref(s);
	/* Not passed over if something is wrong with it. */
	(void)snprintf(dir, sizeof(dir), "%s/credentials/twampd.keys", room);
	ck_assert_int_eq(chmod(dir, 0644), 0);
	ck_assert_ptr_null(load_settings(&err));
	ck_assert_ptr_nonnull(strstr(err.text, "/credentials/twampd.keys: has mode 0644"));
}
END_TEST

START_TEST(dump_has_no_secret)
{
	struct settings_error err = { .text = "" };
	struct settings *s;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	write_in_room("twampd.keys", "a hush\n");
	write_in_room("twampd.conf", "clients = ( { name = \"x\"; key_ids = [ \"a\" ]; } );");
	s = load_settings(&err);
	ck_assert_ptr_nonnull(s);
	settings_dump(s, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_ptr_nonnull(strstr(text, "key_ids = [ \"a\" ];"));
	ck_assert_ptr_null(strstr(text, "hush"));
	free(text);
	settings_unref(s);
}
END_TEST

void add_settings(TCase *settings)
{
	tcase_add_test(settings, with_settings);
	tcase_add_test(settings, named_in_settings);
	tcase_add_loop_test(settings, credential, 0, 2);
	tcase_add_test(settings, dump_has_no_secret);
}
