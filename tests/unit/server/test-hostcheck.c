// SPDX-License-Identifier: BSD-2-Clause
/* What --check-config --live makes of a host: facts that are given, and the one it runs on. */
#include "daemon/server/hostcheck.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];
static char told[4096];

/* This host has 192.0.2.1 and ::1, and the device eth0. */
static bool has_address(void *context, const struct address *a)
{
	static const uint8_t ours[4] = { 192, 0, 2, 1 };

	(void)context;
	return a->family == 4 ? !memcmp(a->ip, ours, 4) : address_is_loopback(a);
}

static bool has_device(void *context, const char *name)
{
	(void)context;
	return !strcmp(name, "eth0");
}

/* Nothing to complain about. */
static struct hostcheck_facts good(void)
{
	struct hostcheck_facts f = {
		.config = path,
		.unit = "twampd",
		.service = true,
		.descriptors = 65536,
		.low_ports = true,
		.first_port = 1024,
		.rmem_max = 8 << 20,
		.has_address = has_address,
		.has_device = has_device,
	};

	CPU_SET(0, &f.cpus);
	CPU_SET(1, &f.cpus);
	return f;
}

static void tell(void *to, const struct settings_fault *f)
{
	char text[SETTINGS_ERROR_LEN];
	size_t len = strlen(told);

	(void)to;
	ck_assert(f->warning);
	settings_fault_text(f, text, sizeof(text));
	ck_assert(!strncmp(text, path, strlen(path)));
	(void)snprintf(told + len, sizeof(told) - len, "%s\n", text + strlen(path) + 1);
}

/* The warnings about a file: "LINE:COLUMN: KEY: TEXT", a line each. */
static const char *judge(const char *text, const struct hostcheck_facts *facts)
{
	struct settings_error err = { .tell = tell };
	struct settings *s;
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	told[0] = '\0';
	ck_assert_msg(settings_check(path, NULL, NULL, &s, &err) == 0, "%s", told);
	hostcheck_judge(s, facts, &err);
	ck_assert_uint_eq(err.n, 0);
	settings_unref(s);
	return told;
}

static void set_up(void)
{
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/test-hostcheck.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
}

static void tear_down(void)
{
	ck_assert_int_eq(unlink(path), 0);
}

START_TEST(defaults_are_silent)
{
	struct hostcheck_facts f = good();

	ck_assert_str_eq(judge("", &f), "");
	f.control_passed = f.light_passed = true;
	f.low_ports = false;
	ck_assert_str_eq(judge("", &f), "");
}
END_TEST

#define LIGHT "type = \"stamp\"; clients = [ \"::/0\" ];"

struct row {
	const char *text, *told; /* the beginning, or "" */
};

static const struct row rows[] = {
	{ "limits = {\n max_sessions = 16000; max_connections = 50000; };",
	  "2:17: limits.max_sessions: 16000 sessions and 50000 connections need 66064 open files, "
	  "and the service may have 65536: raise LimitNOFILE= (systemctl edit twampd.service)" },
	{ "limits = { max_connections = 70000; }; ports = { mode = \"shared\"; };",
	  "1:30: limits.max_connections: 10000 sessions and 70000 connections need 70064 open" },
	{ "limits = { max_sessions = 20000; };",
	  "1:27: limits.max_sessions: 20000 sessions are more than the 16384 ports from 49152 to "
	  "65535" },
	{ "ports = { last = 49999; };",
	  "1:18: limits.max_sessions: 10000 sessions are more than the 848 ports" },
	{ "limits = { max_sessions = 20000; }; ports = { mode = \"shared\"; };", "" },
	{ "clients = ( { name = \"lab\"; prefixes = [ \"::/0\" ];\n ports = { last = 49200; }; } );",
	  "2:19: clients.limits.max_sessions: 10000 sessions are more than the 49 ports from 49152 "
	  "to 49200, which is all that one address has: widen ports, lower the limit, or set "
	  "ports.mode = \"shared\" (class \"lab\")" },
	{ "clients = ( { name = \"lab\"; prefixes = [ \"::/0\" ]; } );", "" },
	{ "ports = { mode = \"shared\"; first = 5000; last = 5000; };",
	  "1:18: ports.mode: each of 2 reflector threads has a shared port, and from 5000 to 5000 "
	  "there are 1" },
	{ "ports = { mode = \"shared\"; first = 5000; last = 5000; }; reflector = { threads = 1; };",
	  "" },
	{ "ports = { mode = \"shared\"; first = 5000; last = 5000; shared_port = 862; };", "" },
	{ "reflector = { cpus = \"0-2\"; };", "1:22: reflector.cpus: CPU 2 is not there, or the" },
	{ "reflector = { cpus = \"0-1\"; };", "" },
	{ "listen = ( { address = \"192.0.2.9\"; } );",
	  "1:12: listen.address: \"192.0.2.9\" is no address of this host: add it first" },
	{ "listen = ( { address = \"192.0.2.9\"; freebind = true; } );", "" },
	{ "listen = ( { address = \"192.0.2.1\"; }, { address = \"::1\"; device = \"eth0\"; } );",
	  "" },
	{ "listen = ( { port = 862; },\n { port = 863; device = \"vrf-red\"; } );",
	  "2:2: listen.device: there is no device \"vrf-red\" on this host: make it first" },
	{ "light = ( { address = \"192.0.2.9\"; device = \"red\"; " LIGHT " } );",
	  "1:11: light.device: there is no device \"red\" on this host" },
	{ "light = ( { address = \"2001:db8::9\"; " LIGHT " } );",
	  "1:11: light.address: \"2001:db8::9\" is no address of this host" },
	{ "listen = ( { address = \"192.0.2.1\"; },\n { address = \"0.0.0.0\"; } );",
	  "2:2: listen: this overlaps the entry in line 1, and cannot be opened" },
	{ "listen = ( { address = \"192.0.2.1\"; device = \"eth0\"; }, { address = \"0.0.0.0\"; } );",
	  "" },
	{ "listen = ( { address = \"192.0.2.1\"; port = 5; }, { address = \"0.0.0.0\"; } );", "" },
};

START_TEST(facts)
{
	struct hostcheck_facts f = good();
	const struct row *row = &rows[_i];
	const char *text = judge(row->text, &f);

	ck_assert_msg(*row->told ? !strncmp(text, row->told, strlen(row->told)) : !*text,
		      "%s\ngives: %s\nwanted: %s", row->text, text, row->told);
}
END_TEST

START_TEST(low_ports)
{
	struct hostcheck_facts f = good();

	f.low_ports = false;
	ck_assert_ptr_nonnull(strstr(judge("", &f),
				     " listen.port: port 862 is below 1024, and the "
				     "service has neither CAP_NET_BIND_SERVICE nor"));
	ck_assert_ptr_null(
		strstr(strchr(told, '\n') + 1, "listen.port")); /* once for both families */
	ck_assert_ptr_nonnull(strstr(judge("light = ( { " LIGHT " } );", &f),
				     "1:11: light.port: port 862 is below 1024"));
	ck_assert_str_eq(judge("listen = ( { port = 1024; }, { port = 0; } );", &f), "");
	f.control_passed = f.light_passed = true;
	ck_assert_str_eq(judge("light = ( { " LIGHT " } );", &f), "");
	f.control_passed = f.light_passed = false;
	f.first_port = 80;
	f.service = false;
	ck_assert_str_eq(judge("", &f), "");
	judge("listen = ( { port = 79; } );", &f);
	ck_assert_ptr_nonnull(strstr(told, "and a process that is started here has neither"));
}
END_TEST

/* Whoever restricts listen must learn that it does not help. */
START_TEST(passed_sockets)
{
	struct hostcheck_facts f = good();

	f.control_passed = true;
	judge("\nlisten = ( { address = \"192.0.2.9\"; } );", &f);
	ck_assert_str_eq(told, "2:10: listen: this is not used, because twampd.socket passes the "
			       "sockets: change ListenStream= there (systemctl edit "
			       "twampd.socket), or see twampd(8)\n");
	f = good();
	f.light_passed = true; /* without its device an entry is not opened in any case */
	judge("light = ( { address = \"192.0.2.9\"; device = \"red\"; " LIGHT " } );", &f);
	ck_assert_str_eq(told,
			 "1:11: light.device: there is no device \"red\" on this host: make it "
			 "first (ip link show), or start and reload fail\n");
}
END_TEST

START_TEST(kernel)
{
	struct hostcheck_facts f = good();

	f.rmem_max = 212992;
	ck_assert_str_eq(judge("", &f), "");
	judge("ports = { mode = \"shared\"; };", &f);
	ck_assert_ptr_nonnull(strstr(told, "1:18: ports.mode: one port has the packets of many, "
					   "and its receive buffer cannot be larger than 212992"));
	judge("light = ( { " LIGHT " } );", &f);
	ck_assert_ptr_nonnull(strstr(told, "sysctl net.core.rmem_max=2097152"));
	f = good();
	f.conntrack_max = 8192;
	judge("", &f);
	ck_assert_ptr_nonnull(strstr(told, "limits.max_sessions: connection tracking has room for "
					   "8192 entries, and 11000 sessions"));
	f.nonlocal_v4 = true;
	f.conntrack_max = 262144;
	ck_assert_str_eq(judge("listen = ( { address = \"192.0.2.9\"; } );", &f), "");
}
END_TEST

/* The host that it runs on. */
START_TEST(asked)
{
	struct hostcheck_facts f;
	struct address loopback = { .family = 4, .ip = { 127, 0, 0, 1 } };

	hostcheck_ask(&f, "/etc/twampd/lab.conf", NULL);
	ck_assert_str_eq(f.unit, "twampd@lab");
	ck_assert_uint_gt(f.descriptors, 0);
	ck_assert_int_gt(CPU_COUNT(&f.cpus), 0);
	ck_assert(f.has_address(f.context, &loopback));
	ck_assert(f.has_device(f.context, "lo"));
	ck_assert(!f.has_device(f.context, "no-such-device"));
	hostcheck_wipe(&f);
	hostcheck_ask(&f, "/etc/twampd/twampd.conf", NULL);
	ck_assert_str_eq(f.unit, "twampd");
	hostcheck_wipe(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hostcheck");
	TCase *tc = tcase_create("hostcheck");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, defaults_are_silent);
	tcase_add_loop_test(tc, facts, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, low_ports);
	tcase_add_test(tc, passed_sockets);
	tcase_add_test(tc, kernel);
	tcase_add_test(tc, asked);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
