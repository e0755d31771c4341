// SPDX-License-Identifier: BSD-2-Clause
#include "client/ctl/ctl_options.h"

#include "base/value.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WATCH_S 2
#define WORDS_LEN 64

static const char head[] =
	"Usage: twampctl [-i NAME | -s SOCKET] [--json] [--watch[=SECONDS]] COMMAND\n"
	"Ask twampd, or tell it what to do. See twampctl(8).\n"
	"\n"
	"  -i, --instance NAME     that of twampd@NAME.service\n"
	"  -s, --socket PATH       of the daemon (default /run/twampd/control.sock)\n"
	"      --json              print JSON\n"
	"      --watch[=SECONDS]   again and again, every 2 seconds\n"
	"      --sort COLUMN       of a table: most first\n"
	"      --top N             of a table: no more than N rows\n"
	"  -V, --version           print the version and exit\n"
	"  -h, --help              print this and exit\n"
	"\n"
	"Commands:\n";

static void print_help(FILE *to)
{
	char line[256];

	fputs(head, to);
	for (const struct ctl_command *c = ctl_commands; c->words; c++) {
		const struct ctl_option *o = c->options;

		(void)snprintf(line, sizeof line, "%s%s%s%s%s", c->words, c->operand ? " " : "",
			       c->optional ? "[" : "", c->operand ? c->operand : "",
			       c->optional ? "]" : "");
		fprintf(to, "  %-22s  %s\n", line, c->help);
		for (; o && o->name; o++) {
			fprintf(to, "  %22s  %s%s%s\n", "", o->name, o->value ? " " : "",
				o->value ? o->value : "");
		}
	}
}

struct reader {
	char **at; /* what is left, ended by NULL */
	struct ctl_options *o;
	FILE *out, *err;
	bool socket_named;
};

static enum ctl_options_result bad(struct reader *r, const char *what, const char *why)
{
	fprintf(r->err, "twampctl: %s: %s; try 'twampctl --help'\n", what, why);
	return CTL_OPTIONS_BAD;
}

/* The number of words of the command that @at begins with; 0 = it does not. */
static size_t match(const struct ctl_command *c, char **at)
{
	const char *words = c->words;
	size_t n = 0;

	while (*words) {
		size_t len = strcspn(words, " ");

		if (!at[n] || strlen(at[n]) != len || memcmp(at[n], words, len) != 0) {
			return 0;
		}
		words += len + (words[len] == ' ');
		n++;
	}
	return n;
}

static bool find_command(struct reader *r)
{
	for (const struct ctl_command *c = ctl_commands; c->words; c++) {
		size_t n = match(c, r->at);

		if (n) {
			r->o->command = c;
			r->at += n;
			return true;
		}
	}
	return false;
}

/* "120", "10m", "1h", "30s". */
static bool parse_seconds(const char *text, uint64_t *s)
{
	static const char units[] = "smhd";
	static const unsigned sizes[] = { 1, 60, 3600, 86400 };
	size_t len = strlen(text);
	const char *unit = len ? strchr(units, text[len - 1]) : NULL;
	char number[16];

	if (!len || len >= sizeof number) {
		return false;
	}
	memcpy(number, text, len + 1);
	if (unit) {
		number[len - 1] = '\0';
	}
	if (!value_number(number, 0, 100000000, s)) {
		return false;
	}
	*s *= unit ? sizes[unit - units] : 1;
	return true;
}

static enum ctl_options_result take_value(struct reader *r, const char *key, enum ctl_kind kind,
					  const char *name, const char *text)
{
	uint64_t n = 0;
	json_t *value = NULL;

	switch (kind) {
	case CTL_AS_IT_IS:
		return CTL_OPTIONS_RUN;
	case CTL_WIDE:
		r->o->wide = true;
		return CTL_OPTIONS_RUN;
	case CTL_FLAG:
		value = json_true();
		break;
	case CTL_STRING:
		value = json_string(text);
		break;
	case CTL_COUNT:
		if (!value_number(text, 0, INT64_MAX, &n)) {
			return bad(r, name, "a number is expected");
		}
		value = json_integer((json_int_t)n);
		break;
	case CTL_SECONDS:
		if (!parse_seconds(text, &n)) {
			return bad(r, name, "a time like 30s, 10m or 1h is expected");
		}
		value = json_integer((json_int_t)n);
		break;
	}
	return json_object_set_new(r->o->args, key, value) ? bad(r, name, "this is no UTF-8 text")
							   : CTL_OPTIONS_RUN;
}

static bool is(struct reader *r, const char *name, const char **value)
{
	size_t len = strlen(name);

	if (!strcmp(*r->at, name)) {
		*value = r->at[1];
		r->at += r->at[1] ? 2 : 1;
		return true;
	}
	if (len > 2 && !strncmp(*r->at, name, len) && (*r->at)[len] == '=') {
		*value = *r->at + len + 1;
		r->at++;
		return true;
	}
	return false;
}

static bool is_flag(struct reader *r, const char *name)
{
	bool found = !strcmp(*r->at, name);

	r->at += found;
	return found;
}

static enum ctl_options_result set_path(struct reader *r, const char *what, const char *format,
					const char *name)
{
	int n;

	if (!name || !*name || (strchr(name, '/') && strchr(format, '-'))) {
		return bad(r, what, "a name is expected");
	}
	n = strchr(format, '-')
		    ? snprintf(r->o->path, sizeof r->o->path, "/run/twampd-%s/control.sock", name)
		    : snprintf(r->o->path, sizeof r->o->path, "%s", name);
	return n < 0 || (size_t)n >= sizeof r->o->path ? bad(r, what, "the path is too long")
						       : CTL_OPTIONS_RUN;
}

/* Those of all commands. Return CTL_OPTIONS_RUN with @taken if it is one. */
static enum ctl_options_result take_common(struct reader *r, bool *taken)
{
	const char *value = NULL;
	uint64_t n;

	*taken = true;
	if (is_flag(r, "--json")) {
		r->o->json = true;
	} else if (is_flag(r, "--watch")) {
		r->o->watch_s = WATCH_S;
	} else if (!strncmp(*r->at, "--watch=", 8)) {
		if (!value_number(*r->at++ + 8, 1, 3600, &n)) {
			return bad(r, "--watch", "seconds from 1 to 3600 are expected");
		}
		r->o->watch_s = (unsigned)n;
	} else if (is(r, "-i", &value) || is(r, "--instance", &value)) {
		return set_path(r, "--instance", "-", value);
	} else if (is(r, "-s", &value) || is(r, "--socket", &value)) {
		return set_path(r, "--socket", "", value);
	} else if (is(r, "--sort", &value)) {
		r->o->sort = value ? value : "";
	} else if (is(r, "--top", &value)) {
		if (!value || !value_number(value, 1, 100000000, &n)) {
			return bad(r, "--top", "a number from 1 on is expected");
		}
		r->o->top = (unsigned long)n;
	} else {
		*taken = false;
	}
	return CTL_OPTIONS_RUN;
}

static enum ctl_options_result take_own(struct reader *r)
{
	const struct ctl_command *c = r->o->command;
	const char *value = NULL;

	for (const struct ctl_option *o = c->options; o && o->name; o++) {
		if (!o->value ? is_flag(r, o->name) : is(r, o->name, &value)) {
			return o->value && !value ? bad(r, o->name, "a value is missing")
						  : take_value(r, o->key, o->kind, o->name, value);
		}
	}
	if (**r->at == '-' || !c->operand || json_object_get(r->o->args, c->operand_key)) {
		return bad(r, *r->at, "this command does not take it");
	}
	value = *r->at++;
	return take_value(r, c->operand_key, c->operand_kind, c->operand, value);
}

static enum ctl_options_result take_next(struct reader *r)
{
	bool taken;
	enum ctl_options_result result;

	if (is_flag(r, "--help") || is_flag(r, "-h")) {
		print_help(r->out);
		return CTL_OPTIONS_DONE;
	}
	if (is_flag(r, "--version") || is_flag(r, "-V")) {
		fputs("twampctl " TWAMPD_VERSION "\n", r->out);
		return CTL_OPTIONS_DONE;
	}
	result = take_common(r, &taken);
	if (taken) {
		return result;
	}
	if (!r->o->command) {
		return find_command(r) ? CTL_OPTIONS_RUN : bad(r, *r->at, "no such command");
	}
	return take_own(r);
}

static enum ctl_options_result check(struct reader *r)
{
	const struct ctl_command *c = r->o->command;

	if (!c) {
		return bad(r, "COMMAND", "is missing");
	}
	if (c->operand && !c->optional && !json_object_get(r->o->args, c->operand_key)) {
		return bad(r, c->operand, "is missing");
	}
	if ((r->o->sort || r->o->top) && !c->columns) {
		return bad(r, c->words, "prints no table to be sorted or cut");
	}
	if (r->o->sort && !ctl_table_column(c->columns, r->o->sort)) {
		return bad(r, r->o->sort, "there is no such column");
	}
	return CTL_OPTIONS_RUN;
}

enum ctl_options_result ctl_options_parse(int argc, char **argv, struct ctl_options *o, FILE *out,
					  FILE *err)
{
	struct reader r = { .at = argv + (argc > 0), .o = o, .out = out, .err = err };

	*o = (struct ctl_options){ .path = "/run/twampd/control.sock", .args = json_object() };
	while (*r.at) {
		enum ctl_options_result result = take_next(&r);

		if (result != CTL_OPTIONS_RUN) {
			return result;
		}
	}
	return check(&r);
}

void ctl_options_wipe(struct ctl_options *o)
{
	json_decref(o->args);
	o->args = NULL;
}
