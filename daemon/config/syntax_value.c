// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/found.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_word(const struct syntax *x, const char *const *words)
{
	size_t len = found_word(x);

	for (; *words; words++) {
		if (strlen(*words) == len && !strncasecmp(*words, x->token.at, len)) {
			return true;
		}
	}
	return false;
}

/* Read on behind the word at hand, with @by as the value. */
static void read_behind(struct syntax *x)
{
	const char *stop = x->token.at + found_word(x);
	uint32_t code;

	while (x->lex.at < stop) {
		size_t n = lex_character(x->lex.at, stop, &code);

		x->lex.at += n ? n : 1;
		x->lex.column++;
	}
	x->token.kind = LEX_NAME;
	x->state = SYNTAX_AFTER;
}

static void say_word(struct syntax *x, const char *by, const char *expected, const char *about)
{
	char what[FOUND_LEN];
	size_t len = found_word(x);

	syntax_distrust(x);
	syntax_see_through(x, x->token.at, len, syntax_any_value(x, by),
			   "found %s, expected: %s%.*s%s", found_text(x, what), expected,
			   about ? (int)found_least(len, FOUND_SHOWN) : 0, x->token.at,
			   about ? about : "");
	read_behind(x);
}

static void say_quote(struct syntax *x, uint32_t code)
{
	const char *at = x->token.at, *end = at + found_word(x), *last = at;
	uint32_t other;

	for (const char *c = at; c < end;) {
		size_t n = lex_character(c, end, &other);

		last = c;
		c += n ? n : 1;
	}
	at += lex_character(at, end, &other);
	last = lex_quote(last, end) && last > at ? last : end;
	syntax_distrust(x);
	syntax_see_through(x, x->token.at, found_word(x), "\"\"",
			   "found a %s quote (U+%04X), expected: plain double quotes: \"%.*s\"",
			   code == '\'' || code == '`' ? "single" : "typographic", code,
			   last > at ? (int)found_least((size_t)(last - at), FOUND_SHOWN) : 0, at);
	read_behind(x);
}

/* The digits of @word with "_" and "'" left out: what is meant by 1_000. */
static bool is_grouped(const struct syntax *x, char digits[static 24])
{
	size_t n = 0, len = found_word(x);

	for (size_t i = 0; i < len; i++) {
		char c = x->token.at[i];

		if (c >= '0' && c <= '9' && n < 23) {
			digits[n++] = c;
		} else if (c != '_' && c != '\'') {
			return false;
		}
	}
	digits[n] = '\0';
	return n > 0;
}

/* A word that begins like a number. */
static void say_digits(struct syntax *x)
{
	const char *at = x->token.at;
	size_t len = found_word(x), sign = *at == '-' || *at == '+',
	       digits = sign + strspn(at + sign, "0123456789");
	char plain[24], expected[FOUND_LEN];

	if (is_grouped(x, plain)) {
		(void)snprintf(expected, sizeof(expected), "digits only: %s", plain);
		say_word(x, "0", expected, NULL);
	} else if (memchr(at, ':', len) || memchr(at, '/', len) ||
		   strspn(at, "0123456789.") >= len) {
		say_word(x, "\"\"", "a string in double quotes: \"", "\"");
	} else if (strspn(at, "0123456789-") >= len) {
		say_word(x, "0", "a single number", NULL);
	} else if (*at == '0' && digits == 1) {
		say_word(x, "0", "a decimal number, or a hexadecimal one like 0x1F", NULL);
	} else {
		(void)snprintf(expected, sizeof(expected),
			       "a number without a unit, like %.*s: the manual has the unit",
			       (int)found_least(digits, 20), at);
		say_word(x, "0", expected, NULL);
	}
}

static void say_name_as_value(struct syntax *x)
{
	static const char *const on[] = { "yes", "on", "enable", "enabled", "y", NULL };
	static const char *const off[] = { "no", "off", "disable", "disabled", "n", NULL };
	static const char *const none[] = { "null", "none", "nil", "undefined", NULL };
	char key[FOUND_LEN];
	struct lex ahead = x->lex;
	/* fe80::1 is no key */
	bool is_key = lex_next(&ahead).kind == LEX_EQUALS &&
		      (x->token.line > x->before.line || *x->lex.at != ':');

	if (is_word(x, on)) {
		say_word(x, "true", "true", NULL);
	} else if (is_word(x, off)) {
		say_word(x, "false", "false", NULL);
	} else if (is_key) {
		syntax_stop(x,
			    "found the key \"%.*s\", expected: a value of %s: keys stand in a "
			    "group, { %.*s = ...; }",
			    (int)found_least(x->token.len, FOUND_SHOWN), x->token.at,
			    found_name(x, key), (int)found_least(x->token.len, FOUND_SHOWN),
			    x->token.at);
	} else if (is_word(x, none)) {
		say_word(x, "0", "a value: without the key its default holds", NULL);
	} else {
		say_word(x, "\"\"", "a value: a word stands in double quotes: \"", "\"");
	}
}

/* A bracket, or what ends a value, where one should begin. */
static void say_no_value(struct syntax *x)
{
	struct syntax_frame *f = &x->frame[x->depth];
	char what[FOUND_LEN], text[FOUND_LEN];
	struct lex_token at = x->token;

	if (syntax_closes(x) && f->open != '{') {
		x->token = f->comma;
		syntax_see_through(x, f->comma.at, 1, " ",
				   "found \",\" before \"%c\", expected: no comma behind the last "
				   "entry",
				   *at.at);
		x->token = at;
		syntax_close(x);
	} else if (at.kind == LEX_OPEN && f->open == '[') {
		syntax_stop(x,
			    "found \"%c\", expected: a simple value: in an array [ ] there are "
			    "no brackets, in a list ( ) there are: write ( in line %u, column "
			    "%u",
			    *at.at, f->line, f->column);
	} else if (at.kind == LEX_CLOSE && f->open != '{' && f->open) {
		syntax_stop(x, "found %s, expected: %s", found_text(x, what), found_open(x, text));
	} else if (at.kind == LEX_END && x->depth && f->open != '{') {
		syntax_say_end(x);
	} else {
		syntax_stop(x, "found %s, expected: a value of %s", found_text(x, what),
			    found_name(x, text));
	}
}

void syntax_say_value(struct syntax *x)
{
	const struct lex_token *t = &x->token;
	size_t len = found_word(x);
	uint32_t quote = lex_quote(t->at, x->end);

	if (quote) {
		say_quote(x, quote);
	} else if (t->kind == LEX_INTEGER || t->kind == LEX_FLOAT) {
		say_digits(x);
	} else if (t->kind == LEX_NAME || t->kind == LEX_BOOLEAN) {
		say_name_as_value(x);
	} else if ((t->kind == LEX_OTHER && strchr("/$~.%_", *t->at)) ||
		   (t->kind == LEX_EQUALS && *t->at == ':' && len > 1)) {
		say_word(x, "\"\"", "a string in double quotes: \"", "\"");
	} else {
		say_no_value(x);
	}
}
