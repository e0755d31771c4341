// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/found.h"

#include <stdio.h>
#include <string.h>

size_t found_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t found_word(const struct syntax *x)
{
	return x->token.kind == LEX_END ? 0 : lex_word(x->token.at, x->end);
}

const char *found_text(const struct syntax *x, char buf[static FOUND_LEN])
{
	const struct lex_token *t = &x->token;
	size_t len = t->kind >= LEX_EQUALS && t->kind <= LEX_CLOSE ? 1 : found_word(x);

	if (t->kind == LEX_END) {
		return "the end of the file";
	}
	if (t->kind == LEX_STRING) {
		len = strcspn(t->at + 1, "\"\n");
		(void)snprintf(buf, FOUND_LEN, "the string \"%.*s\"",
			       (int)found_least(len, FOUND_SHOWN), t->at + 1);
		return buf;
	}
	(void)snprintf(buf, FOUND_LEN, "\"%.*s\"", (int)found_least(len, FOUND_SHOWN), t->at);
	return buf;
}

const char *found_open(const struct syntax *x, char buf[static FOUND_LEN])
{
	const struct syntax_frame *f = &x->frame[x->depth];

	(void)snprintf(buf, FOUND_LEN, "\"%c\" for the \"%c\" of line %u, column %u",
		       f->open == '('	? ')'
		       : f->open == '[' ? ']'
					: '}',
		       f->open, f->line, f->column);
	return buf;
}

const char *found_name(const struct syntax *x, char buf[static FOUND_LEN])
{
	const struct syntax_place *p = x->place == SYNTAX_NONE ? NULL : &x->places[x->place];

	if (!p || !p->name) {
		return "this entry";
	}
	(void)snprintf(buf, FOUND_LEN, "%.*s", (int)found_least(p->name_len, FOUND_SHOWN), p->name);
	return buf;
}
