// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is wrong with the syntax of a settings file, told so that it can be mended, and where each
 * of its settings stands. libconfig is the parser: it says whether a file is good, but of a bad
 * one no more than a line, and of its settings no column. This follows its grammar to tell the
 * rest. What it can see through (a word without quotes, a unit behind a number, a name that is
 * there twice) it goes on behind, and knows how to replace, so that the rest of the file can be
 * checked too.
 */
#pragma once

#include "daemon/config/lex.h"
#include "protocol/wire.h"

#define SYNTAX_FAULTS 50 /* then it stops */
#define SYNTAX_DEPTH 64
#define SYNTAX_PLACES (1u << 18)
#define SYNTAX_GROUP 1000 /* settings: looking for two of a name takes the square */
#define SYNTAX_TEXT_LEN 320
#define SYNTAX_NONE UINT32_MAX

/* A setting, in the order of the file: those of libconfig's tree, parents first. */
struct syntax_place {
	unsigned line, column; /* of its value */
	unsigned name_line, name_column; /* the same without a name */
	const char *name; /* into the text; NULL for what is in an array or a list */
	uint32_t name_len;
	uint32_t parent, before; /* the setting around it, and the one before it in there */
	bool told; /* there is a fault about it: its value is not the one of the file */
	bool zeros; /* a decimal number with a zero before it */
	bool joined; /* strings that follow each other without a comma */
};

struct syntax_fault {
	unsigned line, column;
	uint32_t place; /* the setting that it is about, or SYNTAX_NONE */
	char text[SYNTAX_TEXT_LEN]; /* "found "15m", expected: ..." */
};

/* Octets of the text, and what is put in their place. */
struct syntax_fix {
	const char *at;
	size_t len;
	char by[8];
};

enum syntax_state {
	SYNTAX_NAME, /* a setting, or the end of the group */
	SYNTAX_EQUALS,
	SYNTAX_VALUE,
	SYNTAX_AFTER, /* behind a value */
};

struct syntax_frame {
	char open; /* ( [ {; '\0' = the file */
	unsigned line, column;
	uint32_t place, last; /* its setting, and the last one in it */
	unsigned n; /* in it */
	char type; /* of what is in an array: b, i, f, s */
	struct lex_token comma; /* behind the last entry */
};

struct syntax {
	struct syntax_place *places;
	uint32_t n_places, room;
	struct syntax_fault fault[SYNTAX_FAULTS];
	unsigned n_faults;
	struct syntax_fix fix[SYNTAX_FAULTS + 2];
	unsigned n_fixes;
	bool stopped; /* the rest of the file was not looked at */
	bool gave_up; /* too deep or too much for this, not for libconfig: not a fault */

	struct lex lex;
	const char *text, *end;
	struct lex_token token, before; /* the one that is looked at, and the one before it */
	enum syntax_state state;
	struct syntax_frame frame[SYNTAX_DEPTH];
	unsigned depth; /* index of the innermost */
	uint32_t place; /* being read */
	struct lex_token multiline; /* the last string with an end of line in it; at NULL = none */
	struct lex_token unit; /* the last name that follows a number in its line */
	unsigned closed_line; /* of the last group that was closed */
	bool no_memory;
};

/**
 * @text  lives as long as @x, and ends with a NUL that @len does not count
 * Return 0 or -ENOMEM; syntax_wipe() in any case.
 */
NODISCARD int syntax_read(struct syntax *x, const char *text, size_t len);
void syntax_wipe(struct syntax *x);

/** The text with all replacements, to be freed; NULL without memory. @len its octets. */
char *syntax_mend(const struct syntax *x, size_t *len);

/** "clients.limits.max_sessions", for a place. */
void syntax_key(const struct syntax *x, uint32_t place, char *buf, size_t size);

/* --- between syntax.c and syntax_say.c: what to say about the token at hand --- */

/** Record a fault at the token at hand, and say no more about the rest of the file. */
void syntax_stop(struct syntax *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Record a fault at the token at hand that is seen through: octets are replaced. */
void syntax_see_through(struct syntax *x, const char *at, size_t len, const char *by,
			const char *format, ...) __attribute__((format(printf, 5, 6)));

/** The value of the setting at hand is not the one of the file. */
void syntax_distrust(struct syntax *x);

/** @by, or another value if that cannot stand in the array at hand. */
const char *syntax_any_value(struct syntax *x, const char *by);

/** The token at hand closes the innermost of the open brackets. */
bool syntax_closes(const struct syntax *x);
void syntax_close(struct syntax *x);

/** Octets that mean nothing to libconfig wherever they stand. Return whether it is one. */
bool syntax_say_character(struct syntax *x);

/** What is wrong with the whole text: that it is none. */
void syntax_say_text(struct syntax *x);

/** Each is called with a token that cannot stand where it is. */
void syntax_say_name(struct syntax *x); /* where a name should be */
void syntax_say_equals(struct syntax *x);
void syntax_say_value(struct syntax *x);
void syntax_say_after(struct syntax *x);
void syntax_say_end(struct syntax *x); /* the file ends, and a bracket is open */
