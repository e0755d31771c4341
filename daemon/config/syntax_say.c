// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/found.h"

#include <stdio.h>
#include <string.h>

/* --- characters --- */

static bool is_utf16(const struct syntax *x)
{
	size_t len = (size_t)(x->end - x->text);
	const char *t = x->text;

	return len >= 2 && (!memcmp(t, "\xff\xfe", 2) || !memcmp(t, "\xfe\xff", 2) ||
			    (len >= 4 && ((t[0] && !t[1] && t[2] && !t[3]) ||
					  (!t[0] && t[1] && !t[2] && t[3]))));
}

void syntax_say_text(struct syntax *x)
{
	const char *nul = memchr(x->text, '\0', (size_t)(x->end - x->text));
	struct lex to;

	x->token = (struct lex_token){ .at = x->text, .line = 1, .column = 1 };
	if (is_utf16(x)) {
		syntax_stop(x, "found UTF-16, expected: a file in UTF-8 or ASCII");
	} else if (nul) {
		lex_init(&to, x->text, (size_t)(nul - x->text));
		while (lex_next(&to).kind != LEX_END && to.at < to.end) {
			;
		}
		x->token.line = to.line;
		x->token.column = to.column;
		syntax_stop(x, "found a NUL octet, expected: text: this is no file of text");
	}
}

static bool is_space(uint32_t c)
{
	return c == 0x0b || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200f) ||
	       c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x2060 ||
	       c == 0x3000;
}

static void say_open_string(struct syntax *x)
{
	syntax_stop(x, "found a string without an end, expected: a closing double quote");
}

bool syntax_say_character(struct syntax *x)
{
	const struct lex_token *t = &x->token;
	uint32_t code;

	if (t->kind == LEX_OPEN_STRING) {
		say_open_string(x);
	} else if (t->kind == LEX_OPEN_COMMENT) {
		syntax_stop(x, "found a comment without an end, expected: */");
	} else if (*t->at == '@') {
		syntax_stop(x,
			    "found \"%.*s\", expected: no include: @include is not supported, "
			    "files in conf.d are read by themselves",
			    (int)found_least(found_word(x), FOUND_SHOWN), t->at);
	} else if (!lex_character(t->at, x->end, &code)) {
		syntax_stop(x, "found the octet 0x%02x, expected: text in UTF-8 or ASCII",
			    (unsigned)(unsigned char)*t->at);
	} else if (code == 0xfeff) {
		syntax_see_through(x, t->at, t->len, " ",
				   "found a byte order mark (U+FEFF), expected: none but at the "
				   "start of the file");
	} else if (is_space(code)) {
		syntax_see_through(x, t->at, t->len, " ",
				   "found an invisible character (U+%04X), expected: a plain space",
				   code);
	} else if (code < 0x20 || code == 0x7f) {
		syntax_stop(x, "found a control character (U+%04X), expected: text", code);
	} else {
		return false;
	}
	return true;
}

/* --- where a name should be --- */

#define UNIT_LEN 7 /* "minutes" */

static void say_close(struct syntax *x)
{
	char what[FOUND_LEN], open[FOUND_LEN];

	if (x->depth) {
		syntax_stop(x, "found %s, expected: %s", found_text(x, what), found_open(x, open));
	} else if (x->closed_line) {
		syntax_stop(x,
			    "found %s, expected: a key: no bracket is open here, the last one "
			    "was closed in line %u",
			    found_text(x, what), x->closed_line);
	} else {
		syntax_stop(x, "found %s, expected: a key: no bracket is open here",
			    found_text(x, what));
	}
}

void syntax_say_end(struct syntax *x)
{
	char open[FOUND_LEN];

	syntax_stop(x, "found the end of the file, expected: %s", found_open(x, open));
}

static void say_open(struct syntax *x)
{
	const char *at = x->token.at + 1;
	size_t len = found_least(strcspn(at, "]\n"), FOUND_SHOWN);

	if (*x->token.at == '[') {
		syntax_stop(x,
			    "found \"[%.*s\", expected: a key: a section is a group, %.*s = { "
			    "... };",
			    (int)len + (at[len] == ']'), at, (int)len, at);
	} else {
		syntax_stop(x,
			    "found \"%c\", expected: a key before it, like limits = { ... }; "
			    "there are no brackets around the whole file",
			    *x->token.at);
	}
}

/* A ";" begins its line: a comment of an INI file. Return the octets to the end of the line. */
static size_t comment(const struct syntax *x)
{
	const char *at = x->token.at, *start = at, *stop;

	while (start > x->text && (start[-1] == ' ' || start[-1] == '\t')) {
		start--;
	}
	if (*at != ';' || (start > x->text && start[-1] != '\n')) {
		return 0;
	}
	stop = memchr(at, '\n', (size_t)(x->end - at));
	return (size_t)((stop ? stop : x->end) - at);
}

/* After a value and one terminator. */
static void say_terminator(struct syntax *x)
{
	size_t len = comment(x);

	syntax_see_through(x, x->token.at, len ? len : 1, " ",
			   len ? "found \"%c\", expected: a key: comments begin with # or //"
			       : "found \"%c\", expected: a key: one \";\" ends a setting",
			   *x->token.at);
	x->lex.at += len ? len - 1 : 0;
}

static void say_number(struct syntax *x)
{
	char what[FOUND_LEN];
	bool thousands = x->before.kind == LEX_COMMA && x->before.at + 1 == x->token.at;

	syntax_stop(x, "found %s, expected: %s", found_text(x, what),
		    thousands ? "a number without a comma in it"
			      : "a key: names begin with a letter");
}

static void say_no_name(struct syntax *x)
{
	char what[FOUND_LEN];

	found_text(x, what);
	if (*x->token.at == '-') {
		syntax_stop(x,
			    "found %s, expected: a key: the entries of a list are written ( { "
			    "... }, { ... } )",
			    what);
	} else if (lex_quote(x->token.at, x->end)) {
		syntax_stop(x, "found a quote, expected: a key, which has no quotes");
	} else {
		syntax_stop(x, "found %s, expected: a key, which begins with a letter", what);
	}
}

void syntax_say_name(struct syntax *x)
{
	char what[FOUND_LEN];

	switch (x->token.kind) {
	case LEX_END:
		syntax_say_end(x);
		break;
	case LEX_CLOSE:
		say_close(x);
		break;
	case LEX_OPEN:
		say_open(x);
		break;
	case LEX_SEMICOLON:
	case LEX_COMMA:
		say_terminator(x);
		break;
	case LEX_STRING:
		syntax_stop(x, "found %s, expected: a key: its name has no quotes",
			    found_text(x, what));
		break;
	case LEX_EQUALS:
		syntax_stop(x, "found %s, expected: a key before it", found_text(x, what));
		break;
	case LEX_INTEGER:
	case LEX_FLOAT:
		say_number(x);
		break;
	case LEX_NAME:
	case LEX_BOOLEAN:
	case LEX_OTHER:
	case LEX_OPEN_STRING:
	case LEX_OPEN_COMMENT:
		say_no_name(x);
		break;
	}
}

/* --- behind a name --- */

/* "limits.max_sessions = 1": what follows the point. */
static void say_dotted(struct syntax *x)
{
	const struct lex_token *t = &x->token;
	const struct syntax_place *p = &x->places[x->place];
	size_t len = strcspn(t->at, "=: \t\n;{"), rest;

	len = found_least(len, (size_t)(x->end - t->at));
	rest = len - found_least(len, 1);
	x->token.column = p->name_column;
	syntax_distrust(x);
	syntax_see_through(x, t->at, len, "",
			   "found \"%.*s%.*s\", expected: a group: %.*s = { %.*s = ...; };",
			   (int)found_least(p->name_len, FOUND_SHOWN), p->name,
			   (int)found_least(len, FOUND_SHOWN), t->at,
			   (int)found_least(p->name_len, FOUND_SHOWN), p->name,
			   (int)found_least(rest, FOUND_SHOWN), t->at + 1);
	x->lex.column += (unsigned)(len - t->len);
	x->lex.at = t->at + len;
}

/* A value right behind the name: read it as if "=" were there. */
static void say_missing(struct syntax *x)
{
	char what[FOUND_LEN], key[FOUND_LEN];

	syntax_see_through(x, x->token.at, 0, "=", "found %s, expected: \"=\" behind %s",
			   found_text(x, what), found_name(x, key));
	x->lex.at = x->token.at;
	x->lex.line = x->token.line;
	x->lex.column = x->token.column;
	x->state = SYNTAX_VALUE;
}

void syntax_say_equals(struct syntax *x)
{
	char what[FOUND_LEN], key[FOUND_LEN];
	const struct syntax_place *p = &x->places[x->place];
	const struct lex_token *t = &x->token;

	if (t->kind == LEX_STRING && p->name_len == 7 && !memcmp(p->name, "include", 7)) {
		syntax_stop(x, "found include, expected: a key: files in conf.d are read by "
			       "themselves, others are not");
	} else if (*t->at == '.' && t->at == p->name + p->name_len) {
		say_dotted(x);
	} else if (x->unit.at == p->name && p->name_len <= UNIT_LEN) {
		x->token = x->unit;
		syntax_stop(x,
			    "found %s behind a number, expected: \";\" and the next key: a "
			    "number has no unit, the manual has it",
			    found_text(x, what));
	} else if (t->kind == LEX_OPEN ||
		   (t->line == x->before.line && t->kind >= LEX_BOOLEAN && t->kind <= LEX_STRING)) {
		say_missing(x);
	} else {
		syntax_stop(x, "found %s, expected: \"=\" and a value behind %s",
			    found_text(x, what), found_name(x, key));
	}
}

/* --- behind a value --- */

/* Between two entries of a list or an array. */
static void say_between(struct syntax *x)
{
	const struct lex_token *t = &x->token;
	char what[FOUND_LEN], open[FOUND_LEN];

	if (t->kind == LEX_END) {
		syntax_say_end(x);
	} else if (t->kind == LEX_SEMICOLON) {
		syntax_see_through(x, t->at, 1, ",",
				   "found \";\", expected: \",\" between two entries");
		x->frame[x->depth].comma = *t;
		x->state = SYNTAX_VALUE;
	} else if (t->kind == LEX_OPEN || (t->kind >= LEX_NAME && t->kind <= LEX_STRING)) {
		syntax_see_through(x, t->at, 0, ",",
				   "found %s, expected: \",\" between two entries",
				   found_text(x, what));
		x->lex.at = t->at;
		x->lex.line = t->line;
		x->lex.column = t->column;
		x->state = SYNTAX_VALUE;
	} else {
		syntax_stop(x, "found %s, expected: \",\" and another entry, or %s",
			    found_text(x, what), found_open(x, open));
	}
}

void syntax_say_after(struct syntax *x)
{
	char what[FOUND_LEN];
	char open = x->frame[x->depth].open;

	if (open == '(' || open == '[') {
		say_between(x);
	} else if (x->token.kind == LEX_CLOSE) {
		say_close(x);
	} else if (x->token.kind == LEX_END) {
		syntax_say_end(x);
	} else if (x->token.kind == LEX_OPEN && *x->token.at == '[') {
		say_open(x);
	} else {
		syntax_stop(x,
			    "found %s, expected: \";\" and the next key; several values stand in "
			    "brackets",
			    found_text(x, what));
	}
}
