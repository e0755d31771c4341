// SPDX-License-Identifier: BSD-2-Clause
/* What a reload changes, and what it cannot. */
#include "tests/unit/config/test-settings.h"

#include <stdlib.h>
#include <string.h>

START_TEST(restart_is_named)
{
	struct settings *a = load_good("");
	struct settings *b = load_good(
		"auth = { workers = 2; queue = 2; count = 2048; };"
		"reflector = { threads = 2; cpus = \"1\"; priority = 1; timestamps = \"kernel\"; };"
		"limits = { max_sessions = 5; }; log = { level = \"error\"; };");
	char buf[128] = "x", small[8];

	ck_assert_uint_eq(settings_restart_needed(a, a, buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, "");
	ck_assert_uint_eq(settings_restart_needed(a, b, buf, sizeof(buf)), 6);
	ck_assert_str_eq(buf, "auth.workers, auth.queue, reflector.threads, reflector.cpus, "
			      "reflector.priority, reflector.timestamps");
	ck_assert_uint_eq(settings_restart_needed(a, b, small, sizeof(small)), 6);
	ck_assert_str_eq(small, "auth.wo");
	settings_unref(a);
	settings_unref(b);
}
END_TEST

/* Shared ports are opened once. */
START_TEST(first_port_is_fixed_where_ports_are_shared)
{
	static const struct {
		const char *running, *now, *names;
	} rows[] = {
		{ "mode = \"shared\";", "mode = \"shared\"; first = 50000;", "ports.first" },
		{ "mode = \"shared\";", "mode = \"shared\"; last = 65000;", "" },
		{ "mode = \"shared\"; shared_port = 862;",
		  "mode = \"shared\"; shared_port = 862; first = 50000;", "" },
		{ "", "first = 50000;", "" },
		{ "", "mode = \"shared\"; first = 50000;", "ports.mode" },
	};
	char text[80], buf[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct settings *running, *now;

		(void)snprintf(text, sizeof(text), "ports = { %s };", rows[i].running);
		running = load_good(text);
		(void)snprintf(text, sizeof(text), "ports = { %s };", rows[i].now);
		now = load_good(text);
		(void)settings_restart_needed(running, now, buf, sizeof(buf));
		ck_assert_str_eq(buf, rows[i].names);
		settings_unref(running);
		settings_unref(now);
	}
}
END_TEST

static char *flat(const struct settings *s, const struct settings *started)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(settings_flat(s, started, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

/* What the running process goes by: what needs a restart is as it was at the start. */
START_TEST(flat_tells_what_holds)
{
	struct settings *running = load_good("ports = { mode = \"shared\"; first = 50000; };"
					     "reflector = { threads = 2; cpus = \"1\"; };");
	struct settings *now = load_good("ports = { first = 40000; last = 60000; };"
					 "reflector = { threads = 3; };"
					 "limits = { max_sessions = 5; };");
	struct settings *started = settings_scalars(running);
	char *text = flat(now, started);

	ck_assert_ptr_nonnull(strstr(text, "\nports.mode = \"shared\"\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nports.first = 50000\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nports.last = 60000\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nreflector.threads = 2\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nreflector.cpus = \"1\"\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nlimits.max_sessions = 5\n"));
	free(text);
	settings_unref(started);
	started = settings_scalars(now); /* each has a port of its own: any change holds at once */
	text = flat(running, started);
	ck_assert_ptr_nonnull(strstr(text, "\nports.first = 50000\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nports.mode = \"per-session\"\n"));
	free(text);
	settings_unref(started);
	settings_unref(running);
	settings_unref(now);
}
END_TEST

#define CLASS_B "{ name = \"b\"; prefixes = [ \"192.0.2.2\" ]; "

/* By the keys that an operator knows. */
START_TEST(changes_are_named)
{
	static const struct {
		const char *old, *now, *changes;
	} rows[] = {
		{ "", "", "" },
		{ "limits = { max_sessions = 10000; };", "", "" }, /* the default */
		{ "",
		  "limits = { max_sessions = 5; }; "
		  "light = ( { type = \"stamp\"; clients = [ \"::1\" ]; } );",
		  "light, limits.max_sessions" },
		{ "reflector = { cpus = \"1\"; };", "modes = [ \"unauthenticated\" ];",
		  "modes, reflector.cpus" },
		{ "listen = ( { port = 862; } );", "listen = ( { port = 863; } );", "listen" },
		{ "clients = ( { name = \"a\"; prefixes = [ \"192.0.2.1\" ]; }, " CLASS_B "} );",
		  "clients = ( " CLASS_B "dscp = [ 1 ]; limits = { max_sessions = 1; }; },"
		  "{ name = \"c\"; prefixes = [ \"::/0\" ]; } );",
		  "clients.b.dscp, clients.b.limits.max_sessions, clients.c (new), clients.a (gone)" },
		{ "clients = ( { name = \"a.dscp\"; prefixes = [ \"192.0.2.1\" ]; dscp = [ 1 ]; } );",
		  "clients = ( { name = \"a\"; prefixes = [ \"192.0.2.1\" ]; dscp = [ 1 ]; } );",
		  "clients.a (new), clients.a.dscp (gone)" },
		/* What a class has from the server is not its own change. */
		{ "clients = ( { name = \"a\"; prefixes = [ \"192.0.2.1\" ]; } );",
		  "clients = ( { name = \"a\"; prefixes = [ \"192.0.2.1\" ]; } );"
		  "limits = { max_padding = 1; };",
		  "limits.max_padding" },
	};
	struct settings *a = load_good(rows[_i].old), *b = load_good(rows[_i].now);
	char buf[200] = "x", small[24];
	unsigned n = settings_changed(a, b, buf, sizeof(buf));

	ck_assert_str_eq(buf, rows[_i].changes);
	ck_assert_uint_eq(settings_changed(a, b, small, sizeof(small)), n);
	ck_assert(!strncmp(small, buf, 5) || strstr(small, "...") != NULL);
	ck_assert_uint_eq(settings_changed(b, b, buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, "");
	settings_unref(a);
	settings_unref(b);
}
END_TEST

/* A percentage with or without decimals is what is written, compared and printed. */
START_TEST(percent)
{
	struct settings *s = load_good(
		"clients = ( { name = \"a\"; watch = { forward_loss = 0.025; }; prefixes = [ "
		"\"192.0.2.0/24\" ]; }, { name = \"b\"; prefixes = [ \"198.51.100.0/24\" ]; } );"
		"watch = { forward_loss = 2; forward_pdv_p99_ms = 20; };");
	char *text = dump(s);

	ck_assert_uint_eq(s->policy.watch_loss, 2000);
	ck_assert_uint_eq(s->classes[0].policy.watch_loss, 25);
	ck_assert_uint_eq(s->classes[0].policy.watch_pdv_p99_ms, 20);
	ck_assert_uint_eq(s->classes[1].policy.watch_loss, 2000);
	ck_assert_ptr_nonnull(strstr(text, "forward_loss = 2.0;"));
	ck_assert_ptr_nonnull(strstr(text, "forward_loss = 0.025;"));
	free(text);
	settings_unref(s);
	load_bad("watch = { forward_loss = 100.001; };", "percent 0..100");
	load_bad("watch = { forward_loss = -1; };", "out of range");
	load_bad("watch = { forward_loss = \"1\"; };", "percent 0..100");
	load_bad("watch = { forward_pdv_p99_ms = 0.5; };", "integer 0..60000");
}
END_TEST

TCase *changes_cases(void)
{
	TCase *changes = tcase_create("changes");

	tcase_add_checked_fixture(changes, room_set_up, room_tear_down);
	tcase_add_test(changes, restart_is_named);
	tcase_add_test(changes, first_port_is_fixed_where_ports_are_shared);
	tcase_add_loop_test(changes, changes_are_named, 0, 8);
	tcase_add_test(changes, percent);
	tcase_add_test(changes, flat_tells_what_holds);
	return changes;
}
