// SPDX-License-Identifier: BSD-2-Clause
/*
 * What people get wrong in a settings file, and what they are told: the line, the column, what
 * was found there and what was expected.
 */
#include "daemon/config/settings.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

/* The one leak that daemon/config/source.h owns up to. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static char path[64];

static void set_up(void)
{
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/test-syntax.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(unlink(path), 0);
}

static void write_octets(const char *text, size_t len)
{
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

/* "LINE:COLUMN: KEY: TEXT" of each fault, a line each. */
static void tell(void *to, const struct settings_fault *f)
{
	char *text = to;
	size_t len = strlen(text);

	ck_assert_str_eq(f->file, path);
	(void)snprintf(text + len, 4096 - len, "%u:%u: %s: %s\n", f->line, f->column, f->key,
		       f->text);
}

struct row {
	const char *text;
	const char *told; /* how the first fault begins: "LINE:COLUMN: KEY: TEXT" */
	unsigned n; /* faults */
};

static const struct row rows[] = {
	/* Units, and other numbers that are none. */
	{ "timers = { servwait = 15m; };",
	  "1:23: timers.servwait: found \"15m\", expected: a number without a unit, like 15", 1 },
	{ "timers = {\n\tservwait = 15 m;\n};",
	  "2:16: timers.m: found \"m\" behind a number, expected: \";\" and the next key", 1 },
	{ "limits = { octet_rate = 10Mbit; };",
	  "1:25: limits.octet_rate: found \"10Mbit\", expected: a number without a unit", 1 },
	{ "limits = { max_padding = 9kB };",
	  "1:26: limits.max_padding: found \"9kB\", expected: a number without a unit", 1 },
	{ "overload = { memory_used = 95%; };",
	  "1:28: overload.memory_used: found \"95%\", expected: a number without a unit", 1 },
	{ "limits = { max_sessions = 1_000; };",
	  "1:27: limits.max_sessions: found \"1_000\", expected: digits only: 1000", 1 },
	{ "limits = { max_sessions = 1,000; };",
	  "1:29: limits: found \"000\", expected: a number without a comma in it", 1 },
	{ "limits = { max_sessions = 10000000000000000000000; };",
	  "1:27: limits.max_sessions: 9223372036854775807 or more is out of range", 1 },
	{ "limits = { max_sessions = 0b11; };",
	  "1:27: limits.max_sessions: found \"0b11\", expected: a decimal number, or a hexadecimal",
	  1 },
	{ "limits = { max_sessions = 0x; };",
	  "1:27: limits.max_sessions: found \"0x\", expected: a", 1 },
	{ "limits = { max_sessions = 1e3; };",
	  "1:27: limits.max_sessions: this is a number with a fraction, expected: integer", 1 },
	{ "timers = { servwait = \"900\"; };",
	  "1:23: timers.servwait: this is a string, expected: integer 1..604800", 1 },
	{ "limits = { max_sessions = -1; };",
	  "1:27: limits.max_sessions: -1 is out of range, expected: integer 1..1000000", 1 },
	{ "ports = 3000-4000;", "1:9: ports: found \"3000-4000\", expected: a single number", 1 },

	/* Words instead of values. */
	{ "third_party = yes;", "1:15: third_party: found \"yes\", expected: true", 1 },
	{ "third_party = On;", "1:15: third_party: found \"On\", expected: true", 1 },
	{ "third_party = no", "1:15: third_party: found \"no\", expected: false", 1 },
	{ "third_party = off;", "1:15: third_party: found \"off\", expected: false", 1 },
	{ "third_party = 1;", "1:15: third_party: this is an integer, expected: true or false", 1 },
	{ "third_party = \"true\";", "1:15: third_party: this is a string, expected: true", 1 },
	{ "log = { level = info; };",
	  "1:17: log.level: found \"info\", expected: a value: a word stands in double quotes: "
	  "\"info\"",
	  1 },
	{ "limits = { packet_rate = none; };",
	  "1:26: limits.packet_rate: found \"none\", expected: a value: without the key its default",
	  1 },
	{ "modes = [ unauthenticated, encrypted ];",
	  "1:11: modes: found \"unauthenticated\", expected: a value: a word stands in", 2 },
	{ "keys_file = /etc/twampd/my.keys;",
	  "1:13: keys_file: found \"/etc/twampd/my.keys\", expected: a string in double quotes",
	  1 },
	{ "listen = ( { address = 192.0.2.1; } );",
	  "1:24: listen.address: found \"192.0.2.1\", expected: a string in double quotes", 1 },
	{ "listen = ( { address = 2001:db8::1; } );",
	  "1:24: listen.address: found \"2001:db8::1\", expected: a string in double quotes", 1 },
	{ "listen = ( { address = fe80::1%eth0; } );",
	  "1:24: listen.address: found \"fe80::1%eth0\", expected: a value: a word stands in", 1 },
	{ "listen = ( { address = ::; } );",
	  "1:24: listen.address: found \":\", expected: a string in double quotes: \"::\"", 1 },
	{ "clients = ( { name = \"x\"; prefixes = [ 10.0.0.0/8 ]; } );",
	  "1:40: clients.prefixes: found \"10.0.0.0/8\", expected: a string in double quotes", 1 },
	{ "keys_file = $KEYS;", "1:13: keys_file: found \"$KEYS\", expected: a string in double",
	  1 },

	/* Quotes. */
	{ "log = { level = 'info'; };",
	  "1:17: log.level: found a single quote (U+0027), expected: plain double quotes: \"info\"",
	  1 },
	{ "log = { level = \u201cinfo\u201d; };",
	  "1:17: log.level: found a typographic quote (U+201C), expected: plain double quotes: "
	  "\"info\"",
	  1 },
	{ "log = { level = \u201einfo\u201c; };",
	  "1:17: log.level: found a typographic quote (U+201E), expected: plain", 1 },
	{ "log = { level = \u00abinfo\u00bb; };",
	  "1:17: log.level: found a typographic quote (U+00AB), expected: plain", 1 },
	{ "\"limits\" = { };",
	  "1:1: : found the string \"limits\", expected: a key: its name has no", 1 },
	{ "log = { level = \"info; };\nthird_party = true;\n",
	  "1:17: log.level: found a string without an end, expected: a closing double quote", 1 },
	{ "log = { level = \"info;\n};\nkeys_file = \"x\";\n",
	  "1:17: : found a string that does not end in its line, expected: a closing double", 1 },

	/* Brackets. */
	{ "limits = {\n\tmax_sessions = 10;\nlog = { level = \"info\"; };\n",
	  "4:1: limits: found the end of the file, expected: \"}\" for the \"{\" of line 1, column "
	  "10",
	  1 },
	{ "listen = (\n\t{ port = 862; }\n;\nthird_party = true;\n",
	  "3:1: listen: found \";\", expected: \",\" between two entries", 2 },
	{ "limits = { max_sessions = 10; };\n};\n",
	  "2:1: : found \"}\", expected: a key: no bracket is open here, the last one was closed in "
	  "line 1",
	  1 },
	{ "limits = { max_sessions = 10; );",
	  "1:31: limits: found \")\", expected: \"}\" for the \"{\" of line 1, column 10", 1 },
	{ "dscp = [ 46 );", "1:13: dscp: found \")\", expected: \",\" and another entry, or \"]\"",
	  1 },
	{ "listen = [ { port = 862; } ];",
	  "1:12: listen: found \"{\", expected: a simple value: in an array [ ] there are no", 1 },
	{ "limits = ( { max_sessions = 10; } );",
	  "1:10: limits: this is a list ( ), expected: a group { }", 1 },
	{ "listen = { port = 862; };", "1:10: listen: this is a group { }, expected: list of", 1 },
	{ "listen = ( port = 862 );",
	  "1:12: listen: found the key \"port\", expected: a value of this entry: keys stand in a "
	  "group, { port = ...; }",
	  1 },

	/* Commas and semicolons. */
	{ "dscp = [ 46, 47, ];",
	  "1:16: dscp: found \",\" before \"]\", expected: no comma behind the last entry", 1 },
	{ "listen = ( { port = 862; }, );",
	  "1:27: listen: found \",\" before \")\", expected: no comma behind the last", 1 },
	{ "listen = (\n { port = 862; }\n { port = 863; } );",
	  "3:2: listen: found \"{\", expected: \",\" between two entries", 1 },
	{ "dscp = [ 46 47 ];", "1:13: dscp: found \"47\", expected: \",\" between two entries", 1 },
	{ "dscp = [ 46; 47 ];", "1:12: dscp: found \";\", expected: \",\" between two entries", 1 },
	{ "dscp = [ 46,, 47 ];", "1:13: dscp: found \",\", expected: a value of this entry", 1 },
	{ "dscp = 46 47;", "1:11: dscp: found \"47\", expected: \";\" and the next key; several",
	  1 },
	{ "limits = { max_sessions = 10;; };",
	  "1:30: limits: found \";\", expected: a key: one \";\" ends a setting", 1 },
	{ "modes = [ \"unauthenticated\" \"mixed\" ];",
	  "1:11: modes: \"unauthenticatedmixed\" is unknown, expected: array of", 1 },
	{ "dscp = [ 46, \"af11\" ];", "1:14: dscp: found a string, expected: a number, as the", 1 },

	/* "=". */
	{ "limits = { max_sessions 10; };",
	  "1:25: limits.max_sessions: found \"10\", expected: \"=\" behind max_sessions", 1 },
	{ "limits {\n\tmax_sessions = 10;\n}\n", "1:8: limits: found \"{\", expected: \"=\" behind",
	  1 },
	{ "modes unauthenticated;",
	  "1:7: modes: found \"unauthenticated\", expected: \"=\" and a value behind modes", 1 },
	{ "third_party;", "1:12: third_party: found \";\", expected: \"=\" and a value behind", 1 },
	{ "third_party = ;", "1:15: third_party: found \";\", expected: a value of third_party",
	  1 },
	{ "third_party == true;", "1:14: third_party: found \"=\", expected: a value of", 1 },
	{ "third_party => true;", "1:14: third_party: found \">\", expected: a value of", 1 },
	{ "limits.max_sessions = 10;",
	  "1:1: limits: found \"limits.max_sessions\", expected: a group: limits = { max_sessions = "
	  "...; };",
	  1 },

	/* Names. */
	{ "limits = { max_sessions = 1;\n max_sessions = 2; };",
	  "2:2: limits.max_sessions: found \"max_sessions\" a second time, expected: once in a "
	  "group; it is in line 1 already",
	  1 },
	{ "log = { };\n\nlog = { };", "3:1: log: found \"log\" a second time, expected: once", 1 },
	{ "limits = { max_sesions = 10; };",
	  "1:12: limits.max_sesions: unknown key, did you mean limits.max_sessions?", 1 },
	{ "max_sessions = 10;", "1:1: max_sessions: unknown key, did you mean limits.max_sessions?",
	  1 },
	{ "_limits = { };", "1:1: : found \"_limits\", expected: a key, which begins with a letter",
	  1 },
	{ "1st = 2;", "1:1: : found \"1st\", expected: a key: names begin with a letter", 1 },

	/* What other files look like. */
	{ "[limits]\nmax_sessions = 10\n",
	  "1:1: : found \"[limits]\", expected: a key: a section is a group, limits = { ... };",
	  1 },
	{ "; a comment = with signs\nthird_party = true;",
	  "1:1: : found \";\", expected: a key: comments begin with # or //", 1 },
	{ "limits:\n  max_sessions: 10\n",
	  "2:3: limits: found the key \"max_sessions\", expected: a value of limits: keys stand in a "
	  "group",
	  1 },
	{ "listen:\n  - port: 862\n", "2:3: listen: found \"-\", expected: a value of listen", 1 },
	{ "- port: 862\n", "1:1: : found \"-\", expected: a key: the entries of a list are written",
	  1 },
	{ "{ \"limits\": { \"max_sessions\": 10 } }",
	  "1:1: : found \"{\", expected: a key before it, like limits = { ... }; there are no "
	  "brackets around the whole file",
	  1 },
	{ "<limits/>", "1:1: : found \"<limits/>\", expected: a key, which begins with a letter",
	  1 },
	{ "include \"/etc/x.conf\";",
	  "1:9: include: found include, expected: a key: files in conf.d are read by themselves",
	  1 },
	{ "@include \"/etc/x.conf\"\n", "1:1: : found \"@include\", expected: no include", 1 },
	{ "/* limits = { };\n", "1:1: : found a comment without an end, expected: */", 1 },

	/* Characters that nobody sees. */
	{ "third_party\u00a0= true;", "1:12: third_party: found an invisible character (U+00A0)",
	  1 },
	{ "third_party = true;\n\ufefflog = { };\n",
	  "2:1: third_party: found a byte order mark (U+FEFF), expected: none but at the start",
	  1 },
	{ "log = { };\n\x01", "2:1: log: found a control character (U+0001), expected: text", 1 },
	{ "log = { };\n\x9f", "2:1: log: found the octet 0x9f, expected: text in UTF-8", 1 },
	{ "\ufeffthird_party = maybe;", "1:15: third_party: found \"maybe\", expected: a value",
	  1 },

	/* A column counts characters. */
	{ "/* \u00e4\u00f6\u00fc */ third_party = 1;", "1:25: third_party: this is an integer", 1 },
	{ "third_party = true; \t dscp = [\r\n 64 ];", "2:2: dscp: 64 is out of range", 1 },
};

START_TEST(mistake)
{
	const struct row *row = &rows[_i];
	char told[4096] = "", place[128];
	struct settings_error err = { .tell = tell, .to = told };
	struct settings *s;

	write_octets(row->text, strlen(row->text));
	ck_assert_int_eq(settings_check(path, NULL, NULL, &s, &err), SETTINGS_BAD);
	ck_assert_msg(!strncmp(told, row->told, strlen(row->told)), "%s\nis told as %swanted: %s",
		      row->text, told, row->told);
	ck_assert_msg(err.n == row->n, "%u faults of %s\n%s", err.n, row->text, told);
	/* A start and a reload tell the same. */
	err = (struct settings_error){ .text = "" };
	ck_assert_int_eq(settings_load(path, &s, &err), SETTINGS_BAD);
	ck_assert_uint_eq(err.n, row->n);
	(void)snprintf(place, sizeof(place), "%s:%.*s", path, (int)strcspn(row->told, " "),
		       row->told);
	ck_assert_msg(!strncmp(err.text, place, strlen(place)), "%s", err.text);
}
END_TEST

/* All at once, whatever is wrong with them. */
START_TEST(all_at_once)
{
	static const char text[] =
		"limits = { max_sessions 10; max_padding = 15k; packet_rate = 0 };\n"
		"timers = { servwait = 0; handshake = \"x\"; };\n"
		"third_party = yes\n"
		"limis = { };\n"
		"clients = ( { name = \"lab\"; prefixes = [ 10.0.0.0/8, \"x\" ];\n"
		"  limits = { max_sessions = 1.5; }; }, { name = \"lab\"; } );\n";
	char told[4096] = "";
	struct settings_error err = { .tell = tell, .to = told };
	struct settings *s;

	write_octets(text, strlen(text));
	ck_assert_int_eq(settings_check(path, NULL, NULL, &s, &err), SETTINGS_BAD);
	ck_assert_str_eq(
		told,
		"1:25: limits.max_sessions: found \"10\", expected: \"=\" behind max_sessions\n"
		"1:43: limits.max_padding: found \"15k\", expected: a number without a unit, like "
		"15: the manual has the unit\n"
		"3:15: third_party: found \"yes\", expected: true\n"
		"5:42: clients.prefixes: found \"10.0.0.0/8\", expected: a string in double quotes: "
		"\"10.0.0.0/8\"\n"
		"2:23: timers.servwait: 0 is out of range, expected: integer 1..604800\n"
		"2:38: timers.handshake: this is a string, expected: integer 1..3600\n"
		"4:1: limis: unknown key, did you mean limits?\n"
		"5:54: clients.prefixes: \"x\" is no prefix, expected: like \"192.0.2.0/24\" or "
		"\"2001:db8::/32\"\n"
		"6:29: clients.limits.max_sessions: this is a number with a fraction, expected: "
		"integer 0..1000000\n"
		"6:49: clients.name: \"lab\" is the class of line 5 too, expected: once\n"
		"6:40: clients: class \"lab\" has no clients, expected: prefixes or key_ids\n");
	ck_assert_uint_eq(err.n, 11);
	ck_assert_ptr_nonnull(strstr(err.text, " (and 10 more)"));
}
END_TEST

START_TEST(not_text)
{
	static const char le[] = "\xff\xfe"
				 "a\0=\0";
	static const char be[] = "\0a\0=\0";
	static const char nul[] = "log = { };\n/* \0 */";
	char told[4096] = "";
	struct settings_error err = { .tell = tell, .to = told };
	struct settings *s;

	write_octets(le, 6);
	ck_assert_int_eq(settings_check(path, NULL, NULL, &s, &err), SETTINGS_BAD);
	write_octets(be, 4);
	ck_assert_int_eq(settings_check(path, NULL, NULL, &s, &err), SETTINGS_BAD);
	write_octets(nul, sizeof(nul) - 1);
	ck_assert_int_eq(settings_check(path, NULL, NULL, &s, &err), SETTINGS_BAD);
	ck_assert_str_eq(told,
			 "1:1: : found UTF-16, expected: a file in UTF-8 or ASCII\n"
			 "1:1: : found UTF-16, expected: a file in UTF-8 or ASCII\n"
			 "2:4: : found a NUL octet, expected: text: this is no file of text\n");
}
END_TEST

/* Good, but perhaps not what is meant. */
START_TEST(zeros)
{
	static const char text[] = "timers = { servwait = 010; refwait = 0x10; message = 10; };\n";
	char told[4096] = "";
	struct settings_error err = { .tell = tell, .to = told };
	struct settings *s;

	write_octets(text, strlen(text));
	ck_assert_int_eq(settings_check(path, NULL, NULL, &s, &err), 0);
	ck_assert_str_eq(told,
			 "1:23: timers.servwait: this is 10, a decimal number in spite of the "
			 "zero before it: leave the zero out\n");
	ck_assert_uint_eq(err.n, 0);
	ck_assert_uint_eq(err.n_warnings, 1);
	settings_unref(s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("syntax");
	TCase *tc = tcase_create("syntax");
	SRunner *runner;
	int failed;

	_Static_assert(sizeof(rows) / sizeof(rows[0]) >= 56, "typical mistakes");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, mistake, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, all_at_once);
	tcase_add_test(tc, not_text);
	tcase_add_test(tc, zeros);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
