// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/syntax.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- faults --- */

static void __attribute__((format(printf, 2, 0)))
record(struct syntax *x, const char *format, va_list args)
{
	struct syntax_fault *f;

	if (x->n_faults == SYNTAX_FAULTS) {
		x->stopped = true;
		return;
	}
	f = &x->fault[x->n_faults++];
	f->line = x->token.line;
	f->column = x->token.column;
	f->place = x->place;
	(void)vsnprintf(f->text, sizeof(f->text), format, args);
}

/* A string that goes over the end of its line, and what follows it makes no sense. */
static bool blame_string(struct syntax *x)
{
	const struct lex_token *s = &x->multiline;
	struct syntax_fault *f;

	if (!s->at || x->n_faults == SYNTAX_FAULTS) {
		return false;
	}
	f = &x->fault[x->n_faults++];
	*f = (struct syntax_fault){ .line = s->line, .column = s->column, .place = SYNTAX_NONE };
	(void)snprintf(f->text, sizeof(f->text),
		       "found a string that does not end in its line, expected: a closing double "
		       "quote");
	x->stopped = true;
	return true;
}

void syntax_stop(struct syntax *x, const char *format, ...)
{
	va_list args;

	if (blame_string(x)) {
		return;
	}
	va_start(args, format);
	record(x, format, args);
	va_end(args);
	x->stopped = true;
}

void syntax_see_through(struct syntax *x, const char *at, size_t len, const char *by,
			const char *format, ...)
{
	va_list args;

	if (blame_string(x)) {
		return;
	}
	va_start(args, format);
	record(x, format, args);
	va_end(args);
	if (x->n_fixes == sizeof(x->fix) / sizeof(x->fix[0])) {
		x->stopped = true;
		return;
	}
	x->fix[x->n_fixes] = (struct syntax_fix){ .at = at, .len = len };
	(void)snprintf(x->fix[x->n_fixes].by, sizeof(x->fix[0].by), "%s", by);
	x->n_fixes++;
}

void syntax_distrust(struct syntax *x)
{
	if (x->place != SYNTAX_NONE) {
		x->places[x->place].told = true;
	}
}

/* --- places --- */

static struct syntax_frame *inside(struct syntax *x)
{
	return &x->frame[x->depth];
}

static void give_up(struct syntax *x)
{
	x->gave_up = true;
	x->stopped = true;
}

/* A setting whose name or value is the token at hand. */
static void add_place(struct syntax *x, bool named)
{
	struct syntax_frame *f = inside(x);
	const struct lex_token *t = &x->token;

	if (x->n_places == SYNTAX_PLACES || (named && f->n == SYNTAX_GROUP)) {
		give_up(x);
		return;
	}
	if (x->n_places == x->room) {
		uint32_t room = x->room ? 2 * x->room : 256;
		struct syntax_place *more = realloc(x->places, room * sizeof(*more));

		if (!more) {
			x->no_memory = true;
			x->stopped = true;
			return;
		}
		x->places = more;
		x->room = room;
	}
	x->place = x->n_places++;
	x->places[x->place] = (struct syntax_place){
		.line = t->line,
		.column = t->column,
		.name_line = t->line,
		.name_column = t->column,
		.name = named ? t->at : NULL,
		.name_len = named ? (uint32_t)t->len : 0,
		.parent = f->place,
		.before = f->last,
	};
	f->last = x->place;
	f->n++;
}

static bool same_name(const struct syntax_place *a, const struct syntax_place *b)
{
	return a->name_len == b->name_len && !memcmp(a->name, b->name, a->name_len);
}

#define NAME_SHOWN 60

/* Of a group: the one before that has the name of the place at hand. */
static void check_twice(struct syntax *x)
{
	const struct syntax_place *p = &x->places[x->place], *other;
	char unique[8];

	for (uint32_t i = p->before; i != SYNTAX_NONE; i = other->before) {
		other = &x->places[i];
		if (!same_name(other, p)) {
			continue;
		}
		(void)snprintf(unique, sizeof(unique), "*%u", x->n_fixes);
		syntax_distrust(x);
		syntax_see_through(x, p->name, p->name_len, unique,
				   "found \"%.*s\" a second time, expected: once in a group; it "
				   "is in line %u already",
				   (int)(p->name_len < NAME_SHOWN ? p->name_len : NAME_SHOWN),
				   p->name, other->name_line);
		return;
	}
}

void syntax_key(const struct syntax *x, uint32_t place, char *buf, size_t size)
{
	uint32_t chain[SYNTAX_DEPTH] = { 0 };
	size_t len = 0, n = 0;

	buf[0] = '\0';
	for (; place != SYNTAX_NONE && n < SYNTAX_DEPTH; place = x->places[place].parent) {
		chain[n] = place;
		n += x->places[place].name != NULL;
	}
	while (n-- && len < size) {
		const struct syntax_place *p = &x->places[chain[n]];
		int shown = (int)(p->name_len < NAME_SHOWN ? p->name_len : NAME_SHOWN);

		len += (size_t)snprintf(buf + len, size - len, "%s%.*s", len ? "." : "", shown,
					p->name);
	}
}

/* --- the grammar --- */

static void take_name(struct syntax *x)
{
	if (x->token.kind != LEX_NAME) {
		x->place = inside(x)->place;
		syntax_say_name(x);
		return;
	}
	add_place(x, true);
	x->state = SYNTAX_EQUALS;
	if (!x->stopped) {
		check_twice(x);
	}
}

static void take_equals(struct syntax *x)
{
	if (x->token.kind == LEX_EQUALS) {
		x->state = SYNTAX_VALUE;
	} else {
		syntax_say_equals(x);
	}
}

static void open_frame(struct syntax *x)
{
	if (x->depth + 1 == SYNTAX_DEPTH) {
		give_up(x);
		return;
	}
	x->frame[++x->depth] = (struct syntax_frame){
		.open = *x->token.at,
		.line = x->token.line,
		.column = x->token.column,
		.place = x->place,
		.last = SYNTAX_NONE,
	};
	x->state = *x->token.at == '{' ? SYNTAX_NAME : SYNTAX_VALUE;
}

static char closing(char open)
{
	return open == '(' ? ')' : open == '[' ? ']' : open == '{' ? '}' : '\0';
}

/* The bracket at hand closes the innermost of the open ones. */
bool syntax_closes(const struct syntax *x)
{
	return x->token.kind == LEX_CLOSE && *x->token.at == closing(x->frame[x->depth].open);
}

void syntax_close(struct syntax *x)
{
	x->closed_line = x->token.line;
	x->depth--;
	x->state = SYNTAX_AFTER;
	x->place = inside(x)->last;
}

static char type_of(const struct lex_token *t)
{
	return t->kind == LEX_BOOLEAN	? 'b'
	       : t->kind == LEX_INTEGER ? 'i'
	       : t->kind == LEX_FLOAT	? 'f'
					: 's';
}

static const char *type_name(char type)
{
	return type == 'b' ? "true or false" : type == 's' ? "a string" : "a number";
}

const char *syntax_any_value(struct syntax *x, const char *by)
{
	struct syntax_frame *f = inside(x);
	char type = *by == '"' ? 's' : *by == 't' || *by == 'f' ? 'b' : 'i';

	if (f->open != '[' || !f->type) {
		f->type = f->type ? f->type : type;
		return by;
	}
	type = f->type;

	return type == 'b' ? "true" : type == 'i' ? "0" : type == 'f' ? "0.0" : "\"\"";
}

/* All in an array are of one type. */
static void check_type(struct syntax *x)
{
	struct syntax_frame *f = inside(x);
	char type = type_of(&x->token);

	if (f->open != '[') {
		return;
	}
	if (!f->type) {
		f->type = type;
	} else if (f->type != type) {
		syntax_distrust(x);
		syntax_see_through(x, x->token.at, x->token.len, syntax_any_value(x, "0"),
				   "found %s, expected: %s, as the others in this array are",
				   type_name(type), type_name(f->type));
	}
}

/* Elsewhere 010 is eight. */
static bool has_zeros(const struct lex_token *t)
{
	size_t sign = *t->at == '-' || *t->at == '+';

	return t->kind == LEX_INTEGER && t->len > sign + 1 && t->at[sign] == '0' &&
	       t->at[sign + 1] >= '0' && t->at[sign + 1] <= '9';
}

static void simple_value(struct syntax *x)
{
	const struct lex_token *t = &x->token;

	check_type(x);
	x->places[x->place].zeros = has_zeros(t);
	x->multiline.at = NULL;
	if (t->kind == LEX_STRING && memchr(t->at, '\n', t->len)) {
		x->multiline = *t;
	}
	x->state = SYNTAX_AFTER;
}

/* Something follows without a space: 15m, 192.0.2.1. Not in 15m = 1, which is two settings. */
static bool is_glued(const struct syntax *x)
{
	struct lex ahead = x->lex;

	return lex_word(x->token.at, x->end) > x->token.len &&
	       (lex_next(&ahead).kind != LEX_NAME || lex_next(&ahead).kind != LEX_EQUALS);
}

/* Where a value, or the end of an array or list, is expected. */
static void take_value(struct syntax *x)
{
	struct syntax_frame *f = inside(x);

	if (x->token.kind == LEX_CLOSE) {
		if (syntax_closes(x) && f->last == SYNTAX_NONE) {
			syntax_close(x);
		} else {
			syntax_say_value(x);
		}
		return;
	}
	if (f->open != '{' && f->open) {
		add_place(x, false);
	} else {
		x->places[x->place].line = x->token.line;
		x->places[x->place].column = x->token.column;
	}
	if (x->stopped) {
		return;
	}
	if (x->token.kind == LEX_OPEN && f->open != '[') {
		open_frame(x);
	} else if (x->token.kind >= LEX_BOOLEAN && x->token.kind <= LEX_STRING && !is_glued(x)) {
		simple_value(x);
	} else {
		syntax_say_value(x);
	}
}

static void take_after(struct syntax *x)
{
	struct syntax_frame *f = inside(x);
	const struct lex_token *t = &x->token;

	if (t->kind == LEX_STRING && x->before.kind == LEX_STRING) {
		x->places[x->place].joined = true;
	} else if (!f->open || f->open == '{') {
		if (t->kind == LEX_SEMICOLON || t->kind == LEX_COMMA) {
			x->state = SYNTAX_NAME;
		} else if (t->kind == LEX_NAME) {
			if (x->before.line == t->line &&
			    (x->before.kind == LEX_INTEGER || x->before.kind == LEX_FLOAT)) {
				x->unit = *t;
			}
			take_name(x);
		} else {
			syntax_say_after(x);
		}
	} else if (t->kind == LEX_COMMA) {
		f->comma = *t;
		x->state = SYNTAX_VALUE;
	} else {
		syntax_say_after(x);
	}
}

/* One token. Return false at the end. */
static bool step(struct syntax *x)
{
	struct syntax_frame *f = inside(x);
	bool between = x->state == SYNTAX_NAME || x->state == SYNTAX_AFTER;

	if (x->token.kind == LEX_END && !x->depth && between) {
		return false;
	}
	if (x->token.kind >= LEX_OTHER && syntax_say_character(x)) {
		return !x->stopped;
	}
	if (between && syntax_closes(x) && (x->state == SYNTAX_AFTER || f->open == '{')) {
		syntax_close(x);
		return true;
	}
	switch (x->state) {
	case SYNTAX_NAME:
		take_name(x);
		break;
	case SYNTAX_EQUALS:
		take_equals(x);
		break;
	case SYNTAX_VALUE:
		take_value(x);
		break;
	case SYNTAX_AFTER:
		take_after(x);
		break;
	}
	return !x->stopped;
}

int syntax_read(struct syntax *x, const char *text, size_t len)
{
	memset(x, 0, sizeof(*x));
	x->text = text;
	x->end = text + len;
	x->place = x->frame[0].place = x->frame[0].last = SYNTAX_NONE;
	lex_init(&x->lex, text, len);
	syntax_say_text(x);
	while (!x->stopped) {
		x->before = x->token;
		x->token = lex_next(&x->lex);
		if (!step(x)) {
			break;
		}
	}
	return x->no_memory ? -ENOMEM : 0;
}

void syntax_wipe(struct syntax *x)
{
	free(x->places);
	x->places = NULL;
	x->n_places = x->room = 0;
}

/* Replacements are in the order of the text. */
char *syntax_mend(const struct syntax *x, size_t *len)
{
	const char *from = x->text;
	char *out, *to;

	*len = (size_t)(x->end - x->text);
	for (unsigned i = 0; i < x->n_fixes; i++) {
		*len += strlen(x->fix[i].by);
	}
	out = to = malloc(*len + 1);
	if (!out) {
		return NULL;
	}
	for (unsigned i = 0; i < x->n_fixes; i++) {
		const struct syntax_fix *f = &x->fix[i];

		if (f->at < from) {
			continue;
		}
		to = mempcpy(to, from, (size_t)(f->at - from));
		to = stpcpy(to, f->by);
		from = f->at + f->len;
	}
	to = mempcpy(to, from, (size_t)(x->end - from));
	*to = '\0';
	*len = (size_t)(to - out);
	return out;
}
