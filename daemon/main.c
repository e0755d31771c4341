// SPDX-License-Identifier: BSD-2-Clause
/*
 * twampd: TWAMP server and Session-Reflector. Command line, then server_run().
 */
#include "base/output.h"
#include "daemon/admin/admin.h"
#include "daemon/admin/web.h"
#include "daemon/checkconf.h"
#include "daemon/config/settings.h"
#include "daemon/server/inherited.h"
#include "daemon/server/server.h"
#include "daemon/server/signals.h"
#include "daemon/server/start.h"
#include "daemon/server/verdict.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define EXIT_USAGE START_EXIT_CONFIG
#define READ_US 200000 /* the journal looks up who said something when it reads it */
#define CALM_S 2 /* between starts for those who knock while there is an error */

enum option_id {
	OPTION_CONFIG = 'c',
	OPTION_HELP = 'h',
	OPTION_VERSION = 'V',
	OPTION_CHECK = 256,
	OPTION_AS,
	OPTION_DUMP,
	OPTION_JSON,
	OPTION_LIVE,
	OPTION_RELOAD,
	OPTION_STRICT,
	OPTION_SCHEMA,
	OPTION_TARGET,
};

struct command {
	struct server_options server;
	struct checkconf_options check_options;
	bool check;
	bool named; /* by --config */
	long reload; /* the process that is to; 0 = none */
	int done; /* exit status + 1 when there is nothing more to do */
};

static const char help[] =
	"Usage: twampd [OPTION]...\n"
	"       twampd --check-config [--live] [--strict] [--dump | --json] [--as PATH] [FILE]\n"
	"TWAMP server and Session-Reflector (RFC 5357). Never forks.\n"
	"\n"
	"  -c, --config FILE       settings (default " SETTINGS_PATH ")\n"
	"      --check-config      check the settings and exit\n"
	"      --reload PID        have this process reload, and tell what came of it (for systemd)\n"
	"      --log-target WHERE  auto, journal or stderr (default auto)\n"
	"  -V, --version           print the version and exit\n"
	"  -h, --help              print this and exit\n"
	"\n"
	"With --check-config:\n"
	"      --live              warn of what will not work on this host\n"
	"      --strict            end with 2 for warnings, too\n"
	"      --as PATH           check FILE as if it stood at PATH\n"
	"      --dump              print all settings as they hold\n"
	"      --json              print the result for programs\n"
	"\n"
	"SIGHUP reloads the settings; SIGTERM and SIGINT stop. See twampd(8).\n";

static bool parse_target(const char *text, enum log_target *to)
{
	if (!strcmp(text, "auto")) {
		*to = LOG_TARGET_AUTO;
	} else if (!strcmp(text, "journal")) {
		*to = LOG_TARGET_JOURNAL;
	} else if (!strcmp(text, "stderr")) {
		*to = LOG_TARGET_STDERR;
	} else {
		return false;
	}
	return true;
}

static int usage(void)
{
	log_early("try 'twampd --help'");
	return EXIT_USAGE + 1;
}

static void take_option(int option, struct command *c)
{
	char *end;

	switch (option) {
	case OPTION_CONFIG:
		c->server.config_path = optarg;
		c->named = true;
		return;
	case OPTION_CHECK:
		c->check = true;
		return;
	case OPTION_DUMP:
		c->check_options.dump = true;
		return;
	case OPTION_AS:
		c->check_options.as = optarg;
		return;
	case OPTION_JSON:
		c->check_options.json = true;
		return;
	case OPTION_LIVE:
		c->check_options.live = true;
		return;
	case OPTION_STRICT:
		c->check_options.strict = true;
		return;
	case OPTION_RELOAD:
		c->reload = strtol(optarg, &end, 10);
		if (*end || c->reload < 1 || c->reload > INT_MAX) {
			log_early("--reload %s: the number of a process expected", optarg);
			c->done = usage();
		}
		return;
	case OPTION_SCHEMA:
		settings_schema(stdout);
		c->done = EXIT_SUCCESS + 1;
		return;
	case OPTION_TARGET:
		if (!parse_target(optarg, &c->server.log_target)) {
			log_early("--log-target %s: auto, journal or stderr expected", optarg);
			c->done = usage();
		}
		return;
	case OPTION_VERSION:
		puts("twampd " TWAMPD_VERSION);
		c->done = EXIT_SUCCESS + 1;
		return;
	case OPTION_HELP:
		fputs(help, stdout);
		c->done = EXIT_SUCCESS + 1;
		return;
	default:
		c->done = usage();
		return;
	}
}

static void refuse(struct command *c, const char *about, const char *why)
{
	log_early("%s: %s", about, why);
	c->done = usage();
}

static void take_arguments(int n, char **arguments, struct command *c)
{
	struct checkconf_options *o = &c->check_options;

	if (!c->check && (o->dump || o->json || o->live || o->strict || o->as)) {
		refuse(c, "--as, --dump, --json, --live, --strict", "they go with --check-config");
	} else if (o->dump && o->json) {
		refuse(c, "--dump and --json", "one of them expected");
	} else if (o->as && n != 1) {
		refuse(c, o->as, "one FILE expected that is checked as if it stood there");
	} else if (o->as) {
		o->candidate = *arguments;
	} else if (n == 1 && c->check && !c->named) {
		c->server.config_path = *arguments;
	} else if (n) {
		refuse(c, *arguments,
		       c->check ? "no argument expected but one FILE, without --config"
				: "no argument expected");
	}
}

static void parse(int argc, char **argv, struct command *c)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, OPTION_CONFIG },
		{ "check-config", no_argument, NULL, OPTION_CHECK },
		{ "as", required_argument, NULL, OPTION_AS },
		{ "dump", no_argument, NULL, OPTION_DUMP },
		{ "reload", required_argument, NULL, OPTION_RELOAD },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "live", no_argument, NULL, OPTION_LIVE },
		{ "strict", no_argument, NULL, OPTION_STRICT },
		{ "schema", no_argument, NULL, OPTION_SCHEMA }, /* for tests of the manual */
		{ "log-target", required_argument, NULL, OPTION_TARGET },
		{ "version", no_argument, NULL, OPTION_VERSION },
		{ "help", no_argument, NULL, OPTION_HELP },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while (!c->done && (option = getopt_long(argc, argv, "c:hV", options, NULL)) >= 0) {
		take_option(option, c);
	}
	if (c->done) {
		return;
	}
	take_arguments(argc - optind, argv + optind, c);
}

/* Who reads the output must learn that it is not all there. */
static int finish(int status)
{
	int error = output_flush();

	if (error) {
		log_early("not all of the output could be written: %s", strerror(-error));
		return EXIT_FAILURE;
	}
	return status;
}

static int check(const struct command *c)
{
	struct checkconf_options o = c->check_options;

	o.config = c->named || !o.as ? c->server.config_path : NULL;
	return finish(checkconf(&o));
}

/* The server, and who lives on its loop. */
static int serve(struct command *c)
{
	struct admin *admin = admin_new();
	struct web *web = web_new();
	struct guests *guests = &c->server.guests;
	int status = EXIT_FAILURE;

	if (admin && web) {
		guests->of[guests->n++] = admin_guest(admin);
		guests->of[guests->n++] = web_guest(web);
		status = server_run(&c->server);
	} else {
		log_early("%s", strerror(ENOMEM));
	}
	admin_free(admin);
	web_free(web);
	if (status) {
		(void)usleep(READ_US);
	}
	return status;
}

static int run(struct command *c)
{
	if (c->done) {
		return finish(c->done - 1);
	}
	if (!c->check && !c->reload) {
		return serve(c);
	}
	signals_hold(false);
	return c->check ? check(c) : verdict_ask((pid_t)c->reload);
}

int main(int argc, char **argv)
{
	struct command c = { .server.config_path = SETTINGS_PATH };
	int passed, status;

	signals_hold(true); /* none that comes early may end it */
	if (output_hold()) {
		return EXIT_FAILURE;
	}
	passed = sd_listen_fds(false);
	parse(argc, argv, &c);
	status = run(&c);
	if (status == EXIT_USAGE && inherited_turn_away(passed)) {
		signals_await(CALM_S);
	}
	return status;
}
