// SPDX-License-Identifier: BSD-2-Clause
#include "client/cli/options.h"

#include "base/value.h"
#include "client/cli/optlight.h"
#include "client/cli/optrow.h"
#include "client/cli/opttlv.h"
#include "protocol/keyline.h"
#include "protocol/mode.h"
#include "protocol/ts.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>
#include <sys/socket.h>

#define MS INT64_C(1000000)

static const struct {
	const char *name;
	const char *usage;
	const char *what;
} commands[COMMAND_COUNT] = {
	[COMMAND_CONTROLLER] = { "controller", "[options] HOST[:PORT]",
				 "measure against a TWAMP server (Control-Client, Session-Sender)" },
	[COMMAND_SENDER] = { "sender", "[options] HOST[:PORT]",
			     "measure against a TWAMP Light or STAMP reflector, without control" },
	[COMMAND_EXPLAIN] = { "explain", "[CODE | REASON]",
			      "what an Accept code or a reason means, and what to do" },
	[COMMAND_DSCPTABLE] = { "dscptable", "", "names and values of DSCP" },
	[COMMAND_KEYGEN] = { "keygen", "KEYID", "make an entry for a file of keys" },
	[COMMAND_RESPONDER] = { "responder", "[options] [ADDR]:PORT",
				"be a TWAMP Light or STAMP reflector until interrupted" },
};

#define CODE_BASE 1000 /* getopt_long values: CODE_BASE + row, or one of these */
#define CODE_HELP 'h'
#define CODE_VERSION 'V'

static void print_general_help(FILE *to)
{
	fprintf(to, "Usage: twamp COMMAND [options] [arguments]\n\nCommands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		fprintf(to, "  %-11s %s\n", commands[i].name, commands[i].what);
	}
	fprintf(to, "\n  -h, --help     this text; twamp COMMAND --help: that of a command\n"
		    "  -V, --version  print the version\n\nManual: man twamp\n");
}

static void print_command_help(enum command command, FILE *to)
{
	fprintf(to, "Usage: twamp %s %s\n%s.\n\nOptions:\n", commands[command].name,
		commands[command].usage, commands[command].what);
	for (size_t i = 0; i < OPTROW_COUNT; i++) {
		const struct optrow *r = &optrow_table[i];
		char head[48];

		if (!(r->commands & 1u << command)) {
			continue;
		}
		snprintf(head, sizeof(head), "--%s%s%s", r->name, r->arg ? " " : "",
			 r->arg ? r->arg : "");
		fprintf(to, "  %c%c%s %-24s %s\n", r->letter ? '-' : ' ',
			r->letter ? r->letter : ' ', r->letter ? "," : " ", head, r->help);
	}
	fprintf(to, "  -h, %-24s this text\n  -V, %-24s print the version\n", "--help",
		"--version");
	if (1u << command & OPTROW_MEASURING) {
		fprintf(to,
			"\nPORT is %u if not given; write IPv6 with a port as [ADDRESS]:PORT.\n",
			PLAN_TWAMP_PORT);
	}
}

static void set_defaults(struct options *o)
{
	*o = (struct options){
		.plan = { .port = PLAN_TWAMP_PORT,
			  .family = AF_UNSPEC,
			  .count = 100,
			  .interval_ns = 20 * MS,
			  .fill = PLAN_FILL_RANDOM, /* T-007 */
			  .ttl = 255, /* T-006 */
			  .timeout_ns = 2 * TS_NS_PER_S,
			  .sessions = 1,
			  .spin = true,
			  .reflect_length = 2, /* room for the server's octets: R-317 */
			  .more = { .tlvs = { .access_id = 1, .access_code = 1, .micro_sender = 1 },
				    .report_wait_ns = 3 * TS_NS_PER_S, /* S-249 */
				    .report_tries = 4 } },
		.access = { .control_timeout_ns = 10 * TS_NS_PER_S,
			    .retries = 3,
			    .retry_wait_ns = TS_NS_PER_S,
			    .max_count = 32768 }, /* */
	};
}

/* The options of one command for getopt_long. */
static void fill_getopt(enum command command, struct option *longs, char *shorts)
{
	size_t n = 0;

	*shorts++ = ':';
	for (size_t i = 0; i < OPTROW_COUNT; i++) {
		const struct optrow *r = &optrow_table[i];

		if (!(r->commands & 1u << command)) {
			continue;
		}
		longs[n++] = (struct option){ .name = r->name,
					      .has_arg = r->arg != NULL,
					      .val = CODE_BASE + (int)i };
		if (r->letter) {
			*shorts++ = (char)r->letter;
			if (r->arg) {
				*shorts++ = ':';
			}
		}
	}
	longs[n++] = (struct option){ .name = "help", .val = CODE_HELP };
	longs[n++] = (struct option){ .name = "version", .val = CODE_VERSION };
	longs[n] = (struct option){ 0 };
	*shorts++ = CODE_HELP;
	*shorts++ = CODE_VERSION;
	*shorts = '\0';
}

static const struct optrow *find_row(int code)
{
	for (size_t i = 0; i < OPTROW_COUNT; i++) {
		if (code == CODE_BASE + (int)i ||
		    (optrow_table[i].letter && code == optrow_table[i].letter)) {
			return &optrow_table[i];
		}
	}
	return NULL;
}

static enum options_verdict take_option(struct options *o, int code, char **argv, FILE *err)
{
	const struct optrow *r = find_row(code);
	const char *name = commands[o->command].name;

	if (code == ':') {
		fprintf(err, "twamp %s: %s needs a value\n", name, argv[optind - 1]);
		return OPTIONS_BAD;
	}
	if (!r) {
		fprintf(err, "twamp %s: unknown or ambiguous option '%s' (see twamp %s --help)\n",
			name, argv[optind - 1], name);
		return OPTIONS_BAD;
	}
	if (!optrow_set(r, o, optarg)) {
		fprintf(err, "twamp %s: --%s: '%s' is not %s\n", name, r->name, optarg, r->accepts);
		return OPTIONS_BAD;
	}
	return OPTIONS_RUN;
}

static enum options_verdict take_host(struct options *o, const char *host, FILE *err)
{
	const char *name = commands[o->command].name;
	const char *fault = o->command == COMMAND_SENDER ? opttlv_settle(o) : NULL;

	if (fault) {
		fprintf(err, "twamp %s: %s\n", name, fault);
		return OPTIONS_BAD;
	}
	if (!value_endpoint(host, o->plan.host, sizeof(o->plan.host), &o->plan.port)) {
		fprintf(err, "twamp %s: '%s' is not HOST, HOST:PORT or [ADDRESS]:PORT\n", name,
			host);
		return OPTIONS_BAD;
	}
	if (o->duration_ns > 0) {
		int64_t count = (o->duration_ns - 1) / o->plan.interval_ns + 1;

		o->plan.count = count < OPTIONS_MAX_COUNT ? (uint32_t)count : OPTIONS_MAX_COUNT;
	}
	if ((o->access.mode & MODE_KEYED_MASK || o->access.key_id) && !o->access.key_file) {
		fprintf(err, "twamp %s: --%s needs --key-file\n", name,
			o->access.key_id ? "key-id" : "mode");
		return OPTIONS_BAD;
	}
	return OPTIONS_RUN;
}

static enum options_verdict take_local(struct options *o, const char *local, FILE *err)
{
	const char *fault = opttlv_settle(o);

	if (fault) {
		fprintf(err, "twamp responder: %s\n", fault);
		return OPTIONS_BAD;
	}
	if (!optlight_endpoint(o, local)) {
		fprintf(err, "twamp responder: '%s' is not :PORT, ADDRESS:PORT or [ADDRESS]:PORT\n",
			local);
		return OPTIONS_BAD;
	}
	return OPTIONS_RUN;
}

static enum options_verdict take_key_id(const char *id, FILE *err)
{
	const char *fault = keyline_id_fault(id, strlen(id));

	if (fault) {
		fprintf(err, "twamp keygen: the KeyID %s\n", fault);
		return OPTIONS_BAD;
	}
	return OPTIONS_RUN;
}

static enum options_verdict miss(const char *name, const char *what, FILE *err)
{
	fprintf(err, "twamp %s: %s is missing (see twamp %s --help)\n", name, what, name);
	return OPTIONS_BAD;
}

static enum options_verdict take_operand(struct options *o, int n, char **rest, FILE *err)
{
	const char *name = commands[o->command].name;

	if (n > (o->command == COMMAND_DSCPTABLE ? 0 : 1)) {
		fprintf(err, "twamp %s: too many arguments at '%s'\n", name, rest[n - 1]);
		return OPTIONS_BAD;
	}
	o->topic = n ? rest[0] : NULL;
	switch (o->command) {
	case COMMAND_EXPLAIN:
	case COMMAND_DSCPTABLE:
		return OPTIONS_RUN;
	case COMMAND_CONTROLLER:
	case COMMAND_SENDER:
		return n ? take_host(o, rest[0], err) : miss(name, "HOST", err);
	case COMMAND_KEYGEN:
		return n ? take_key_id(rest[0], err) : miss(name, "KEYID", err);
	case COMMAND_RESPONDER:
		return n ? take_local(o, rest[0], err) : miss(name, "[ADDR]:PORT", err);
	}
	return OPTIONS_BAD;
}

static enum options_verdict parse_command(int argc, char **argv, struct options *o, FILE *out,
					  FILE *err)
{
	struct option longs[OPTROW_COUNT + 3];
	char shorts[OPTROW_COUNT * 2 + 4];
	int code;

	fill_getopt(o->command, longs, shorts);
	optind = 0; /* glibc: start anew */
	opterr = 0;
	while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (code == CODE_HELP) {
			print_command_help(o->command, out);
			return OPTIONS_DONE;
		}
		if (code == CODE_VERSION) {
			fprintf(out, "twamp %s\n", TWAMPD_VERSION);
			return OPTIONS_DONE;
		}
		if (take_option(o, code, argv, err) != OPTIONS_RUN) {
			return OPTIONS_BAD;
		}
	}
	return take_operand(o, argc - optind, argv + optind, err);
}

enum options_verdict options_parse(int argc, char **argv, struct options *o, FILE *out, FILE *err)
{
	const char *word = argc > 1 ? argv[1] : "";

	set_defaults(o);
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		print_general_help(out);
		return OPTIONS_DONE;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		fprintf(out, "twamp %s\n", TWAMPD_VERSION);
		return OPTIONS_DONE;
	}
	for (unsigned i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(word, commands[i].name) == 0) {
			o->command = (enum command)i;
			return parse_command(argc - 1, argv + 1, o, out, err);
		}
	}
	if (*word) {
		fprintf(err, "twamp: '%s' is not a command\n", word);
	}
	print_general_help(err);
	return OPTIONS_BAD;
}
