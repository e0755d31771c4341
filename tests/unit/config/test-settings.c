// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/config/test-settings.h"

#include "daemon/config/schema.h"

#include "protocol/mode.h"

#include <stdlib.h>

/* R-001 R-109 R-123 R-168 R-170: the defaults, and that limits are on. */
START_TEST(defaults)
{
	struct settings *s;

	ck_assert_int_eq(settings_load(NULL, &s, NULL), 0);
	ck_assert_uint_eq(s->n_listen, 2);
	ck_assert_uint_eq(s->listen[0].address.family, 4);
	ck_assert_uint_eq(s->listen[1].address.family, 6);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_uint_eq(s->listen[i].address.port, 862);
		ck_assert(address_is_any(&s->listen[i].address));
	}
	ck_assert_uint_eq(s->configured.modes, MODE_SECURITY_MASK);
	ck_assert_uint_eq(s->policy.modes, MODE_UNAUTHENTICATED); /* there are no keys */
	ck_assert_uint_eq(s->policy.features, MODE_FEATURE_MASK);
	ck_assert_uint_eq(s->policy.kdf_count, 32768); /* */
	ck_assert_uint_eq(s->policy.failure_rate, 30);
	ck_assert_uint_eq(s->policy.abandon_rate, 60);
	ck_assert_uint_eq(s->ipv6_client_prefix, 56);
	ck_assert_uint_eq(s->auth_workers, 1);
	ck_assert_uint_eq(s->auth_queue, 64);
	ck_assert_str_eq(s->keys_file, "");
	ck_assert_ptr_null(s->keys);
	ck_assert_uint_eq(s->n_classes, 0);
	ck_assert_uint_eq(s->policy.max_connections, 1000);
	ck_assert_uint_eq(s->policy.max_connections_per_client, 32);
	ck_assert_uint_eq(s->policy.max_sessions, 10000);
	ck_assert_uint_eq(s->policy.max_sessions_per_client, 1000);
	ck_assert_uint_eq(s->policy.max_sessions_per_connection, 1000);
	ck_assert_uint_eq(s->policy.max_padding, 9000);
	ck_assert_uint_eq(s->policy.request_rate, 100);
	ck_assert_uint_eq(s->policy.request_burst, 1000);
	ck_assert_uint_eq(s->policy.port_first, 49152);
	ck_assert_uint_eq(s->policy.port_last, 65535);
	ck_assert_uint_eq(s->policy.handshake_s, 30);
	ck_assert_uint_eq(s->policy.message_s, 60);
	ck_assert_uint_eq(s->policy.send_stall_s, 30);
	ck_assert_uint_eq(s->policy.servwait_s, 900);
	ck_assert_uint_eq(s->policy.refwait_s, 900);
	ck_assert_uint_eq(s->policy.max_timeout_s, 900);
	ck_assert_uint_eq(s->policy.connection_rate, 50); /* on */
	ck_assert_uint_eq(s->policy.connection_burst, 200);
	ck_assert_uint_eq(s->policy.packet_rate, 0);
	ck_assert_uint_eq(s->policy.octet_rate, 0);
	ck_assert_uint_eq(s->policy.total_packet_rate, 0);
	ck_assert_uint_eq(s->policy.total_octet_rate, 0);
	ck_assert_uint_eq(s->policy.third_party, 0); /* */
	ck_assert(s->policy.dscp_allowed == UINT64_MAX);
	ck_assert_uint_eq(s->accept_code, 4); /* S-1 */
	ck_assert_uint_eq(s->overload.loop_lag_ms, 200);
	ck_assert_uint_eq(s->overload.reflector_busy, 98);
	ck_assert_uint_eq(s->overload.memory_used, 95);
	ck_assert_uint_eq(s->overload.memory_pressure, 20);
	ck_assert_uint_eq(s->overload.send_drops, 1000);
	ck_assert_uint_eq(s->overload.receive_drops, 1000);
	ck_assert_uint_eq(s->reflector_threads, 0);
	ck_assert_uint_eq(s->reflector_priority, 0);
	ck_assert(s->segmentation);
	ck_assert_int_eq(CPU_COUNT(&s->reflector_cpus), 0);
	ck_assert_int_eq(s->timestamps, SETTINGS_TIMESTAMPS_AUTO);
	ck_assert_int_eq(s->log_level, SETTINGS_LEVEL_INFO);
	settings_unref(s);
}
END_TEST

static const char everything[] =
	"listen = ( { address = \"192.0.2.1\"; port = 8620; }, { address = \"::1\"; port = 0; freebind = true; },\n"
	"           { port = 8621L; device = \"vrf-red\"; }, { address = \"fe80::1%1\"; } );\n"
	"modes = [ \"unauthenticated\", \"mixed\" ]; features = [ \"dscp-ecn\" ];\n"
	"auth = { count = 2147483648; workers = 16; queue = 1; failure_rate = 0; };\n"
	"clients = ( { name = \"A.-_9\"; prefixes = [ \"192.0.2.0/24\", \"2001:db8::/32\" ]; },\n"
	"  { key_ids = [ \"a\\\"b\\\\c\\xc3\\xa9\" ]; prefixes = [ \"::1\", \"0.0.0.0/0\" ];\n"
	"    features = [ ]; modes = [ \"encrypted\", \"unauthenticated\" ]; name = \"b\";\n"
	"    limits = { max_sessions = 0; packet_rate = 4294967295; }; third_party = false;\n"
	"    dscp = [ 63, 0 ]; ports = { last = 9; }; timers = { max_timeout = 1; }; } );\n"
	"third_party = true; dscp = [ 46, 0, 8 ];\n"
	"limits = { max_connections = 1; max_connections_per_client = 2; max_sessions = 1000000;\n"
	"  max_sessions_per_client = 4L; max_sessions_per_connection = 0x5; max_padding = 65535;\n"
	"  request_rate = 0; request_burst = 8; connection_rate = 9; connection_burst = 10;\n"
	"  packet_rate = 4294967295; octet_rate = 12; total_packet_rate = 13;\n"
	"  total_octet_rate = 4294967294; accept_code = 5; };\n"
	"overload = { loop_lag = 60000; reflector_busy = 1; memory_used = 2; memory_pressure = 3;\n"
	"  send_drops = 1000000000; receive_drops = 999999999; };\n"
	"ports = { first = 1; last = 1; also = [ 65535, 1 ]; };\n"
	"timers = { handshake = 11; message = 12; send_stall = 13; servwait = 604800;\n"
	"  refwait = 15; max_timeout = 16; };\n"
	"reflector = { threads = 64; cpus = \"1023,0-2,2-3,7\"; priority = 99; segmentation = false; timestamps = \"hardware\"; };\n"
	"log = { level = \"debug\"; };\n";

static void check_overload(const struct settings *s)
{
	ck_assert_uint_eq(s->overload.loop_lag_ms, 60000);
	ck_assert_uint_eq(s->overload.reflector_busy, 1);
	ck_assert_uint_eq(s->overload.memory_used, 2);
	ck_assert_uint_eq(s->overload.memory_pressure, 3);
	ck_assert_uint_eq(s->overload.send_drops, 1000000000);
	ck_assert_uint_eq(s->overload.receive_drops, 999999999);
}

START_TEST(every_key)
{
	struct settings *s = load_good(everything);

	ck_assert_uint_eq(s->n_listen, 5);
	ck_assert_uint_eq(s->listen[0].address.port, 8620);
	ck_assert_mem_eq(s->listen[0].address.ip, "\300\0\2\1", 4);
	ck_assert_uint_eq(s->listen[1].address.port, 0);
	ck_assert_uint_eq(s->listen[1].address.ip[15], 1);
	ck_assert_uint_eq(s->listen[2].address.family, 4);
	ck_assert_uint_eq(s->listen[3].address.family, 6);
	ck_assert_uint_eq(s->listen[3].address.port, 8621);
	ck_assert_str_eq(s->listen[3].device, "vrf-red");
	ck_assert_uint_eq(s->listen[4].address.scope, 1);
	ck_assert_uint_eq(s->listen[4].address.port, 862);
	ck_assert_uint_eq(s->policy.max_connections, 1);
	ck_assert_uint_eq(s->policy.max_connections_per_client, 2);
	ck_assert_uint_eq(s->policy.max_sessions, 1000000);
	ck_assert_uint_eq(s->policy.max_sessions_per_client, 4);
	ck_assert_uint_eq(s->policy.max_sessions_per_connection, 5);
	ck_assert_uint_eq(s->policy.max_padding, 65535);
	ck_assert_uint_eq(s->policy.request_rate, 0);
	ck_assert_uint_eq(s->policy.request_burst, 8);
	ck_assert_uint_eq(s->policy.connection_rate, 9);
	ck_assert_uint_eq(s->policy.connection_burst, 10);
	ck_assert_uint_eq(s->policy.packet_rate, UINT32_MAX);
	ck_assert_uint_eq(s->policy.octet_rate, 12);
	ck_assert_uint_eq(s->policy.total_packet_rate, 13);
	ck_assert_uint_eq(s->policy.total_octet_rate, UINT32_MAX - 1);
	ck_assert_uint_eq(s->accept_code, 5);
	ck_assert_uint_eq(s->policy.third_party, 1);
	ck_assert(s->policy.dscp_allowed == (UINT64_C(1) << 46 | 1 << 8 | 1));
	check_overload(s);
	ck_assert_uint_eq(s->policy.port_first, 1);
	ck_assert_uint_eq(s->policy.port_last, 1);
	ck_assert_uint_eq(s->policy.handshake_s, 11);
	ck_assert_uint_eq(s->policy.message_s, 12);
	ck_assert_uint_eq(s->policy.send_stall_s, 13);
	ck_assert_uint_eq(s->policy.servwait_s, 604800);
	ck_assert_uint_eq(s->policy.refwait_s, 15);
	ck_assert_uint_eq(s->policy.max_timeout_s, 16);
	ck_assert_uint_eq(s->reflector_threads, 64);
	ck_assert_uint_eq(s->reflector_priority, 99);
	ck_assert(!s->segmentation);
	ck_assert_int_eq(CPU_COUNT(&s->reflector_cpus), 6);
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		ck_assert(CPU_ISSET(cpu, &s->reflector_cpus));
	}
	ck_assert(CPU_ISSET(7, &s->reflector_cpus) && CPU_ISSET(1023, &s->reflector_cpus));
	ck_assert_int_eq(s->timestamps, SETTINGS_TIMESTAMPS_HARDWARE);
	ck_assert_int_eq(s->log_level, SETTINGS_LEVEL_DEBUG);
	ck_assert_uint_eq(s->configured.modes, MODE_UNAUTHENTICATED | MODE_MIXED);
	ck_assert_uint_eq(s->policy.features, MODE_DSCP_ECN);
	ck_assert_uint_eq(s->policy.kdf_count, UINT32_C(1) << 31);
	ck_assert_uint_eq(s->auth_workers, 16);
	ck_assert_uint_eq(s->auth_queue, 1);
	ck_assert_uint_eq(s->policy.failure_rate, 0);
	ck_assert_uint_eq(s->n_classes, 2);
	settings_unref(s);
}
END_TEST

/* What a dump says, loaded again, is the same: for the defaults and for everything else. */
START_TEST(dump_round_trip)
{
	struct settings *first = load_good(_i ? everything : ""), *second;
	char *a = dump(first), *b;

	ck_assert_uint_eq(first->n_classes, _i ? 2 : 0);
	second = load_good(a);
	b = dump(second);
	ck_assert_str_eq(a, b);
	ck_assert_mem_eq(&first->policy, &second->policy, sizeof(first->policy));
	ck_assert_uint_eq(first->n_listen, second->n_listen);
	for (size_t i = 0; i < first->n_listen; i++) {
		ck_assert(address_same_host(&first->listen[i].address, &second->listen[i].address));
		ck_assert_uint_eq(first->listen[i].address.port, second->listen[i].address.port);
		ck_assert_str_eq(first->listen[i].device, second->listen[i].device);
		ck_assert(first->listen[i].implied == second->listen[i].implied);
		ck_assert(first->listen[i].freebind == second->listen[i].freebind);
	}
	free(a);
	free(b);
	settings_unref(first);
	settings_unref(second);
}
END_TEST

static const struct {
	const char *text, *part;
} faults[] = {
	{ "\n\nlimits = {\n max_sessions = 0; };",
	  "twampd.conf:4: limits.max_sessions: 0 is out of range, expected: integer 1..1000000" },
	{ "limits = { max_sessions = 1000001; };", "1000001 is out of range" },
	{ "limits = { max_sessions = -1; };", "-1 is out of range" },
	{ "limits = { max_connections = 0; };", "limits.max_connections: 0 is out of range" },
	{ "limits = { max_connections_per_client = 0; };", "0 is out of range" },
	{ "limits = { max_sessions_per_client = 0; };", "0 is out of range" },
	{ "limits = { max_sessions_per_connection = 0; };", "0 is out of range" },
	{ "limits = { max_padding = 65536; };", "expected: integer 1..65535" },
	{ "limits = { request_burst = 0; };", "0 is out of range" },
	/* libconfig by itself reads these as 5, -1 and -2147483648. */
	{ "limits = { max_sessions = 4294967301; };", "4294967301 is out of range" },
	{ "limits = { max_sessions = 4294967301max_padding = 1; };", "4294967301 is out of range" },
	{ "limits = { max_sessions = 0x100000005; };", "4294967301 is out of range" },
	{ "limits = { max_sessions = 0xffffffff; };", "4294967295 is out of range" },
	{ "limits = { max_sessions = -4294967291; };", "-4294967291 is out of range" },
	{ "limits = { max_sessions = 2147483648L; };", "2147483648 is out of range" },
	{ "limits = { max_sessions = 99999999999999999999; };",
	  "9223372036854775807 or more is out" },
	{ "limits = { max_sessions = 0x10000000000000005L; };",
	  "9223372036854775807 or more is out" },
	{ "limits = { max_sessions = \"5\"; };",
	  "limits.max_sessions: this is a string, expected: integer 1" },
	{ "limits = { max_sessions = 5.0; };", "a number with a fraction, expected: integer" },
	{ "limits = { max_sessions = .3000000000; };", "a number with a fraction" },
	{ "limits = { max_sessions = true; };", "a boolean, expected: integer" },
	{ "limits = { max_sessions = { }; };", "a group { }, expected: integer" },
	{ "limits = { max_sessions = [ 1 ]; };", "an array [ ], expected: integer" },
	{ "limits = { max_sessions = ( 1 ); };", "a list ( ), expected: integer" },
	{ "limits = { max_sesions = 1; };",
	  "limits.max_sesions: unknown key, did you mean limits.max_sessions?" },
	{ "max_sessions = 1;", "max_sessions: unknown key, did you mean limits.max_sessions?" },
	{ "limmits = { };", "limmits: unknown key, did you mean limits?" },
	{ "nonsense = 1;", "nonsense: unknown key, expected: one of those in twampd.conf(5)" },
	{ "limits = 5;", "limits: this is an integer, expected: a group { }" },
	{ "limits = { max_sessions = 1;\n max_sessions = 2; };",
	  "twampd.conf:2: limits.max_sessions: found \"max_sessions\" a second time" },
	{ "limits = { };\nlimits = { };", "twampd.conf:2: limits: found \"limits\" a second time" },
	{ "\nlimits = ;", "twampd.conf:2: limits: found \";\", expected: a value of limits" },
	{ "log = { level = \"loud\"; };",
	  "log.level: \"loud\" is unknown, expected: one of \"error\", \"warning\"" },
	{ "log = { level = 3; };", "log.level: this is an integer, expected: one of \"error\"" },
	{ "reflector = { threads = 65; };", "expected: integer 0..64" },
	{ "reflector = { priority = 100; };", "expected: integer 0..99" },
	{ "reflector = { cpus = 1; };",
	  "reflector.cpus: this is an integer, expected: CPUs 0..1023" },
	{ "reflector = { cpus = \"1024\"; };", "is no list of CPUs, expected: CPUs 0..1023" },
	{ "reflector = { cpus = \"4294967296\"; };", "is no list of CPUs" },
	{ "reflector = { cpus = \"3-1\"; };", "is no list of CPUs" },
	{ "reflector = { cpus = \"1-\"; };", "is no list of CPUs" },
	{ "reflector = { cpus = \"-1\"; };", "is no list of CPUs" },
	{ "reflector = { cpus = \"1,\"; };", "is no list of CPUs" },
	{ "reflector = { cpus = \",1\"; };", "is no list of CPUs" },
	{ "reflector = { cpus = \"1 2\"; };", "is no list of CPUs" },
	{ "reflector = { cpus = \"all\"; };", "is no list of CPUs" },
	{ "reflector = { timestamps = \"nic\"; };",
	  "expected: one of \"auto\", \"hardware\", \"kernel\", \"user\"" },
	{ "timers = { servwait = 604801; };", "expected: integer 1..604800" },
	{ "timers = { refwait = 0; };", "expected: integer 1..604800" },
	{ "modes = [ \"ikev2\" ];", "modes: \"ikev2\" is unknown, expected: array of \"unauth" },
	{ "modes = [ \"open\" ];", "modes: \"open\" is unknown, expected: array of" },
	{ "modes = [ \"reflect-octets\" ];", "modes: \"reflect-octets\" is unknown" },
	{ "modes = [ ];", "modes: this is empty, expected: array of \"unauthenticated\", \"auth" },
	{ "modes = [ 1 ];", "modes: this is an integer, expected: array of" },
	{ "modes = \"unauthenticated\";", "modes: this is a string, expected: array of" },
	{ "modes = [ \"unauthenticated\", \"unauthenticated\" ];", "is there twice" },
	{ "features = [ \"ikev2\" ];",
	  "features: \"ikev2\" is unknown, expected: array of \"indiv" },
	{ "features = [ \"ptp-timestamps\", \"ptp-timestamps\" ];", "is there twice" },
	{ "auth = { count = 512; };",
	  "auth.count: 512 is out of range, expected: power of two 1024..2147483648" },
	{ "auth = { count = 32769; };",
	  "auth.count: 32769 is no power of two, expected: power of two 1024..2147483648" },
	{ "auth = { count = 4294967296; };", "auth.count: 4294967296 is out of range" },
	{ "auth = { count = \"1024\"; };", "auth.count: this is a string, expected: power of" },
	{ "auth = { workers = 0; };", "auth.workers: 0 is out of range, expected: integer 1..16" },
	{ "auth = { workers = 17; };", "auth.workers: 17 is out of range" },
	{ "auth = { queue = 0; };", "auth.queue: 0 is out of range, expected: integer 1..10000" },
	{ "auth = { queue = 10001; };", "auth.queue: 10001 is out of range" },
	{ "limits = { ipv6_client_prefix = 129; };", "expected: integer 16..128" },
	{ "auth = { abandon_rate = -1; };", "expected: integer 0..1000000" },
	{ "auth = { failure_rate = -1; };", "expected: integer 0..1000000" },
	{ "auth = { wokers = 1; };", "auth.wokers: unknown key, did you mean auth.workers?" },
	{ "auth = ( );", "auth: this is a list ( ), expected: a group { }" },
	{ "keys_file = 1;", "keys_file: this is an integer, expected: path of a file" },
	{ "keys_file = \"a\\nb\";", "keys_file: there is a control character in it" },
	{ "name = \"a\";", "name: unknown key, expected: one of those" },
	{ "features = [ \"unauthenticated\" ];", "features: \"unauthenticated\" is unknown" },
	{ "third_party = 1;", "third_party: this is an integer, expected: true or false" },
	{ "third_party = \"yes\";", "third_party: this is a string, expected: true or false" },
	{ "dscp = [ ];", "dscp: this is empty, expected: array of integers 0..63, or \"all\"" },
	{ "dscp = ( 46 );", "dscp: this is a list ( ), expected: array of integers 0..63" },
	{ "dscp = 46;", "dscp: this is an integer, expected: array of integers 0..63" },
	{ "dscp = \"none\";", "dscp: this is a string, expected: array of integers 0..63" },
	{ "dscp = [ \"EF\" ];", "dscp: this is a string, expected: array of integers" },
	{ "dscp = [ 0, 64 ];", "dscp: 64 is out of range, expected: array of integers 0..63" },
	{ "dscp = [ -1 ];", "dscp: -1 is out of range" },
	{ "dscp = [ 4294967296L ];", "dscp: 4294967296 is out of range" },
	{ "dscp = [ 46,\n 46 ];", "twampd.conf:2: dscp: 46 is there twice, expected: once" },
	{ "limits = { accept_code = 3; };",
	  "limits.accept_code: 3 is out of range, expected: integer 4..5" },
	{ "limits = { accept_code = 6; };", "6 is out of range" },
	{ "limits = { connection_burst = 0; };",
	  "0 is out of range, expected: integer 1..1000000" },
	{ "limits = { connection_rate = 1000001; };", "expected: integer 0..1000000" },
	{ "limits = { packet_rate = 4294967296; };",
	  "limits.packet_rate: 4294967296 is out of range, expected: integer 0..4294967295" },
	{ "limits = { total_octet_rate = -1; };", "-1 is out of range" },
	{ "limits = { connection_rat = 1; };", "did you mean limits.connection_rate?" },
	{ "overload = { reflector_busy = 101; };",
	  "overload.reflector_busy: 101 is out of range, expected: integer 0..100" },
	{ "overload = { loop_lag = 60001; };", "expected: integer 0..60000" },
	{ "overload = { memory_usd = 1; };", "did you mean overload.memory_used?" },
	{ "overlaod = { };", "overlaod: unknown key, did you mean overload?" },
	{ "loop_lag = 1;", "loop_lag: unknown key, did you mean overload.loop_lag?" },
	{ "ports = { first = 0; };", "ports.first: 0 is out of range, expected: integer 1..65535" },
	{ "ports = { first = 200;\n last = 100; };",
	  "twampd.conf:2: ports.first: 200 is above ports.last (100)" },
	{ "ports = { last = 100; };",
	  "twampd.conf:1: ports.first: 49152 is above ports.last (100)" },
	{ "metrics = { address = \"\"; };",
	  "metrics.address: \"\" is no address, expected: an IPv4 or IPv6 address of this host" },
	{ "metrics = { port = 65536; };",
	  "metrics.port: 65536 is out of range, expected: integer 0..65535" },
	{ "metrics = { socket = \"run/http\"; };",
	  "metrics.socket: \"run/http\" is no place for a socket, expected: an absolute path" },
	{ "metrics = { socket = 5; };", "metrics.socket: this is an integer, expected: a" },
	{ "listen = ( );", "listen: this is empty, expected: list of 1 to 64" },
	{ "listen = [ ];", "listen: this is an array [ ], expected: list" },
	{ "listen = ( 862 );", "listen: this is an integer, expected: list" },
	{ "listen = ( { adress = \"::\"; } );",
	  "listen.adress: unknown key, did you mean listen.address?" },
	{ "listen = ( { name = \"::\"; } );",
	  "listen.name: unknown key, expected: address, port, device, freebind" },
	{ "listen = ( { freebind = 1; } );",
	  "listen.freebind: this is an integer, expected: true or false" },
	{ "listen = ( { device = 1; } );",
	  "listen.device: this is an integer, expected: a string" },
	{ "listen = ( { device = \"vrf red\"; } );", "listen.device: \"vrf red\" is no name of a" },
	{ "listen = ( { device = \"a/b\"; } );", "is no name of a network device" },
	{ "listen = ( { device = \"..\"; } );", "is no name of a network device" },
	{ "listen = ( { device = \"0123456789abcdef\"; } );", "is no name of a network device" },
	{ "listen = ( { device = \"a\"; }, { device = \"a\"; } );",
	  "listen: the same address and port are there twice" },
	{ "listen = ( { port = 65536; } );",
	  "listen.port: 65536 is out of range, expected: integer 0..65535" },
	{ "listen = ( { port = -1; } );", "listen.port: -1 is out of range" },
	{ "listen = ( { port = 4294968158; } );", "listen.port: 4294968158 is out of range" },
	{ "listen = ( { port = \"862\"; } );", "listen.port: this is a string" },
	{ "listen = ( { address = 1; } );",
	  "listen.address: this is an integer, expected: an IPv4 or IPv6 address" },
	{ "listen = ( { address = \"localhost\"; } );",
	  "listen.address: \"localhost\" is no address" },
	{ "listen = ( { address = \"192.0.2.1.5\"; } );", "is no address" },
	{ "listen = ( { address = \" ::1\"; } );", "is no address" },
	{ "listen = ( { address = \"::ffff:192.0.2.1\"; } );", "is an IPv4-mapped address" },
	{ "listen = ( { address = \"224.0.0.1\"; } );", "is no address of a host" },
	{ "listen = ( { address = \"ff02::1\"; } );", "is no address of a host" },
	{ "listen = ( { address = \"fe80::1\"; } );", "is link-local and needs an interface" },
	{ "listen = ( { address = \"fe80::1%no-such-if\"; } );",
	  "is link-local and needs an interface" },
	{ "listen = ( { address = \"::1%1\"; } );", "is not link-local" },
	{ "listen = ( { }, { address = \"0.0.0.0\"; port = 862; } );",
	  "listen: the same address and port" },
	{ "listen = ( { address = \"::1\"; },\n { address = \"0:0::1\"; } );",
	  "twampd.conf:2: listen: the same" },
	{ "limits = { /* max",
	  "twampd.conf:1: limits: found a comment without an end, expected: */" },
	{ "a = 1;\nb = \"x\ny\\\"", "twampd.conf:2: b: found a string without an end" },
	{ "@include \"/etc\"\n", "twampd.conf:1: found \"@include\"" },
};

START_TEST(fault_is_told)
{
	load_bad(faults[_i].text, faults[_i].part);
}
END_TEST

/* Port 0 is another port each time; and at most 64 listeners, where no address makes two. */
START_TEST(listen_limits)
{
	char text[8192] = "listen = (";
	struct settings *s;

	s = load_good("listen = ( { port = 0; }, { port = 0; }, { address = \"\"; } );");
	ck_assert_uint_eq(s->n_listen, 6);
	settings_unref(s);
	s = load_good("listen = ( { device = \"0123456789abcde\"; }, { device = \"\"; } );");
	ck_assert_uint_eq(s->n_listen, 4);
	ck_assert_str_eq(s->listen[1].device, "0123456789abcde");
	settings_unref(s);

	for (int i = 0; i < 32; i++) {
		char entry[40];

		(void)snprintf(entry, sizeof(entry), "%s{ port = %d; }", i ? ", " : "", 1000 + i);
		strcat(text, entry);
	}
	strcat(text, ");");
	s = load_good(text);
	ck_assert_uint_eq(s->n_listen, 64);
	settings_unref(s);
	strcpy(strrchr(text, ')'), ", { address = \"::1\"; });");
	load_bad(text, "listen: too many, expected: at most 64");
}
END_TEST

START_TEST(references)
{
	struct settings *s = load_good("");

	ck_assert_ptr_eq(settings_ref(s), s);
	settings_unref(s);
	ck_assert_uint_eq(s->policy.max_sessions, 10000);
	settings_unref(s);
	settings_unref(NULL);
}
END_TEST

/* Each row has what its type needs, and each number its room. */
START_TEST(the_schema_is_whole)
{
	for (size_t i = 0; i < schema_n_rows; i++) {
		const struct schema_row *row = &schema_rows[i];
		const struct schema_type_row *type = &schema_types[row->type];

		ck_assert_ptr_nonnull(type->parse);
		ck_assert_msg(!type->text != !type->print, "%s is printed one way", row->key);
		ck_assert_msg(!type->accepted != !type->accepts, "%s accepts one thing", row->key);
		ck_assert(row->required || type->text || type->preset);
		ck_assert(!row->terse || type->text || type->empty);
		ck_assert(!type->text || row->size == 1 || row->size == 2 || row->size == 4 ||
			  row->size == 8);
		/* Bits and places of keys are for the first rows only. */
		ck_assert(i < SETTINGS_KEYS_MAX || !(row->scope & (SCHEMA_SERVER | SCHEMA_CLASS)));
		for (size_t k = 0; k < i; k++) {
			ck_assert_msg(!(schema_rows[k].scope & row->scope) ||
					      strcmp(schema_rows[k].key, row->key) != 0,
				      "%s has two rows", row->key);
		}
	}
}
END_TEST

/* The host may have one family only: an entry without address goes without the other. */
START_TEST(both_families_are_implied)
{
	struct settings *s = load_good("listen = ( { }, { address = \"\"; port = 1; },"
				       " { address = \"::\"; port = 2; freebind = true; } );");
	static const struct {
		uint8_t family;
		bool implied;
	} wanted[] = { { 4, true }, { 6, true }, { 4, true }, { 6, true }, { 6, false } };

	ck_assert_uint_eq(s->n_listen, sizeof(wanted) / sizeof(wanted[0]));
	for (size_t i = 0; i < s->n_listen; i++) {
		ck_assert_uint_eq(s->listen[i].address.family, wanted[i].family);
		ck_assert(s->listen[i].implied == wanted[i].implied);
		ck_assert(s->listen[i].freebind == (i == 4));
	}
	settings_unref(s);
	s = load_good("");
	ck_assert(s->listen[0].implied && s->listen[1].implied);
	settings_unref(s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings");
	TCase *values = tcase_create("values");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(values, room_set_up, room_tear_down);
	tcase_add_test(values, defaults);
	tcase_add_test(values, every_key);
	tcase_add_loop_test(values, dump_round_trip, 0, 2);
	tcase_add_loop_test(values, fault_is_told, 0, (int)(sizeof(faults) / sizeof(faults[0])));
	tcase_add_test(values, listen_limits);
	tcase_add_test(values, references);
	tcase_add_test(values, the_schema_is_whole);
	tcase_add_test(values, both_families_are_implied);
	suite_add_tcase(suite, values);
	suite_add_tcase(suite, changes_cases());
	suite_add_tcase(suite, files_cases());
	suite_add_tcase(suite, manual_cases());
	suite_add_tcase(suite, classes_cases());
	suite_add_tcase(suite, barred_cases());
	suite_add_tcase(suite, light_cases());
	suite_add_tcase(suite, kept_cases());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
