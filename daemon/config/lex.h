// SPDX-License-Identifier: BSD-2-Clause
/*
 * The words of a settings file, by the rules of libconfig's own scanner, with the line and the
 * column of each. A column counts characters of UTF-8; a tab is one. No allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lex_kind {
	LEX_END,
	LEX_NAME,
	LEX_BOOLEAN,
	LEX_INTEGER,
	LEX_FLOAT,
	LEX_STRING,
	LEX_EQUALS, /* "=" or ":" */
	LEX_COMMA,
	LEX_SEMICOLON,
	LEX_OPEN, /* one of ( [ { */
	LEX_CLOSE, /* one of ) ] } */
	LEX_OTHER, /* a character that has no meaning */
	LEX_OPEN_STRING, /* without its closing quote: the rest of the file */
	LEX_OPEN_COMMENT, /* without its end */
};

struct lex_token {
	enum lex_kind kind;
	const char *at;
	size_t len;
	unsigned line, column; /* from 1 on */
};

struct lex {
	const char *at, *end;
	unsigned line, column; /* of @at */
};

void lex_init(struct lex *l, const char *text, size_t len);
struct lex_token lex_next(struct lex *l);

/** The octets of the character of UTF-8 at @at, and its code point; 0 if it is none. */
size_t lex_character(const char *at, const char *end, uint32_t *code);

/**
 * The octets from @at on that a reader takes for one word: to white space, a comment, a double
 * quote or one of ; , = { } ( ) [ ]; a word in single or typographic quotes with these.
 */
size_t lex_word(const char *at, const char *end);

/** Of a quote that is not the plain double one: its code point, or 0. */
uint32_t lex_quote(const char *at, const char *end);
