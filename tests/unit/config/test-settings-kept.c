// SPDX-License-Identifier: BSD-2-Clause
/* Settings in force that go to another process: the same comes out. */
#include "tests/unit/config/test-settings.h"

#include "daemon/config/kept.h"
#include "daemon/config/keys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct settings *load_kept(const struct kept *k)
{
	struct settings_error err;
	struct settings *s = NULL;

	ck_assert_msg(kept_load(k, file, &s, &err) == 0, "%s", err.text);
	return s;
}

static const char many[] = "limits = { max_sessions = 77; max_padding = 1; };\n"
			   "listen = ( { address = \"192.0.2.1\"; port = 1; }, { port = 2; } );\n"
			   "clients = ( { name = \"a.b\"; prefixes = [ \"192.0.2.0/24\" ];\n"
			   "  limits = { max_sessions = 5; }; },\n"
			   "  { name = \"keyed\"; key_ids = [ \"probe\" ]; } );\n"
			   "light = ( { port = 9; type = \"stamp\"; ssids = [ 1, 2 ];\n"
			   "  clients = [ \"::1\" ]; } );\n"
			   "reflector = { cpus = \"0-1\"; };\n";

START_TEST(the_same_comes_out)
{
	struct settings *first, *second;
	struct kept k;
	char *before, *after;

	write_keys("probe a long passphrase\nother another one\n");
	write_text("conf.d/10.conf", "limits = { max_connections = 9; };\n");
	first = load_good(many);
	ck_assert_int_eq(kept_write(first, &k), 0);
	before = dump(first);
	/* Nothing is read but what was kept. */
	write_text("conf.d/10.conf", "nonsense");
	write_text("twampd.conf", "nonsense");
	write_text("twampd.keys", "nonsense");
	second = load_kept(&k);
	after = dump(second);
	ck_assert_str_eq(before, after);
	ck_assert_uint_eq(second->policy.max_connections, 9);
	ck_assert_uint_eq(keys_count(second->keys), 2);
	ck_assert_ptr_nonnull(keys_find(second->keys, (const uint8_t *)"probe", 5));
	ck_assert_str_eq(first->keys_path, second->keys_path);
	free(before);
	free(after);
	settings_unref(first);
	settings_unref(second);
	kept_close(&k);
}
END_TEST

START_TEST(no_keys_are_no_keys)
{
	struct settings *first = load_good(""), *second;
	struct kept k;

	ck_assert_int_eq(kept_write(first, &k), 0);
	ck_assert_int_eq(k.keys, -1);
	write_keys("probe a long passphrase\n");
	second = load_kept(&k);
	ck_assert_ptr_null(second->keys);
	settings_unref(first);
	settings_unref(second);
	kept_close(&k);
	kept_close(&k); /* twice is as good as once */
}
END_TEST

START_TEST(it_is_sealed)
{
	struct settings *s;
	struct kept k;

	write_keys("probe a long passphrase\n");
	s = load_good("");
	ck_assert_int_eq(kept_write(s, &k), 0);
	ck_assert_int_lt(pwrite(k.settings, "x", 1, 0), 0);
	ck_assert_int_lt(pwrite(k.keys, "x", 1, 0), 0);
	ck_assert_int_lt(ftruncate(k.keys, 0), 0);
	settings_unref(s);
	kept_close(&k);
}
END_TEST

START_TEST(a_fault_is_told)
{
	struct settings_error err;
	struct settings *s;
	struct kept k = KEPT_NONE;

	k.settings = open(room, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ne(kept_load(&k, file, &s, &err), 0);
	kept_close(&k);
	ck_assert_int_ne(kept_load(&k, file, &s, &err), 0);
}
END_TEST

TCase *kept_cases(void)
{
	TCase *t = tcase_create("kept");

	tcase_add_checked_fixture(t, room_set_up, room_tear_down);
	tcase_add_test(t, the_same_comes_out);
	tcase_add_test(t, no_keys_are_no_keys);
	tcase_add_test(t, it_is_sealed);
	tcase_add_test(t, a_fault_is_told);
	return t;
}
