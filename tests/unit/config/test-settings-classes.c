// SPDX-License-Identifier: BSD-2-Clause
/* The classes of clients, and the modes that are left of those that are configured. */
#include "tests/unit/config/test-settings.h"

#include "daemon/config/keys.h"
#include "protocol/mode.h"
#include "protocol/prefix.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/stat.h>

static struct address host(const char *text)
{
	struct address a = { .family = strchr(text, ':') ? 6 : 4, .port = 1234 };

	ck_assert_int_eq(inet_pton(a.family == 6 ? AF_INET6 : AF_INET, text, a.ip), 1);
	return a;
}

/* The name of the class of an address, "" for none. */
static const char *class_of(const struct settings *s, const char *text)
{
	struct address a = host(text);
	const struct settings_class *c = settings_class_by_address(s, &a);

	return c ? c->name : "";
}

static const struct settings_class *class_by_key(const struct settings *s, const char *key_id)
{
	return settings_class_by_key(s, (const uint8_t *)key_id, strlen(key_id));
}

#define CLASS_HEAD "clients = ( { name = \"x\"; prefixes = [ \"10.0.0.0/8\" ]; "

START_TEST(without_classes)
{
	struct settings *s = load_good(_i ? "clients = ( );" : "features = [ \"dscp-ecn\" ];");
	struct address a = host("203.0.113.1");
	const struct settings_class *c = settings_class_by_address(s, &a);

	ck_assert_ptr_nonnull(c);
	ck_assert_str_eq(c->name, "default");
	ck_assert_mem_eq(&c->policy, &s->policy, sizeof(c->policy));
	ck_assert_uint_eq(c->policy.features, _i ? MODE_FEATURE_MASK : MODE_DSCP_ECN);
	ck_assert_ptr_eq(class_of(s, "::1"), c->name);
	ck_assert_ptr_null(class_by_key(s, "a"));
	ck_assert_uint_eq(settings_keyed_modes(s), 0);
	settings_unref(s);
}
END_TEST

START_TEST(longest_prefix)
{
	struct settings *s = load_good(
		"clients = (\n"
		"{ name = \"wide\"; prefixes = [ \"10.0.0.0/8\", \"2001:db8::/32\" ]; },\n"
		"{ name = \"narrow\"; prefixes = [ \"10.1.0.0/16\", \"2001:db8:1::/48\" ]; },\n"
		"{ name = \"hole\"; prefixes = [ \"10.1.2.0/23\" ]; },\n"
		"{ name = \"host\"; prefixes = [ \"10.1.2.3\", \"2001:db8:1::1\", \"fe80::/10\" ]; } );");

	ck_assert_str_eq(class_of(s, "10.0.0.0"), "wide");
	ck_assert_str_eq(class_of(s, "10.255.255.255"), "wide");
	ck_assert_str_eq(class_of(s, "10.1.0.0"), "narrow");
	ck_assert_str_eq(class_of(s, "10.1.1.255"), "narrow");
	ck_assert_str_eq(class_of(s, "10.1.2.2"), "hole");
	ck_assert_str_eq(class_of(s, "10.1.2.3"), "host");
	ck_assert_str_eq(class_of(s, "10.1.2.4"), "hole");
	ck_assert_str_eq(class_of(s, "10.1.3.255"), "hole");
	ck_assert_str_eq(class_of(s, "10.1.4.0"), "narrow");
	ck_assert_str_eq(class_of(s, "10.2.0.0"), "wide");
	ck_assert_str_eq(class_of(s, "9.255.255.255"), "");
	ck_assert_str_eq(class_of(s, "11.0.0.0"), "");
	ck_assert_str_eq(class_of(s, "2001:db8:1::1"), "host");
	ck_assert_str_eq(class_of(s, "2001:db8:1::2"), "narrow");
	ck_assert_str_eq(class_of(s, "2001:db8:2::"), "wide");
	ck_assert_str_eq(class_of(s, "2001:db9::"), "");
	ck_assert_str_eq(class_of(s, "fe80::5"), "host");
	/* The octets of 10.1.2.3 at the start of an IPv6 address. */
	ck_assert_str_eq(class_of(s, "a01:203::"), "");
	settings_unref(s);
}
END_TEST

START_TEST(everybody)
{
	struct settings *s = load_good(
		"clients = ( { name = \"four\"; prefixes = [ \"0.0.0.0/0\" ]; },"
		"{ name = \"six\"; prefixes = [ \"::/0\" ]; } );");

	ck_assert_str_eq(class_of(s, "0.0.0.0"), "four");
	ck_assert_str_eq(class_of(s, "255.255.255.255"), "four");
	ck_assert_str_eq(class_of(s, "::"), "six");
	ck_assert_str_eq(class_of(s, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "six");
	settings_unref(s);
}
END_TEST

/* Random nested prefixes: the bisection finds what a search through all of them finds. */
START_TEST(same_as_linear)
{
	enum { N = 300, PROBES = 3000 };
	struct prefix prefixes[N];
	char *text = NULL, buf[PREFIX_TEXT_LEN];
	size_t size, n = 0, found = 0;
	FILE *f = open_memstream(&text, &size);
	unsigned seed = 42u + (unsigned)_i;
	struct settings *s;

	fputs("clients = (", f);
	while (n < N) {
		struct prefix p = { .family = rand_r(&seed) % 2 ? 4 : 6 };
		bool twice = false;

		p.bits = (uint8_t)(rand_r(&seed) % (p.family == 4 ? 33 : 129));
		for (int i = 0; i < (p.family == 4 ? 4 : 16); i++) {
			p.ip[i] = (uint8_t)(rand_r(&seed) % 3 ? 0 : 1u << rand_r(&seed) % 8);
		}
		(void)prefix_mask(&p);
		for (size_t i = 0; i < n; i++) {
			twice |= !prefix_compare(&p, &prefixes[i]);
		}
		if (twice || (p.family == 6 && p.bits >= 96)) {
			continue;
		}
		prefixes[n] = p;
		fprintf(f, "%s{ name = \"%zu\"; prefixes = [ \"%s\" ]; }\n", n ? "," : "", n,
			prefix_text(&p, buf));
		n++;
	}
	fputs(");", f);
	ck_assert_int_eq(fclose(f), 0);
	s = load_good(text);
	for (int probe = 0; probe < PROBES; probe++) {
		const struct prefix *near = &prefixes[(size_t)rand_r(&seed) % N], *best = NULL;
		struct address a = { .family = near->family };
		struct prefix p = { .family = near->family, .bits = near->family == 4 ? 32 : 128 };
		const struct settings_class *c;
		uint8_t *flip;

		memcpy(a.ip, near->ip, 16);
		flip = &a.ip[rand_r(&seed) % (a.family == 4 ? 4 : 16)];
		*flip = (uint8_t)(*flip ^ 1u << rand_r(&seed) % 8);
		memcpy(p.ip, a.ip, 16);
		for (size_t i = 0; i < N; i++) {
			if (prefix_covers(&prefixes[i], &p) &&
			    (!best || best->bits < prefixes[i].bits)) {
				best = &prefixes[i];
			}
		}
		c = settings_class_by_address(s, &a);
		ck_assert_int_eq(c != NULL, best != NULL);
		ck_assert(!c || atoi(c->name) == (int)(best - prefixes));
		found += c != NULL;
	}
	ck_assert_uint_gt(found, PROBES / 10);
	settings_unref(s);
	free(text);
}
END_TEST

START_TEST(by_key)
{
	static const char ids[] = "a\xc3\xa9\xe2\x82\xac";
	struct settings *s;

	write_keys("ab one\na two\nb three\na\xc3\xa9\xe2\x82\xac four\nunclaimed five\n");
	s = load_good("clients = ( { name = \"x\"; key_ids = [ \"b\", \"a\" ]; },"
		      "{ name = \"y\"; key_ids = [ \"ab\", \"a\xc3\xa9\xe2\x82\xac\" ];"
		      "  prefixes = [ \"::1\" ]; } );");
	ck_assert_str_eq(class_by_key(s, "a")->name, "x");
	ck_assert_str_eq(class_by_key(s, "b")->name, "x");
	ck_assert_str_eq(class_by_key(s, "ab")->name, "y");
	ck_assert_str_eq(class_by_key(s, ids)->name, "y");
	ck_assert_ptr_null(class_by_key(s, "unclaimed"));
	ck_assert_ptr_null(class_by_key(s, "abc"));
	ck_assert_ptr_null(class_by_key(s, ""));
	ck_assert_ptr_null(settings_class_by_key(s, (const uint8_t *)"a", 2)); /* with its NUL */
	ck_assert_str_eq(class_of(s, "::1"), "y");
	ck_assert_str_eq(class_of(s, "::2"), "");
	settings_unref(s);
}
END_TEST

/* A class has its own modes and features, and the rest from all files, also from later ones. */
START_TEST(policy_of_a_class)
{
	struct settings *s;

	write_keys("k one\nl two\n");
	write_text("conf.d/z.conf", "features = [ \"dscp-ecn\" ]; limits = { max_sessions = 5; };");
	s = load_good(
		"modes = [ \"unauthenticated\", \"mixed\" ];\n"
		"clients = ( { name = \"own\"; prefixes = [ \"::1\" ]; modes = [ \"encrypted\" ];\n"
		"  features = [ ]; key_ids = [ \"k\" ]; },\n"
		"{ name = \"plain\"; prefixes = [ \"::2\" ]; },\n"
		"{ name = \"keyed\"; key_ids = [ \"l\" ]; features = [ \"ptp-timestamps\" ]; } );");
	ck_assert_uint_eq(s->policy.modes, MODE_UNAUTHENTICATED | MODE_MIXED);
	ck_assert_uint_eq(s->policy.features, MODE_DSCP_ECN);
	ck_assert_uint_eq(s->classes[0].policy.modes, MODE_ENCRYPTED);
	ck_assert_uint_eq(s->classes[0].policy.features, 0);
	ck_assert_uint_eq(s->classes[1].policy.modes, MODE_UNAUTHENTICATED | MODE_MIXED);
	ck_assert_uint_eq(s->classes[1].policy.features, MODE_DSCP_ECN);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(s->classes[i].policy.max_sessions, 5);
		ck_assert_uint_eq(s->classes[i].policy.kdf_count, 32768);
		ck_assert_uint_eq(s->classes[i].policy.port_last, 65535);
	}
	/* For strangers: nothing that works without a key. */
	ck_assert_uint_eq(settings_keyed_modes(s), MODE_ENCRYPTED | MODE_MIXED | MODE_PTP);
	settings_unref(s);
	/* A later list replaces this one entire. */
	write_text("conf.d/z.conf", "clients = ( { name = \"only\"; prefixes = [ \"::1\" ]; } );");
	s = load_good("clients = ( { name = \"own\"; prefixes = [ \"::1\", \"::2\" ]; } );");
	ck_assert_uint_eq(s->n_classes, 1);
	ck_assert_str_eq(class_of(s, "::1"), "only");
	ck_assert_str_eq(class_of(s, "::2"), "");
	settings_unref(s);
	write_text("conf.d/z.conf", "clients = ( );");
	s = load_good("clients = ( { name = \"own\"; prefixes = [ \"::1\", \"::2\" ]; } );");
	ck_assert_str_eq(class_of(s, "::9"), "default");
	settings_unref(s);
}
END_TEST

static const char limited[] =
	"limits = { max_sessions = 50; packet_rate = 7; octet_rate = 8; }; dscp = [ 0, 10 ];\n"
	"clients = (\n"
	"{ name = \"own\"; prefixes = [ \"::1\" ]; third_party = true; dscp = [ 46 ];\n"
	"  auth = { failure_rate = 1; };\n"
	"  limits = { max_connections = 2; max_connections_per_client = 3; max_sessions = 4;\n"
	"    max_sessions_per_client = 5; max_sessions_per_connection = 6; max_padding = 7;\n"
	"    connection_rate = 8; connection_burst = 9; request_rate = 10; request_burst = 11;\n"
	"    packet_rate = 12; octet_rate = 13; total_packet_rate = 14;\n"
	"    total_octet_rate = 15; };\n"
	"  ports = { first = 16; last = 17; }; timers = { max_timeout = 18; }; },\n"
	"{ name = \"none\"; prefixes = [ \"::2\" ];\n"
	"  limits = { max_connections = 0; max_sessions = 0; }; },\n"
	"{ name = \"plain\"; prefixes = [ \"::3\" ]; dscp = \"all\"; } );\n";

/* Every key of a class. */
START_TEST(limits_of_a_class)
{
	struct settings *s = load_good(limited);
	const struct policy *p = &s->classes[0].policy;

	ck_assert_uint_eq(p->third_party, 1);
	ck_assert(p->dscp_allowed == UINT64_C(1) << 46);
	ck_assert_uint_eq(p->failure_rate, 1);
	ck_assert_uint_eq(p->max_connections, 2);
	ck_assert_uint_eq(p->max_connections_per_client, 3);
	ck_assert_uint_eq(p->max_sessions, 4);
	ck_assert_uint_eq(p->max_sessions_per_client, 5);
	ck_assert_uint_eq(p->max_sessions_per_connection, 6);
	ck_assert_uint_eq(p->max_padding, 7);
	ck_assert_uint_eq(p->connection_rate, 8);
	ck_assert_uint_eq(p->connection_burst, 9);
	ck_assert_uint_eq(p->request_rate, 10);
	ck_assert_uint_eq(p->request_burst, 11);
	ck_assert_uint_eq(p->packet_rate, 12);
	ck_assert_uint_eq(p->octet_rate, 13);
	ck_assert_uint_eq(p->total_packet_rate, 14);
	ck_assert_uint_eq(p->total_octet_rate, 15);
	ck_assert_uint_eq(p->port_first, 16);
	ck_assert_uint_eq(p->port_last, 17);
	ck_assert_uint_eq(p->max_timeout_s, 18);
	p = &s->classes[1].policy;
	ck_assert_uint_eq(p->max_connections, 0);
	ck_assert_uint_eq(p->max_sessions, 0);
	ck_assert_uint_eq(p->packet_rate, 7);
	ck_assert_uint_eq(p->octet_rate, 8);
	ck_assert(p->dscp_allowed == (1 << 10 | 1));
	ck_assert_uint_eq(p->third_party, 0);
	p = &s->classes[2].policy;
	ck_assert_uint_eq(p->max_sessions, 50);
	ck_assert(p->dscp_allowed == UINT64_MAX);
	/* The server's own are as they were. */
	ck_assert_uint_eq(s->policy.max_sessions, 50);
	ck_assert_uint_eq(s->policy.max_connections, 1000);
	ck_assert_uint_eq(s->policy.port_first, 49152);
	settings_unref(s);
}
END_TEST

/* What a class inherits can be read, and is no more than a comment. */
START_TEST(dump_of_a_class)
{
	struct settings *s = load_good(limited), *again;
	char *text = dump(s), *second, *plain = strstr(text, "name = \"plain\"");

	ck_assert_ptr_nonnull(plain);
	ck_assert_ptr_nonnull(strstr(plain, "\n\t\t\t#max_sessions = 50; # inherited\n"));
	ck_assert_ptr_nonnull(strstr(plain, "\n\t\t#third_party = false; # inherited\n"));
	ck_assert_ptr_nonnull(strstr(plain, "\n\t\tdscp = \"all\";\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n\t\tthird_party = true;\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n\t\tdscp = [ 46 ];\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n\t\t#dscp = [ 0, 10 ]; # inherited\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n\t\t\tmax_sessions = 0;\n"));
	again = load_good(text);
	for (size_t i = 0; i < s->n_classes; i++) {
		ck_assert_mem_eq(&s->classes[i].policy, &again->classes[i].policy,
				 sizeof(struct policy));
		ck_assert(s->classes[i].overrides == again->classes[i].overrides);
	}
	second = dump(again);
	ck_assert_str_eq(text, second);
	free(text);
	free(second);
	settings_unref(s);
	settings_unref(again);
}
END_TEST

/* A class that says as many DSCPs as it can without all. */
START_TEST(longest_dscp)
{
	char text[1024] = CLASS_HEAD "dscp = [ 1", number[8];
	struct settings *s, *again;
	char *dumped;

	for (int i = 2; i < 64; i++) {
		(void)snprintf(number, sizeof(number), ", %d", i);
		strcat(text, number);
	}
	strcat(text, " ]; } );");
	s = load_good(text);
	ck_assert(s->classes[0].policy.dscp_allowed == UINT64_MAX - 1);
	dumped = dump(s);
	ck_assert_ptr_nonnull(strstr(dumped, " 61, 62, 63 ];"));
	again = load_good(dumped);
	ck_assert(again->classes[0].policy.dscp_allowed == UINT64_MAX - 1);
	free(dumped);
	settings_unref(s);
	settings_unref(again);
}
END_TEST

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

static char *many(int classes, int prefixes)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs("clients = (", f);
	for (int i = 0; i < classes; i++) {
		fprintf(f, "%s{ name = \"%d\"; prefixes = [", i ? "," : "", i);
		for (int j = 0; j < prefixes; j++) {
			fprintf(f, "%s\"%x::/16\"", j ? "," : "", i * prefixes + j);
		}
		fputs("]; }", f);
	}
	fputs(");", f);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

/* As many classes and prefixes as there may be, each prefix as long as it may be, and each class
 * with all that it may have: it must fit into a file. */
static char *longest(void)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs("clients = (", f);
	for (int i = 0; i < 1024; i++) {
		fprintf(f, "%s\n{\n\tname = \"%030d\";\n\tprefixes = [", i ? "," : "", i);
		for (int j = 0; j < 64; j++) {
			fprintf(f, "%s\n\t\t\"2001:0db8:1111:2222:3333:4444:5555:%04x/128\"",
				j ? "," : "", i * 64 + j);
		}
		fputs("\n\t];\n\tmodes = [ \"unauthenticated\" ]; features = [ ]; dscp = [ 0 ];\n"
		      "\tthird_party = true; auth = { failure_rate = 1; };\n\tlimits = {"
		      " max_connections = 1; max_connections_per_client = 1; max_sessions = 1;"
		      " max_sessions_per_client = 1; max_sessions_per_connection = 1;"
		      " max_padding = 1; connection_rate = 1; connection_burst = 1;"
		      " request_rate = 1; request_burst = 1; packet_rate = 1; octet_rate = 1;"
		      " total_packet_rate = 1; total_octet_rate = 1; };\n"
		      "\tports = { first = 1; last = 1; }; timers = { max_timeout = 1; };\n}",
		      f);
	}
	fputs(");", f);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

START_TEST(how_many)
{
	char *text = many(1024, 64);
	struct settings *s = load_good(text);

	ck_assert_uint_eq(s->n_classes, 1024);
	ck_assert_uint_eq(s->n_prefixes, 65536);
	ck_assert_str_eq(class_of(s, "ffff::1"), "1023");
	ck_assert_str_eq(class_of(s, "8000::1"), "512");
	settings_unref(s);
	free(text);
	text = longest();
	s = load_good(text);
	ck_assert_uint_eq(s->n_prefixes, 65536);
	ck_assert_uint_eq(s->classes[1023].policy.max_padding, 1);
	settings_unref(s);
	free(text);
	text = many(1025, 1);
	load_bad(text, "clients: 1025 classes, expected: at most 1024");
	free(text);
	text = many(1, 65537);
	load_bad(text, "clients.prefixes: 65537 in all, expected: at most 65536");
	free(text);
}
END_TEST

/* Mutations of classes: each loads and answers, or is refused with a reason. */
START_TEST(mutations)
{
	static const char salt[] = "{}()[]=:;,\"/0919.-xk \n\xff";
	static const char text[] =
		"modes = [ \"unauthenticated\", \"mixed\" ]; keys_file = \"twampd.keys\";\n"
		"clients = ( { name = \"a\"; prefixes = [ \"10.0.0.0/8\", \"::/0\", \"10.1.0.0/16\" ]; },\n"
		"{ name = \"b\"; key_ids = [ \"k\", \"l\" ]; modes = [ \"mixed\" ]; features = [ ]; } );\n";
	unsigned seed = 7u + (unsigned)_i, refused = 0, good = 0;
	char copy[sizeof(text)];

	write_keys("k one\nl two\n0 three\n");
	for (int round = 0; round < 300; round++) {
		struct settings_error err = { .text = "" };
		struct address a = host("10.1.2.3");
		struct settings *s = NULL;
		int r;

		memcpy(copy, text, sizeof(text));
		for (int i = 0; i < 1 + round / 100; i++) {
			copy[(size_t)rand_r(&seed) % (sizeof(text) - 1)] =
				salt[(size_t)rand_r(&seed) % (sizeof(salt) - 1)];
		}
		write_file("twampd.conf", copy, sizeof(text) - 1);
		r = settings_load(file, &s, &err);
		ck_assert(r == 0 || (r == SETTINGS_BAD && strlen(err.text) > strlen(file) + 2));
		if (s) {
			(void)settings_class_by_address(s, &a);
			(void)settings_class_by_key(s, (const uint8_t *)"k", 1);
			good++;
		}
		refused += r != 0;
		settings_unref(s);
	}
	ck_assert_uint_gt(refused, 0);
	ck_assert_uint_gt(good, 0);
}
END_TEST

TCase *classes_cases(void)
{
	TCase *classes = tcase_create("classes");

	tcase_set_timeout(classes, 120);
	tcase_add_checked_fixture(classes, room_set_up, room_tear_down);
	tcase_add_loop_test(classes, without_classes, 0, 2);
	tcase_add_test(classes, longest_prefix);
	tcase_add_test(classes, everybody);
	tcase_add_loop_test(classes, same_as_linear, 0, 5);
	tcase_add_test(classes, by_key);
	tcase_add_test(classes, policy_of_a_class);
	tcase_add_test(classes, limits_of_a_class);
	tcase_add_test(classes, dump_of_a_class);
	tcase_add_test(classes, longest_dscp);
	tcase_add_test(classes, modes_need_keys);
	tcase_add_test(classes, classes_without_keys);
	tcase_add_loop_test(classes, fault_is_told, 0, (int)(sizeof(faults) / sizeof(faults[0])));
	tcase_add_test(classes, how_many);
	tcase_add_loop_test(classes, mutations, 0, 3);
	return classes;
}
