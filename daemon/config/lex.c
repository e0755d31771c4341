// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/lex.h"

#include "protocol/utf8.h"

#include <string.h>
#include <strings.h>

void lex_init(struct lex *l, const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of the byte order */

	*l = (struct lex){ .at = text, .end = text + len, .line = 1, .column = 1 };
	if (len >= 3 && !memcmp(text, mark, 3)) {
		l->at += 3;
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_first(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '*';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static char peek(const struct lex *l, size_t ahead)
{
	return ahead < (size_t)(l->end - l->at) ? l->at[ahead] : '\0';
}

/* Octets inside a character do not count for the column. */
static void skip(struct lex *l, size_t n)
{
	for (; n && l->at < l->end; n--, l->at++) {
		if (*l->at == '\n') {
			l->line++;
			l->column = 1;
		} else if ((*l->at & 0xc0) != 0x80) {
			l->column++;
		}
	}
}

size_t lex_character(const char *at, const char *end, uint32_t *code)
{
	return utf8_decode((const uint8_t *)at, (size_t)(end - at), code);
}

uint32_t lex_quote(const char *at, const char *end)
{
	uint32_t code;

	if (at == end || !lex_character(at, end, &code)) {
		return 0;
	}
	if (code == '\'' || code == '`' || code == 0xab || code == 0xbb || code == 0xb4 ||
	    (code >= 0x2018 && code <= 0x201f) || code == 0x2039 || code == 0x203a ||
	    code == 0x2033 || code == 0xff02) {
		return code;
	}
	return 0;
}

static bool ends_word(const char *at, const char *end)
{
	char next = end - at > 1 ? at[1] : '\0';

	return is_blank(*at) || !*at || strchr(";,={}()[]\"#", *at) ||
	       (*at == '/' && (next == '/' || next == '*'));
}

/* To the closing quote if that is in the same line; 0 if it is not. */
static size_t quoted_word(const char *at, const char *end)
{
	uint32_t code;
	const char *c = at + lex_character(at, end, &code);

	for (; c < end && *c != '\n' && *c != ';' && *c != '"'; c++) {
		if (lex_quote(c, end)) {
			return (size_t)(c - at) + lex_character(c, end, &code);
		}
	}
	return 0;
}

size_t lex_word(const char *at, const char *end)
{
	const char *c = at;
	size_t len = lex_quote(at, end) ? quoted_word(at, end) : 0;

	if (len) {
		return len;
	}
	do {
		c++;
	} while (c < end && !ends_word(c, end));
	return (size_t)(c - at);
}

/* The octets of a number, 0 if it is none. */
static size_t number(const struct lex *l, enum lex_kind *kind)
{
	size_t i = 0, digits;

	*kind = LEX_INTEGER;
	if (peek(l, 0) == '0' && (peek(l, 1) | 0x20) == 'x' && is_hex(peek(l, 2))) {
		for (i = 2; is_hex(peek(l, i)); i++) {
			;
		}
		i += peek(l, i) == 'L';
		return i + (peek(l, i - 1) == 'L' && peek(l, i) == 'L');
	}
	i = peek(l, 0) == '-' || peek(l, 0) == '+';
	for (digits = 0; is_digit(peek(l, i)); i++) {
		digits++;
	}
	if (peek(l, i) == '.') {
		*kind = LEX_FLOAT;
		for (i++; is_digit(peek(l, i)); i++) {
			;
		}
	} else if (!digits) {
		return 0;
	}
	if ((peek(l, i) | 0x20) == 'e') {
		size_t e = i + 1 + (peek(l, i + 1) == '-' || peek(l, i + 1) == '+');

		if (is_digit(peek(l, e))) {
			*kind = LEX_FLOAT;
			for (i = e; is_digit(peek(l, i)); i++) {
				;
			}
		}
	}
	if (*kind == LEX_INTEGER && peek(l, i) == 'L') {
		i += peek(l, i + 1) == 'L' ? 2 : 1;
	}
	return i;
}

/* A string at @l: its octets with the quotes, or to the end of the text. */
static size_t string(const struct lex *l, enum lex_kind *kind)
{
	const char *c = l->at + 1;

	while (c < l->end && *c != '"') {
		c += *c == '\\' && l->end - c > 1 ? 2 : 1;
	}
	*kind = c < l->end ? LEX_STRING : LEX_OPEN_STRING;
	return (size_t)(c - l->at) + (c < l->end);
}

/* White space and comments. Return false at a comment without an end. */
static bool skip_blanks(struct lex *l)
{
	for (;;) {
		if (l->at == l->end) {
			return true;
		}
		if (is_blank(*l->at)) {
			skip(l, 1);
		} else if (*l->at == '#' || (*l->at == '/' && peek(l, 1) == '/')) {
			const char *stop = memchr(l->at, '\n', (size_t)(l->end - l->at));

			skip(l, (size_t)((stop ? stop : l->end) - l->at));
		} else if (*l->at == '/' && peek(l, 1) == '*') {
			size_t left = (size_t)(l->end - l->at) - 2;
			const char *stop = memmem(l->at + 2, left, "*/", 2);

			if (!stop) {
				return false;
			}
			skip(l, (size_t)(stop - l->at) + 2);
		} else {
			return true;
		}
	}
}

static size_t name(const struct lex *l, enum lex_kind *kind)
{
	size_t n = 1;

	while (is_first(peek(l, n)) || is_digit(peek(l, n)) || peek(l, n) == '_' ||
	       peek(l, n) == '-') {
		n++;
	}
	*kind = (n == 4 && !strncasecmp(l->at, "true", 4)) ||
				(n == 5 && !strncasecmp(l->at, "false", 5))
			? LEX_BOOLEAN
			: LEX_NAME;
	return n;
}

static size_t sign(const struct lex *l, enum lex_kind *kind)
{
	uint32_t code;
	size_t n;

	switch (*l->at) {
	case '=':
	case ':':
		*kind = LEX_EQUALS;
		return 1;
	case ',':
		*kind = LEX_COMMA;
		return 1;
	case ';':
		*kind = LEX_SEMICOLON;
		return 1;
	case '(':
	case '[':
	case '{':
		*kind = LEX_OPEN;
		return 1;
	case ')':
	case ']':
	case '}':
		*kind = LEX_CLOSE;
		return 1;
	default:
		*kind = LEX_OTHER;
		n = lex_character(l->at, l->end, &code);
		return n ? n : 1;
	}
}

struct lex_token lex_next(struct lex *l)
{
	bool good = skip_blanks(l);
	struct lex_token t = { .at = l->at, .line = l->line, .column = l->column };

	if (!good) {
		t.kind = LEX_OPEN_COMMENT;
		t.len = (size_t)(l->end - l->at);
	} else if (l->at == l->end) {
		t.kind = LEX_END;
	} else if (*l->at == '"') {
		t.len = string(l, &t.kind);
	} else if (is_first(*l->at)) {
		t.len = name(l, &t.kind);
	} else {
		t.len = number(l, &t.kind);
		t.len = t.len ? t.len : sign(l, &t.kind);
	}
	skip(l, t.len);
	return t;
}
