// SPDX-License-Identifier: BSD-2-Clause
/* Classes that cannot be, and the modes that are left of those that are configured. */
#include "tests/unit/config/test-settings.h"

#include "protocol/mode.h"

#include <stdlib.h>

START_TEST(modes_need_keys)
{
	static const char *const needy =
		"\n\nmodes = [ \"authenticated\", \"encrypted\" ]; features = [ ];";
	struct settings *s;

	load_bad(needy,
		 "twampd.conf:3: modes: all need keys, and there are none in /tmp/test-settings");
	load_bad(needy,
		 "/twampd.keys, expected: keys there (keys_file), or \"unauthenticated\" among");
	write_keys("# none\n\n");
	load_bad(needy, "modes: all need keys");
	write_keys("a secret\n");
	s = load_good(needy);
	ck_assert_uint_eq(s->policy.modes, MODE_AUTHENTICATED | MODE_ENCRYPTED);
	settings_unref(s);
	s = load_good("");
	ck_assert_uint_eq(s->policy.modes, MODE_SECURITY_MASK);
	settings_unref(s);
}
END_TEST

START_TEST(classes_without_keys)
{
	struct settings *s;

	load_bad(
		"clients = ( { name = \"x\"; prefixes = [ \"::1\" ];\n modes = [ \"mixed\" ]; } );",
		"twampd.conf:1: clients.modes: all need keys, and there are none in");
	load_bad("modes = [ \"mixed\" ];\nclients = ( { name = \"x\"; prefixes = [ \"::1\" ]; } );",
		 "twampd.conf:2: clients.modes: all need keys");
	/* Nobody has the modes of all. */
	s = load_good("modes = [ \"mixed\" ];\nclients = ( { name = \"x\"; prefixes = [ \"::1\" ];"
		      "modes = [ \"unauthenticated\" ]; } );");
	ck_assert_uint_eq(s->classes[0].policy.modes, MODE_UNAUTHENTICATED);
	settings_unref(s);
	/* KeyIDs that are not known yet, and nothing to offer to strangers. */
	s = load_good("clients = ( { name = \"x\"; key_ids = [ \"k\" ]; } );");
	ck_assert_uint_eq(settings_keyed_modes(s), 0);
	settings_unref(s);
}
END_TEST

#define CLASS(members) CLASS_HEAD members " } );"
#define PREFIX(text) "clients = ( { name = \"x\"; prefixes = [ \"::1\",\n\"" text "\" ]; } );"
#define TWO(first, second) \
	"clients = ( { name = \"x\"; " first " },\n{ name = \"y\"; " second " } );"

static const struct {
	const char *text, *part;
} faults[] = {
	{ "clients = [ ];", "clients: this is an array [ ], expected: list of 0 to 1024 { name" },
	{ "clients = ( 1 );", "clients: this is an integer, expected: list of 0 to 1024" },
	{ "clients = ( { prefixes = [ \"::1\" ]; } );",
	  ":1: clients: name is missing, expected: na" },
	{ "clients = ( { name = \"x\"; } );",
	  "clients: class \"x\" has no clients, expected: prefixes or" },
	{ "clients = ( { name = \"x\"; prefixes = [ ]; key_ids = [ ]; } );", "has no clients" },
	{ "clients = ( { name = \"\"; prefixes = [ \"::1\" ]; } );",
	  "clients.name: \"\" is no name, expected: 1 to 31 letters, digits, \"_\", \".\", \"-\"" },
	{ "clients = ( { name = \"a b\"; } );", "clients.name: \"a b\" is no name" },
	{ "clients = ( { name = \"a\xc3\xa9\"; } );", "clients.name: \"a\xc3\xa9\" is no name" },
	{ "clients = ( { name = \"12345678901234567890123456789012\"; } );", "is no name" },
	{ "clients = ( { name = 1; } );", "clients.name: this is an integer, expected: 1 to 31" },
	{ "clients = ( { name = \"a\"; name = \"b\"; } );",
	  "clients.name: found \"name\" a second time" },
	{ CLASS("prefix = 1;"), "clients.prefix: unknown key, did you mean clients.prefixes?" },
	{ CLASS("nonsense = 1;"),
	  "clients.nonsense: unknown key, expected: one of those in twampd.conf" },
	{ CLASS("limits = 1;"), "clients.limits: this is an integer, expected: a group { }" },
	{ CLASS("limits = { max_sesions = 1; };"),
	  "clients.limits.max_sesions: unknown key, did you mean clients.limits.max_sessions?" },
	{ CLASS("max_padding = 1;"), "did you mean clients.limits.max_padding?" },
	{ CLASS("limits = { accept_code = 4; };"), "clients.limits.accept_code: unknown key" },
	{ CLASS("limits = { max_sessions = -1; };"),
	  "clients.limits.max_sessions: -1 is out of range, expected: integer 0..1000000" },
	{ CLASS("limits = { max_sessions_per_client = 0; };"),
	  "clients.limits.max_sessions_per_client: 0 is out of range, expected: integer 1..100" },
	{ CLASS("limits = { max_sessions = \"1\"; };"),
	  "this is a string, expected: integer 0..1000000" },
	{ CLASS("third_party = 0;"), "clients.third_party: this is an integer, expected: true" },
	{ CLASS("dscp = [ ];"), "clients.dscp: this is empty, expected: array of integers" },
	{ CLASS("ports = { first = 60000; last = 50000; };"),
	  ":1: clients.ports.first: 60000 is above ports.last (50000)" },
	{ "ports = { last = 50000; };\n" CLASS("ports = { first = 50001; };"),
	  ":2: clients.ports.first: 50001 is above ports.last (50000)" },
	{ CLASS("overload = { loop_lag = 1; };"), "clients.overload: unknown key" },
	{ CLASS("timers = { servwait = 1; };"), "clients.timers.servwait: unknown key" },
	{ CLASS("reflector = { };"), "clients.reflector: unknown key" },
	{ CLASS("auth = { count = 1024; };"), "clients.auth.count: unknown key" },
	{ CLASS("listen = ( { } );"), "clients.listen: unknown key" },
	{ CLASS("modes = [ ];"), "clients.modes: this is empty, expected: array of \"unauth" },
	{ CLASS("modes = [ \"dscp-ecn\" ];"), "clients.modes: \"dscp-ecn\" is unknown" },
	{ CLASS("features = ( );"), "clients.features: this is a list ( ), expected: array of" },
	{ CLASS("key_ids = \"a\";"),
	  "clients.key_ids: this is a string, expected: array of KeyIDs" },
	{ CLASS("key_ids = [ 1 ];"), "clients.key_ids: this is an integer, expected: array" },
	{ CLASS("key_ids = [ \"\" ];"),
	  "clients.key_ids: \"\" is empty, expected: a KeyID of the" },
	{ CLASS("key_ids = [ \"a b\" ];"), "clients.key_ids: \"a b\" has white space" },
	{ CLASS("key_ids = [ \"\xff\" ];"), "clients.key_ids: \"\\xff\" is not UTF-8" },
	{ CLASS("key_ids = [ \"a23456789012345678901234567890123456789012345678901234567890"
		"123456789012345678901\" ];"),
	  "is longer than 80 octets" },
	{ CLASS("key_ids = [ \"nobody\" ];"),
	  ":1: clients.key_ids: \"nobody\" is not in the keys file, expected: a KeyID of /tmp/" },
	{ CLASS("key_ids = [ \"k\", \"k\" ];"),
	  "clients.key_ids: \"k\" is there already, in class" },
	{ CLASS("key_ids = [ \"k\" ]; modes = [ \"unauthenticated\" ];"),
	  "clients.key_ids: no mode uses keys, expected: one that does among the modes, or no key_ids (class \"x\")" },
	{ "clients = ( { name = \"x\"; prefixes = \"::1\"; } );",
	  "clients.prefixes: this is a string, expected: array of prefixes" },
	{ "clients = ( { name = \"x\"; prefixes = [ 1 ]; } );",
	  "clients.prefixes: this is an integer, expected: array" },
	{ PREFIX("192.0.2.5/24"),
	  ":2: clients.prefixes: \"192.0.2.5/24\" has bits behind its length, did you mean "
	  "\"192.0.2.0/24\"?" },
	{ PREFIX("2001:db8::1/33"), "did you mean \"2001:db8::/33\"?" },
	{ PREFIX("10.0.0.1/0"), "did you mean \"0.0.0.0/0\"?" },
	{ PREFIX("10.0.0.0/33"), "\"10.0.0.0/33\" has no length of 0 to 32, expected: like \"192" },
	{ PREFIX("10.0.0.0/"), "has no length of 0 to 32" },
	{ PREFIX("10.0.0.0/08"), "has no length of 0 to 32" },
	{ PREFIX("10.0.0.0/255.0.0.0"), "has no length of 0 to 32" },
	{ PREFIX("10.0.0.0/ 8"), "has no length of 0 to 32" },
	{ PREFIX("::/129"), "has no length of 0 to 128" },
	{ PREFIX("::/1280"), "has no length of 0 to 128" },
	{ PREFIX("::/-1"), "has no length of 0 to 128" },
	{ PREFIX("10.0.0/8"), "\"10.0.0/8\" is no prefix, expected: like" },
	{ PREFIX(""), "\"\" is no prefix" },
	{ PREFIX("/8"), "\"/8\" is no prefix" },
	{ PREFIX("example.net"), "is no prefix" },
	{ PREFIX("fe80::1%lo"), "is no prefix" },
	{ PREFIX("::ffff:10.0.0.0/104"), "is IPv4-mapped, expected: like \"192.0.2.0/24\"" },
	{ PREFIX("0:0::1/128"),
	  ":2: clients.prefixes: \"::1/128\" is there already, in class \"x\" (line 1), expected: on" },
	{ TWO("prefixes = [ \"10.0.0.0/8\", \"10.1.0.0/16\", \"10.0.0.0/9\" ];",
	      "prefixes = [ \"10.0.0.0/16\", \"10.0.0.0/8\" ];"),
	  ":2: clients.prefixes: \"10.0.0.0/8\" is there already, in class \"x\" (line 1)" },
	{ TWO("key_ids = [ \"k\" ];", "key_ids = [ \"l\", \"k\" ];"),
	  ":2: clients.key_ids: \"k\" is there already, in class \"x\" (line 1), expected: once" },
	{ "clients = ( { name = \"x\"; prefixes = [ \"::1\" ]; },\n{ name = \"x\"; } );",
	  ":2: clients.name: \"x\" is the class of line 1 too, expected: once" },
};

START_TEST(fault_is_told)
{
	write_keys("k one\nl two\n");
	load_bad(faults[_i].text, faults[_i].part);
}
END_TEST

TCase *barred_cases(void)
{
	TCase *barred = tcase_create("barred");

	tcase_add_checked_fixture(barred, room_set_up, room_tear_down);
	tcase_add_test(barred, modes_need_keys);
	tcase_add_test(barred, classes_without_keys);
	tcase_add_loop_test(barred, fault_is_told, 0, (int)(sizeof(faults) / sizeof(faults[0])));
	return barred;
}
