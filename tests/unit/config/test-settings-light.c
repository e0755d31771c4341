// SPDX-License-Identifier: BSD-2-Clause
/* The entries of "light". */
#include "tests/unit/config/test-settings.h"

#include "daemon/config/schema.h"

#include <stdlib.h>

#define CLIENTS "clients = [ \"192.0.2.0/24\" ];"
#define TYPE "type = \"stamp\";"

/* The sender is one of the entry. */
static bool knows(const struct settings_light *l, uint16_t ssid)
{
	struct address a = { .family = 4, .ip = { 192, 0, 2, 1 } };
	bool allowed;
	const struct settings_row *row = settings_light_row(l, &a, ssid, &allowed);

	ck_assert(allowed);
	return row != NULL;
}

static struct address v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct address){ .family = 4, .ip = { a, b, c, d } };
}

/* T-074: off by default, and nobody is answered who is not named. */
START_TEST(off_by_default)
{
	struct settings *s = load_good("");

	ck_assert_uint_eq(s->n_light, 0);
	settings_unref(s);
	s = load_good("light = ( );");
	ck_assert_uint_eq(s->n_light, 0);
	settings_unref(s);
	load_bad("light = ( { " TYPE " } );",
		 "light: clients is missing, expected: clients = array");
	load_bad("light = ( { " TYPE " clients = [ ]; } );", "array of 1 to 4096 prefixes");
}
END_TEST

/* T-070 T-081: UDP port 862, of both families */
START_TEST(defaults)
{
	struct settings *s = load_good("light = ( { " TYPE CLIENTS " } );");

	ck_assert_uint_eq(s->n_light, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct settings_light *l = &s->light[i];

		ck_assert_uint_eq(l->address.family, i ? 6 : 4);
		ck_assert(address_is_any(&l->address));
		ck_assert_uint_eq(l->address.port, 862);
		ck_assert_int_eq(l->type, SETTINGS_LIGHT_STAMP);
		ck_assert(!l->stateful && !l->from_862);
		ck_assert_uint_eq(l->dscp, SETTINGS_DSCP_COPY);
		ck_assert_uint_eq(l->rows[0].n_clients, 1);
		ck_assert_uint_eq(l->packet_rate, 1000);
		ck_assert_uint_eq(l->octet_rate | l->total_packet_rate | l->total_octet_rate, 0);
		ck_assert(knows(l, 0) && knows(l, 65535));
	}
	settings_unref(s);
}
END_TEST

START_TEST(all_keys)
{
	struct settings *s = load_good(
		"light = ( { address = \"198.51.100.1\"; port = 8620; type = "
		"\"twamp-light\"; stateful = true; from_862 = true; device = \"vrf-red\";"
		"packet_rate = 1; octet_rate = 4294967295L; total_packet_rate = 3; "
		"total_octet_rate = 4;"
		"dscp = \"zero\";" CLIENTS
		" }, { address = \"::1\"; port = 8620; dscp = 46; ssids = [ 9, 0, 65535 "
		"];" TYPE CLIENTS " } );");
	const struct settings_light *l = s->light;

	ck_assert_uint_eq(s->n_light, 2);
	ck_assert_uint_eq(l[0].address.port, 8620);
	ck_assert_uint_eq(l[0].address.ip[0], 198);
	ck_assert_int_eq(l[0].type, SETTINGS_LIGHT_TWAMP);
	ck_assert(l[0].stateful && l[0].from_862);
	ck_assert_str_eq(l[0].device, "vrf-red");
	ck_assert_str_eq(l[1].device, "");
	ck_assert_uint_eq(l[0].packet_rate, 1);
	ck_assert_uint_eq(l[0].octet_rate, UINT32_MAX);
	ck_assert_uint_eq(l[0].total_packet_rate, 3);
	ck_assert_uint_eq(l[0].total_octet_rate, 4);
	ck_assert_uint_eq(l[0].dscp, 0); /* T-075 */
	ck_assert_uint_eq(l[1].dscp, 46);
	ck_assert_uint_eq(l[1].rows[0].n_ssids, 3);
	ck_assert(knows(&l[1], 0) && knows(&l[1], 9));
	ck_assert(knows(&l[1], 65535) && !knows(&l[1], 8));
	settings_unref(s);
}
END_TEST

START_TEST(faults)
{
	static const struct {
		const char *entry, *part;
	} cases[] = {
		{ CLIENTS,
		  "light: type is missing, expected: type = one of \"twamp-light\", \"stamp\"" },
		{ "type = \"twamp\";" CLIENTS, "light.type: \"twamp\" is unknown, expected" },
		{ "type = 1;" CLIENTS, "light.type: this is an integer, expected: one of" },
		{ TYPE CLIENTS "port = 0;", "light.port: 0 is out of range, expected: integer 1" },
		{ TYPE CLIENTS "port = 65536;", "light.port: 65536 is out of range" },
		{ TYPE CLIENTS "port = \"862\";",
		  "light.port: this is a string, expected: integer 1" },
		{ TYPE CLIENTS "stateful = 1;",
		  "light.stateful: this is an integer, expected: true or false" },
		{ TYPE CLIENTS "from_862 = \"yes\";", "light.from_862: this is a string, exp" },
		{ TYPE CLIENTS "freebind = 0;",
		  "light.freebind: this is an integer, expected: tr" },
		{ TYPE CLIENTS "packet_rate = -1;", "light.packet_rate: -1 is out of range" },
		{ TYPE CLIENTS "total_octet_rate = \"9\";",
		  "light.total_octet_rate: this is a string, expected: integer 0..4294967295" },
		{ TYPE CLIENTS "dscp = 64;", "light.dscp: 64 is out of range, expected: \"copy\"" },
		{ TYPE CLIENTS "dscp = \"EF\";", "light.dscp: \"EF\" is unknown" },
		{ TYPE CLIENTS "dscp = 1.5;", "light.dscp: this is a number with a fraction" },
		{ TYPE CLIENTS "ssids = [ ];", "array of 1 to 4096 SSIDs" },
		{ TYPE CLIENTS "ssids = [ 65536 ];", "light.ssids: 65536 is out of range" },
		{ TYPE CLIENTS "ssids = [ \"a\" ];",
		  "light.ssids: this is a string, expected: array" },
		{ "type = \"twamp-light\"; ssids = [ 1 ];" CLIENTS, "only packets of STAMP" },
		{ TYPE "clients = [ \"192.0.2.1/24\" ];", "did you mean \"192.0.2.0/24\"?" },
		{ TYPE "clients = [ \"here\" ];", "\"here\" is no prefix" },
		{ TYPE "clients = [ 1 ];", "light.clients: this is an integer, expected: arr" },
		{ TYPE "clients = \"192.0.2.0/24\";", "array of 1 to 4096 prefixes" },
		{ TYPE CLIENTS "address = \"name\";", "light.address: \"name\" is no address" },
		{ TYPE CLIENTS "address = \"224.0.0.1\";", "is no address of a host" },
		{ TYPE CLIENTS "device = 1;", "light.device: this is an integer, expected: a" },
		{ TYPE CLIENTS "device = \"a:b\";",
		  "light.device: \"a:b\" is no name of a network" },
		{ TYPE CLIENTS "address = 1;",
		  "light.address: this is an integer, expected: an I" },
		{ TYPE CLIENTS "adress = \"::1\";",
		  "light.adress: unknown key, did you mean light.address?" },
		{ TYPE CLIENTS "colour = 1;",
		  "light.colour: unknown key, expected: address, port, device, freebind, type, " },
	};
	char text[400];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(text, sizeof(text), "\nlight = (\n{ %s } );", cases[i].entry);
		load_bad(text, cases[i].part);
		load_bad(text, "twampd.conf:3: ");
	}
	load_bad("light = { };", "light: this is a group");
	load_bad("light = ( 1 );", "light: this is an integer, expected: list of 0 to 64");
}
END_TEST

/* Two sockets of one port would share out the packets. */
START_TEST(overlaps)
{
	struct settings *s;

	load_bad("light = ( { " TYPE CLIENTS " }, { address = \"127.0.0.1\"; " TYPE CLIENTS " } );",
		 "each once");
	load_bad("light = ( { address = \"::1\"; " TYPE CLIENTS
		 " }, { address = \"::1\"; " TYPE CLIENTS " } );",
		 "each once");
	load_bad("light = ( { device = \"a\"; " TYPE CLIENTS
		 " }, { address = \"::1\"; device = \"a\"; " TYPE CLIENTS " } );",
		 "each once");
	s = load_good("light = ( { address = \"::1\"; " TYPE CLIENTS " },"
		      "{ address = \"::1\"; device = \"a\"; " TYPE CLIENTS " },"
		      "{ address = \"::1\"; device = \"b\"; " TYPE CLIENTS " },"
		      "{ address = \"::2\"; " TYPE CLIENTS " },"
		      "{ address = \"0.0.0.0\"; " TYPE CLIENTS " },"
		      "{ address = \"::\"; port = 863; " TYPE CLIENTS " } );");
	ck_assert_uint_eq(s->n_light, 6);
	settings_unref(s);
}
END_TEST

START_TEST(too_many)
{
	char text[8192] = "light = (";
	struct settings *s;

	for (int i = 0; i < SCHEMA_LIGHT_MAX / 2; i++) {
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			       "%s{ port = %d; " TYPE CLIENTS " }", i ? "," : "", 1000 + i);
	}
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), ");");
	s = load_good(text);
	ck_assert_uint_eq(s->n_light, SCHEMA_LIGHT_MAX);
	settings_unref(s);
	(void)snprintf(text + strlen(text) - 2, sizeof(text) - strlen(text),
		       ",{ " TYPE CLIENTS " });");
	load_bad(text, "light: too many, expected: at most 64");
}
END_TEST

/* Against every prefix looked at in turn. */
START_TEST(clients)
{
	struct settings *s = load_good(
		"light = ( { address = \"0.0.0.0\"; " TYPE
		" clients = [ \"10.0.0.0/8\", \"10.1.0.0/16\", \"10.1.2.3\", \"192.0.2.128/25\", "
		"\"192.0.2.4/30\", \"10.0.0.0/8\" ]; }, { address = \"::\"; " TYPE
		" clients = [ \"2001:db8::/32\", \"::1\" ]; },"
		"{ address = \"0.0.0.0\"; port = 1; " TYPE " clients = [ \"0.0.0.0/0\" ]; } );");
	const struct settings_light *l = s->light;
	struct address six = { .family = 6, .ip = { 0x20, 1, 0x0d, 0xb8, [15] = 9 } };
	struct address self = { .family = 6, .ip = { [15] = 1 } };
	struct address none = v4(0, 0, 0, 0), all = v4(255, 255, 255, 255), ten = v4(10, 1, 2, 3);

	for (int i = 0; i < 256; i++) {
		struct address a = v4(192, 0, 2, (uint8_t)i), b = v4(10, (uint8_t)i, 2, 4);
		struct address c = v4((uint8_t)i, 1, 2, 3);

		ck_assert_int_eq(settings_light_allows(&l[0], &a), i >= 128 || (i >= 4 && i < 8));
		ck_assert(settings_light_allows(&l[0], &b));
		ck_assert_int_eq(settings_light_allows(&l[0], &c), i == 10);
		ck_assert(settings_light_allows(&l[2], &c));
	}
	ck_assert(settings_light_allows(&l[0], &ten) && !settings_light_allows(&l[1], &ten));
	ck_assert(settings_light_allows(&l[2], &none) && settings_light_allows(&l[2], &all));
	ck_assert(settings_light_allows(&l[1], &six) && settings_light_allows(&l[1], &self));
	ck_assert(!settings_light_allows(&l[2], &six));
	self.ip[15] = 2;
	six.ip[3] = 0xb9;
	ck_assert(!settings_light_allows(&l[1], &six) && !settings_light_allows(&l[1], &self));
	settings_unref(s);
}
END_TEST

/* What --dump prints is read as the same. A later file replaces the list. */
START_TEST(dump_is_a_file)
{
	struct settings *s = load_good(
		"light = ( { " TYPE " stateful = true; dscp = 10; ssids = [ 1, 2 ]; clients = [ "
		"\"10.0.0.0/8\", \"::/0\" ]; octet_rate = 5000; }, { address = \"192.0.2.1\"; port = 5000; type = "
		"\"twamp-light\"; from_862 = true; device = \"vrf-red\"; " CLIENTS " } );");
	char *first = dump(s), *second;

	settings_unref(s);
	s = load_good(first);
	second = dump(s);
	ck_assert_str_eq(first, second);
	ck_assert_ptr_nonnull(strstr(first, "ssids = [ 1, 2 ]"));
	ck_assert_ptr_nonnull(strstr(first, "packet_rate = 1000;\n\t\toctet_rate = 5000;"));
	ck_assert_ptr_nonnull(strstr(first, "port = 5000;\n\t\tdevice = \"vrf-red\";"));
	free(first);
	free(second);
	settings_unref(s);
	write_text("conf.d/x.conf", "light = ( );");
	s = load_good("light = ( { " TYPE CLIENTS " } );");
	ck_assert_uint_eq(s->n_light, 0);
	settings_unref(s);
}
END_TEST

#define KEY "a passphrase of sixteen octets or more"
#define AUTH "light = ( { " TYPE "mode = \"authenticated\"; "

/* S-025 S-027 S-225: keys are named in the file of keys, and good enough. */
START_TEST(stamp_keys)
{
	struct settings *s;

	write_keys("a " KEY "\nb 000102030405060708090a0b0c0d0e0f\nshort tiny\nodd 000\n");
	s = load_good(AUTH CLIENTS " keys = [ \"a\", \"b\" ]; } );");
	ck_assert_int_eq(s->light[0].mode, SETTINGS_LIGHT_AUTHENTICATED);
	ck_assert_uint_eq(s->light[0].rows[0].n_keys, 2);
	ck_assert_ptr_nonnull(s->light[0].rows[0].keys[1]);
	ck_assert_ptr_eq(s->light[1].rows, s->light[0].rows); /* the other family */
	settings_unref(s);
	s = load_good(AUTH CLIENTS " key_format = \"hex\"; keys = [ \"b\" ]; } );");
	settings_unref(s);
	load_bad(AUTH CLIENTS " } );", "keys is missing");
	load_bad(AUTH CLIENTS " keys = [ \"none\" ]; } );", "no KeyID \"none\"");
	load_bad(AUTH CLIENTS " keys = [ \"short\" ]; } );", "is shorter than 16 octets");
	load_bad(AUTH CLIENTS " keys = [ \"a\", \"a\" ]; } );", "twice");
	load_bad(AUTH CLIENTS " keys = [ \"a\", \"b\", \"odd\" ]; } );", "array of 1 or 2 KeyIDs");
	load_bad(AUTH CLIENTS " key_format = \"hex\"; keys = [ \"odd\" ]; } );", "odd number");
	load_bad(AUTH CLIENTS " key_format = \"hex\"; keys = [ \"a\" ]; } );", "hex digits");
}
END_TEST

/* S-026: the longest prefix decides, then the SSID. */
START_TEST(stamp_rows)
{
	struct address a = { .family = 4, .ip = { 192, 0, 2, 1 } };
	const struct settings_light *l;
	char *first, *second;
	struct settings *s;
	bool allowed;

	s = load_good("light = ( { " TYPE " senders = ("
		      "{ name = \"wide\"; clients = [ \"192.0.0.0/8\" ]; packet_rate = 5; },"
		      "{ name = \"one\"; clients = [ \"192.0.2.0/24\" ]; ssids = [ 1, 2 ]; },"
		      "{ name = \"rest\"; clients = [ \"192.0.2.0/24\", \"2001:db8::/32\" ]; }"
		      "); } );");
	l = &s->light[0];
	ck_assert_str_eq(settings_light_row(l, &a, 2, &allowed)->name, "one");
	ck_assert_str_eq(settings_light_row(l, &a, 3, &allowed)->name, "rest");
	a.ip[2] = 3;
	ck_assert_str_eq(settings_light_row(l, &a, 2, &allowed)->name, "wide");
	ck_assert_uint_eq(l->rows[0].packet_rate, 5);
	ck_assert_uint_eq(l->rows[1].packet_rate, SETTINGS_ROW_RATE);
	a.ip[0] = 193;
	ck_assert_ptr_null(settings_light_row(l, &a, 2, &allowed));
	ck_assert(!allowed);
	first = dump(s);
	settings_unref(s);
	s = load_good(first);
	second = dump(s);
	ck_assert_str_eq(first, second);
	ck_assert_ptr_nonnull(strstr(first, "name = \"one\";"));
	free(first);
	free(second);
	settings_unref(s);
	load_bad("light = ( { " TYPE CLIENTS
		 " senders = ( { name = \"a\"; clients = [ \"::/0\" ]; } ); } );",
		 "there are senders as well");
	load_bad("light = ( { " TYPE " senders = ( { name = \"a\"; " CLIENTS " },"
		 "{ name = \"b\"; " CLIENTS " } ); } );",
		 "is of \"a\" and of \"b\"");
	load_bad("light = ( { " TYPE " senders = ( { name = \"a\"; " CLIENTS " ssids = [ 1 ]; },"
		 "{ name = \"a\"; " CLIENTS " ssids = [ 2 ]; } ); } );",
		 "\"a\" is there twice");
	load_bad("light = ( { " TYPE " senders = ( { " CLIENTS " } ); } );", "name is missing");
	load_bad("light = ( { " TYPE " senders = ( { name = \"a\"; cliens = [ ]; } ); } );",
		 "did you mean light.senders.clients?");
}
END_TEST

/* S-066 S-067 S-082 S-114 S-134 S-168 S-184 */
START_TEST(stamp_tlvs)
{
	struct settings *s = load_good("dscp = [ 0, 8 ]; light = ( { " TYPE CLIENTS " } );");

	ck_assert_uint_eq(s->light[0].tlv.types, TLV_ALL_TYPES);
	ck_assert_uint_eq(s->light[0].tlv.dscp, 0x101);
	ck_assert_uint_eq(s->light[0].tlv.return_path, TLVREPLY_NO_REPLY | TLVREPLY_SAME_LINK);
	ck_assert(!s->light[0].tlv.off && !s->light[0].tlv.required);
	settings_unref(s);
	s = load_good(
		"light = ( { " TYPE CLIENTS " tlv = { types = [ \"location\" ]; dscp = [ ];"
		" location = [ ]; member_links = ( { device = \"eth1\"; id = 7; } ); }; } );");
	ck_assert_uint_eq(s->light[0].tlv.types, TLV_BIT(TLV_LOCATION));
	ck_assert_uint_eq(s->light[0].tlv.dscp | s->light[0].tlv.location, 0);
	ck_assert_uint_eq(s->light[0].links[0].id, 7);
	settings_unref(s);
	load_bad("light = ( { " TYPE CLIENTS " tlvs = false; tlv = { types = [ ]; }; } );",
		 "TLVs are only copied");
	load_bad("light = ( { " TYPE CLIENTS " tlv = { integrity = \"required\"; }; } );",
		 "expected: keys as well");
	load_bad("light = ( { " TYPE CLIENTS " tlv = { return_path = [ \"address\" ]; }; } );",
		 "return_addresses as well");
	load_bad("light = ( { " TYPE CLIENTS
		 " tlv = { return_addresses = [ \"192.0.2.0/24\" ]; }; } );",
		 "keys and stateful");
	load_bad("light = ( { " TYPE CLIENTS " tlv = { member_links = ( { id = 7; } ); }; } );",
		 "device = \"eth1\"");
	load_bad("light = ( { type = \"twamp-light\"; " CLIENTS " tlvs = true; } );",
		 "only STAMP has it");
	load_bad("light = ( { type = \"twamp-light\"; " CLIENTS " keys = [ \"a\" ]; } );",
		 "only STAMP has it");
}
END_TEST

TCase *light_cases(void)
{
	TCase *tc = tcase_create("light");

	tcase_add_checked_fixture(tc, room_set_up, room_tear_down);
	tcase_add_test(tc, off_by_default);
	tcase_add_test(tc, stamp_keys);
	tcase_add_test(tc, stamp_rows);
	tcase_add_test(tc, stamp_tlvs);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, all_keys);
	tcase_add_test(tc, faults);
	tcase_add_test(tc, overlaps);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, clients);
	tcase_add_test(tc, dump_is_a_file);
	return tc;
}
