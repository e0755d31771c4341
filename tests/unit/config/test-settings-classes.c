// SPDX-License-Identifier: BSD-2-Clause
/* The classes of clients. */
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
	tcase_add_test(classes, how_many);
	tcase_add_loop_test(classes, mutations, 0, 3);
	return classes;
}
