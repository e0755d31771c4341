// SPDX-License-Identifier: BSD-2-Clause
/* Files as such: conf.d, broken and hostile ones. */
#include "tests/unit/config/test-settings.h"

#include "daemon/config/source.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAMPLE SOURCE_ROOT "/conf/twampd.conf"

START_TEST(missing_file)
{
	struct settings_error err = { .text = "" };
	struct settings *s;

	ck_assert_int_eq(settings_load(file, &s, &err), SETTINGS_BAD);
	ck_assert(strstr(err.text, file) && strstr(err.text, "no such file"));
	ck_assert_ptr_nonnull(strstr(err.text, "create it"));
	ck_assert_ptr_nonnull(strstr(err.text, "--config"));
}
END_TEST

START_TEST(not_a_file)
{
	struct settings_error err = { .text = "" };
	struct settings *s;

	ck_assert_int_eq(settings_load(room, &s, &err), SETTINGS_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "not a regular file"));
	/* It must not wait for a writer. */
	ck_assert_int_eq(mkfifo(file, 0600), 0);
	ck_assert_int_eq(settings_load(file, &s, &err), SETTINGS_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "not a regular file"));
	ck_assert_int_eq(settings_load("/dev/null", &s, &err), 0);
	assert_defaults(s);
	settings_unref(s);
}
END_TEST

START_TEST(long_name)
{
	char path[900];
	struct settings_error err = { .text = "" };
	struct settings *s;

	memset(path, 'x', sizeof(path));
	memcpy(path, "/tmp/", 5);
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(settings_load(path, &s, &err), SETTINGS_BAD);
	ck_assert_ptr_nonnull(strstr(err.text, "xx: "));
}
END_TEST

/* The later file wins key by key, lists entire; order of octets; other names are not read. */
START_TEST(conf_d)
{
	struct settings *s;

	write_text("conf.d/10-a.conf", "limits = { max_sessions = 10; max_padding = 11; };\n"
				       "listen = ( { address = \"::1\"; port = 1; } );");
	write_text("conf.d/9.conf", "limits = { max_sessions = 9; };");
	write_text("conf.d/Z.conf", "timers = { servwait = 90; };");
	write_text("conf.d/a.conf", "timers = { servwait = 97; };");
	write_text("conf.d/.hidden.conf", "nonsense");
	write_text("conf.d/old.conf~", "nonsense");
	write_text("conf.d/README", "nonsense");
	s = load_good("limits = { max_sessions = 1; max_connections = 2; max_padding = 3; };");
	ck_assert_uint_eq(s->policy.max_sessions, 9);
	ck_assert_uint_eq(s->policy.max_padding, 11);
	ck_assert_uint_eq(s->policy.max_connections, 2);
	ck_assert_uint_eq(s->policy.servwait_s, 97);
	ck_assert_uint_eq(s->n_listen, 1);
	ck_assert_uint_eq(s->listen[0].address.port, 1);
	settings_unref(s);
}
END_TEST

START_TEST(conf_d_faults)
{
	struct settings *s;

	write_text("conf.d/x.conf", "\nlimits = { max_sessions = 0; };");
	load_bad("", "/conf.d/x.conf:2: limits.max_sessions: 0");
	/* What only both files together make wrong is told at the later one. */
	write_text("conf.d/x.conf", "\n\nports = { last = 2000; };");
	load_bad("ports = { first = 3000; };",
		 "/conf.d/x.conf:3: ports.first: 3000 is above ports.last (2000)");
	/* And what the later file puts right is right. */
	s = load_good("ports = { first = 1000; last = 500; };");
	ck_assert_uint_eq(s->policy.port_last, 2000);
	settings_unref(s);
}
END_TEST

static void came_from(const struct settings *s, const char *key, const struct settings_class *c,
		      const char *name, unsigned line)
{
	struct settings_place place = settings_origin(s, key, c);
	char path[sizeof(room) + 32];

	(void)snprintf(path, sizeof(path), "%s/%s", room, name);
	ck_assert_ptr_nonnull(place.file);
	ck_assert_str_eq(place.file, path);
	ck_assert_uint_eq(place.line, line);
}

/* Each value knows the file and the line that set it; a class also what it has from above. */
START_TEST(origins)
{
	struct settings *s;
	const struct settings_class *c;

	write_text("conf.d/x.conf", "\n\nlimits = { max_padding = 11; };");
	s = load_good("limits = {\n max_padding = 1;\n max_sessions = 7;\n packet_rate = 9; };\n"
		      "clients = ( { name = \"lab\"; prefixes = [ \"::/0\" ];\n"
		      " limits = {\n max_sessions = 8; }; } );");
	c = &s->classes[0];
	ck_assert_uint_eq(s->n_files, 2);
	came_from(s, "limits.max_padding", NULL, "conf.d/x.conf", 3);
	came_from(s, "limits.max_sessions", NULL, "twampd.conf", 3);
	came_from(s, "limits.max_sessions", c, "twampd.conf", 7);
	came_from(s, "clients.limits.max_sessions", c, "twampd.conf", 7);
	came_from(s, "limits.packet_rate", c, "twampd.conf", 4);
	came_from(s, "clients", NULL, "twampd.conf", 5);
	ck_assert_ptr_null(settings_origin(s, "limits.max_connections", NULL).file);
	ck_assert_ptr_null(settings_origin(s, "limits.max_connections", c).file);
	ck_assert_ptr_null(settings_origin(s, "no.such", NULL).file);
	settings_unref(s);
}
END_TEST

/* Nothing of twampd.conf and its conf.d is in another file, which has its own. */
START_TEST(instance)
{
	struct settings_error err = { .text = "" };
	struct settings *s;
	char path[sizeof(room) + 32];

	write_text("twampd.conf", "timers = { servwait = 90; };");
	write_text("conf.d/x.conf", "limits = { max_sessions = 7; max_padding = 8; };");
	write_text("lab.conf.d/x.conf", "limits = { max_padding = 9; };");
	write_text("lab.conf", "ports = { first = 50000; };");
	(void)snprintf(path, sizeof(path), "%s/lab.conf", room);
	ck_assert_int_eq(settings_load(path, &s, &err), 0);
	ck_assert_uint_eq(s->policy.max_padding, 9);
	ck_assert_uint_eq(s->policy.max_sessions, 10000);
	ck_assert_uint_eq(s->policy.servwait_s, 900);
	ck_assert_uint_eq(s->n_files, 2);
	came_from(s, "limits.max_padding", NULL, "lab.conf.d/x.conf", 1);
	ck_assert(!strcmp(strrchr(s->keys_path, '/'), "/lab.keys"));
	settings_unref(s);
}
END_TEST

START_TEST(conf_d_not_a_directory)
{
	write_text("conf.d", "");
	load_bad("", "/conf.d: cannot be read: Not a directory");
}
END_TEST

START_TEST(file_in_working_directory)
{
	struct settings *s;
	struct settings_error err = { .text = "" };

	write_text("twampd.conf", "");
	write_text("conf.d/x.conf", "limits = { max_sessions = 7; };");
	ck_assert_int_eq(chdir(room), 0);
	ck_assert_int_eq(settings_load("twampd.conf", &s, &err), 0);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_uint_eq(s->policy.max_sessions, 7);
	settings_unref(s);
}
END_TEST

/* A comment on the last line without an end of line, which libconfig takes ill. */
START_TEST(last_line)
{
	struct settings *s = load_good("limits = { max_sessions = 7; };\r\n# end");

	ck_assert_uint_eq(s->policy.max_sessions, 7);
	settings_unref(s);
}
END_TEST

/* Numbers are numbers only where they are: not in strings, names and comments. */
START_TEST(large_numbers_elsewhere)
{
	struct settings *s = load_good("# 4294967301\n/* 4294967301 @include \"/etc\" */\n"
				       "// \" /* \nlimits = { max_sessions = 7; };");

	ck_assert_uint_eq(s->policy.max_sessions, 7);
	settings_unref(s);
	load_bad("log = { level = \"4294967301\"; };", "\"4294967301\" is unknown");
	load_bad("log = { l4294967301 = 1; };", "log.l4294967301: unknown");
}
END_TEST

static void load_octets(const void *data, size_t len, const char *wanted)
{
	struct settings_error err = { .text = "" };
	struct settings *s;

	write_file("twampd.conf", data, len);
	ck_assert_int_eq(settings_load(file, &s, &err), SETTINGS_BAD);
	ck_assert_msg(strstr(err.text, wanted) != NULL, "%s", err.text);
	for (const char *c = err.text; *c; c++) {
		ck_assert(*c >= 0x20 && *c < 0x7f);
	}
}

START_TEST(hostile)
{
	size_t len = SOURCE_MAX_OCTETS + 1;
	char *big = malloc(len);
	size_t n = 0;
	struct settings *s;

	ck_assert_ptr_nonnull(big);
	load_octets("a = 1;\n\0b", 9, "twampd.conf:2:1: found a NUL octet");
	load_octets("\377\376\200\n", 4, "twampd.conf:1:1: found UTF-16, expected");
	load_octets("\n a\200\n", 5, "twampd.conf:2:3: a: found the octet 0x80, expected: text");
	load_octets("log = { level = \"\033[2J\n\377\"; };", 27,
		    "\"\\x1b[2J\\x0a\\xff\" is unknown");

	memset(big, '\n', len);
	load_octets(big, len, "too large, at most 4194304 octets expected");
	write_file("twampd.conf", big, len - 1);
	ck_assert_int_eq(settings_load(file, &s, NULL), 0);
	settings_unref(s);

	memset(big, 'x', len); /* one name */
	load_octets(big, len - 1, "found the end of the file, expected: \"=\" and a value");
	memcpy(big + len - 4, "=1;", 3);
	load_octets(big, len - 1, "unknown key");
	memset(big, '(', len);
	memcpy(big, "x=", 2);
	load_octets(big, len - 1, "memory exhausted"); /* bison's, at a depth of 10000 */
	memset(big, ')', 4002);
	memset(big, '(', 2002);
	memcpy(big, "x=", 2);
	load_octets(big, 4002, "x: unknown key");
	for (int i = 0; i < 1000; i++, n += 2) {
		memcpy(big + n, "a{", 2);
	}
	load_octets(big, n, "a: found \"{\", expected: \"=\" behind a (and 49 more)");
	for (n = 0; n < len - 10;) {
		n += (size_t)sprintf(big + n, "k%zu=1;", n);
	}
	load_octets(big, n, "twampd.conf:1: too many settings, at most 1000 expected in a group");
	/* In groups, and deep ones. */
	n = (size_t)sprintf(big, "x=(");
	while (n < len - 100) {
		n += (size_t)sprintf(big + n, "{a=1;b=1;c=1;d=1;e=1;f=1;},");
	}
	load_octets(big, n, "too many settings, at most 40000 expected in a file");
	n = 0;
	for (int i = 0; i < 100; i++) {
		n += (size_t)sprintf(big + n, "g={");
	}
	for (int i = 0; i < 1001; i++) {
		n += (size_t)sprintf(big + n, "k%d=1;", i);
	}
	load_octets(big, n, "too many settings, at most 1000 expected in a group");
	/* The largest growth by L: no octet beyond the buffer (valgrind, sanitizers). */
	for (n = 0; n < len - 30;) {
		n += (size_t)sprintf(big + n, "0xfffffffffffffff ");
	}
	load_octets(big, n, "expected: a key: names begin with a letter");
	free(big);
}
END_TEST

/* Mutations of the sample: each loads or is refused with a reason. */
START_TEST(mutations)
{
	static const char salt[] = "{}()[]=:;,\"\\/*#@.L0919-+x\n\0\377 {(";
	char *text = slurp(SAMPLE), *copy;
	size_t len = strlen(text);
	unsigned seed = 20261123u + (unsigned)_i, refused = 0;

	copy = malloc(len);
	ck_assert_ptr_nonnull(copy);
	for (int round = 0; round < 50; round++) {
		struct settings_error err = { .text = "" };
		struct settings *s = NULL;
		int r;

		for (size_t i = 0; i < len; i++) { /* the commented keys count */
			copy[i] = text[i] == '#' && text[i + 1] > ' ' ? ' ' : text[i];
		}
		for (int i = 0; i < 1 + round / 5; i++) {
			copy[(size_t)rand_r(&seed) % len] =
				salt[(size_t)rand_r(&seed) % sizeof(salt)];
		}
		write_file("twampd.conf", copy,
			   len - (round % 3 ? 0 : (size_t)rand_r(&seed) % len));
		r = settings_load(file, &s, &err);
		ck_assert(r == 0 || (r == SETTINGS_BAD && strlen(err.text) > strlen(file) + 2));
		refused += r != 0;
		settings_unref(s);
	}
	ck_assert_uint_gt(refused, 0);
	free(copy);
	free(text);
}
END_TEST

TCase *files_cases(void)
{
	TCase *files = tcase_create("files");

	tcase_set_timeout(files, 120);
	tcase_add_checked_fixture(files, room_set_up, room_tear_down);
	tcase_add_test(files, missing_file);
	tcase_add_test(files, not_a_file);
	tcase_add_test(files, long_name);
	tcase_add_test(files, conf_d);
	tcase_add_test(files, conf_d_faults);
	tcase_add_test(files, origins);
	tcase_add_test(files, instance);
	tcase_add_test(files, conf_d_not_a_directory);
	tcase_add_test(files, file_in_working_directory);
	tcase_add_test(files, last_line);
	tcase_add_test(files, large_numbers_elsewhere);
	tcase_add_test(files, hostile);
	tcase_add_loop_test(files, mutations, 0, 4);
	return files;
}
