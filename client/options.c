// SPDX-License-Identifier: BSD-2-Clause
#include "client/options.h"

#include "client/dscp.h"
#include "client/value.h"
#include "protocol/pkt.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>
#include <sys/socket.h>

#define MS INT64_C(1000000)
#define MEASURING (1u << COMMAND_CONTROLLER | 1u << COMMAND_SENDER)
#define CONTROLLING (1u << COMMAND_CONTROLLER)

static const struct {
	const char *name;
	const char *usage;
	const char *what;
} commands[COMMAND_COUNT] = {
	[COMMAND_CONTROLLER] = { "controller", "[options] HOST[:PORT]",
				 "measure against a TWAMP server (Control-Client, Session-Sender)" },
	[COMMAND_SENDER] = { "sender", "[options] HOST[:PORT]",
			     "measure against a TWAMP Light reflector, without control" },
	[COMMAND_EXPLAIN] = { "explain", "[CODE | REASON]",
			      "what an Accept code or a reason means, and what to do" },
	[COMMAND_DSCPTABLE] = { "dscptable", "", "names and values of DSCP" },
};

static bool set_u32(const char *text, uint64_t min, uint64_t max, uint32_t *to)
{
	uint64_t number;

	if (!value_number(text, min, max, &number)) {
		return false;
	}
	*to = (uint32_t)number;
	return true;
}

static bool set_duration(const char *text, int64_t min_ns, int64_t max_ns, int64_t *to)
{
	int64_t ns;

	if (!value_duration_ns(text, &ns) || ns < min_ns || ns > max_ns) {
		return false;
	}
	*to = ns;
	return true;
}

static bool set_ipv4(struct options *o, const char *text)
{
	o->family = AF_INET;
	return true;
}

static bool set_ipv6(struct options *o, const char *text)
{
	o->family = AF_INET6;
	return true;
}

static bool set_source(struct options *o, const char *text)
{
	o->source = text;
	return *text != '\0';
}

static bool set_ports(struct options *o, const char *text)
{
	return value_port_range(text, &o->first_port, &o->last_port);
}

static bool set_receiver_port(struct options *o, const char *text)
{
	uint64_t number;

	if (!value_number(text, 1, 65535, &number)) {
		return false;
	}
	o->receiver_port = (uint16_t)number;
	return true;
}

static bool set_count(struct options *o, const char *text)
{
	return set_u32(text, 1, OPTIONS_MAX_COUNT, &o->count);
}

static bool set_interval(struct options *o, const char *text)
{
	return set_duration(text, 10000, 3600 * TS_NS_PER_S, &o->interval_ns);
}

/* Offset 41 or 44 of the later layouts would leave less; mode 1 starts its padding at 14. */
static bool set_padding(struct options *o, const char *text)
{
	return set_u32(text, 0, PKT_MAX_PAYLOAD_V4 - 14, &o->padding);
}

static bool set_fill(struct options *o, const char *text)
{
	if (strcmp(text, "random") == 0) {
		o->fill = OPTIONS_FILL_RANDOM;
	} else if (strcmp(text, "zero") == 0) {
		o->fill = OPTIONS_FILL_ZERO;
	} else {
		return false;
	}
	return true;
}

static bool set_dscp(struct options *o, const char *text)
{
	return dscp_parse(text, &o->dscp);
}

static bool set_ttl(struct options *o, const char *text)
{
	uint64_t number;

	if (!value_number(text, 1, 255, &number)) {
		return false;
	}
	o->ttl = (uint8_t)number;
	return true;
}

static bool set_timeout(struct options *o, const char *text)
{
	return set_duration(text, MS, 3600 * TS_NS_PER_S, &o->timeout_ns);
}

static bool set_control_timeout(struct options *o, const char *text)
{
	return set_duration(text, 10 * MS, 3600 * TS_NS_PER_S, &o->control_timeout_ns);
}

static bool set_sessions(struct options *o, const char *text)
{
	return set_u32(text, 1, OPTIONS_MAX_SESSIONS, &o->sessions);
}

static bool set_retries(struct options *o, const char *text)
{
	return set_u32(text, 0, 1000, &o->retries);
}

static bool set_retry_wait(struct options *o, const char *text)
{
	return set_duration(text, MS, 60 * TS_NS_PER_S, &o->retry_wait_ns);
}

static bool set_json(struct options *o, const char *text)
{
	o->json = true;
	return true;
}

static bool set_quiet(struct options *o, const char *text)
{
	o->quiet = true;
	return true;
}

/* What the option takes stands in @accepts: it is the error text, too. */
static const struct row {
	const char *name;
	int letter; /* short option, or 0 */
	const char *arg; /* NULL: takes none */
	const char *accepts;
	const char *help;
	unsigned commands;
	bool (*set)(struct options *o, const char *text);
} rows[] = {
	{ "count", 'c', "N", "a number from 1 to 1000000", "packets per session (default 100)",
	  MEASURING, set_count },
	{ "interval", 'i', "TIME", "a time from 10us to 3600s, such as 20ms, 0.02s or 100us",
	  "time between packets of a session (default 20ms)", MEASURING, set_interval },
	{ "padding", 0, "OCTETS", "a number from 0 to 65493",
	  "octets appended to each packet (default 27: both directions are of equal size)",
	  MEASURING, set_padding },
	{ "padding-fill", 0, "KIND", "random or zero", "what padding consists of (default random)",
	  MEASURING, set_fill },
	{ "dscp", 0, "DSCP", "a number from 0 to 63 or a name of twamp dscptable",
	  "DSCP of the test packets, in both directions with control (default 0)", MEASURING,
	  set_dscp },
	{ "ttl", 0, "N", "a number from 1 to 255",
	  "TTL or Hop Limit of the test packets (default 255)", MEASURING, set_ttl },
	{ "timeout", 0, "TIME", "a time from 1ms to 3600s",
	  "a packet without reply after this is lost (default 2s)", MEASURING, set_timeout },
	{ "sessions", 0, "N", "a number from 1 to 10000",
	  "test sessions at once, each with its own socket (default 1)", MEASURING, set_sessions },
	{ "ipv4", '4', NULL, "", "IPv4 only", MEASURING, set_ipv4 },
	{ "ipv6", '6', NULL, "", "IPv6 only", MEASURING, set_ipv6 },
	{ "source", 0, "ADDR", "an address of this host",
	  "local address (default: the system's choice)", MEASURING, set_source },
	{ "port-range", 0, "FIRST-LAST", "two ports such as 20000-20100, or one port",
	  "local UDP ports (default: the system's choice)", MEASURING, set_ports },
	{ "receiver-port", 0, "PORT", "a port from 1 to 65535",
	  "UDP port to ask the server for (default: the number of the local port)", CONTROLLING,
	  set_receiver_port },
	{ "control-timeout", 0, "TIME", "a time from 10ms to 3600s",
	  "longest wait for each step of the control connection (default 10s)", CONTROLLING,
	  set_control_timeout },
	{ "retries", 0, "N", "a number from 0 to 1000",
	  "new attempts after Accept 5, never after others (default 3)", CONTROLLING, set_retries },
	{ "retry-wait", 0, "TIME", "a time from 1ms to 60s",
	  "wait before the first of them, then doubled up to 60s, with jitter (default 1s)",
	  CONTROLLING, set_retry_wait },
	{ "json", 0, NULL, "", "print the result as one JSON object", MEASURING, set_json },
	{ "quiet", 'q', NULL, "", "no progress and no notices", MEASURING, set_quiet },
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))
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
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct row *r = &rows[i];
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
	if (1u << command & MEASURING) {
		fprintf(to,
			"\nPORT is %u if not given; write IPv6 with a port as [ADDRESS]:PORT.\n",
			OPTIONS_TWAMP_PORT);
	}
}

static void set_defaults(struct options *o)
{
	*o = (struct options){
		.port = OPTIONS_TWAMP_PORT,
		.family = AF_UNSPEC,
		.count = 100,
		.interval_ns = 20 * MS,
		.padding = 27, /* */
		.fill = OPTIONS_FILL_RANDOM, /* T-007 */
		.ttl = 255, /* T-006 */
		.timeout_ns = 2 * TS_NS_PER_S,
		.control_timeout_ns = 10 * TS_NS_PER_S,
		.sessions = 1,
		.retries = 3,
		.retry_wait_ns = TS_NS_PER_S,
	};
}

/* The options of one command for getopt_long. */
static void fill_getopt(enum command command, struct option *longs, char *shorts)
{
	size_t n = 0;

	*shorts++ = ':';
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct row *r = &rows[i];

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

static const struct row *find_row(int code)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (code == CODE_BASE + (int)i || (rows[i].letter && code == rows[i].letter)) {
			return &rows[i];
		}
	}
	return NULL;
}

static enum options_verdict take_option(struct options *o, int code, char **argv, FILE *err)
{
	const struct row *r = find_row(code);
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
	if (!r->set(o, optarg)) {
		fprintf(err, "twamp %s: --%s: '%s' is not %s\n", name, r->name, optarg, r->accepts);
		return OPTIONS_BAD;
	}
	return OPTIONS_RUN;
}

static enum options_verdict take_operand(struct options *o, int n, char **rest, FILE *err)
{
	const char *name = commands[o->command].name;
	bool measuring = 1u << o->command & MEASURING;

	if (n > (o->command == COMMAND_DSCPTABLE ? 0 : 1)) {
		fprintf(err, "twamp %s: too many arguments at '%s'\n", name, rest[n - 1]);
		return OPTIONS_BAD;
	}
	if (o->command == COMMAND_EXPLAIN) {
		o->topic = n ? rest[0] : NULL;
	}
	if (!measuring) {
		return OPTIONS_RUN;
	}
	if (n == 0) {
		fprintf(err, "twamp %s: HOST is missing (see twamp %s --help)\n", name, name);
		return OPTIONS_BAD;
	}
	if (!value_endpoint(rest[0], o->host, sizeof(o->host), &o->port)) {
		fprintf(err, "twamp %s: '%s' is not HOST, HOST:PORT or [ADDRESS]:PORT\n", name,
			rest[0]);
		return OPTIONS_BAD;
	}
	if ((uint64_t)o->count * o->sessions > OPTIONS_MAX_PACKETS) {
		fprintf(err, "twamp %s: --count times --sessions is above %u\n", name,
			OPTIONS_MAX_PACKETS);
		return OPTIONS_BAD;
	}
	return OPTIONS_RUN;
}

static enum options_verdict parse_command(int argc, char **argv, struct options *o, FILE *out,
					  FILE *err)
{
	struct option longs[ROW_COUNT + 3];
	char shorts[ROW_COUNT * 2 + 4];
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
