// SPDX-License-Identifier: BSD-2-Clause
/* The options of twamp, one row each: what they are called, what they take, what they set. */
#pragma once

#include "client/cli/options.h"

enum optrow_kind {
	OPTROW_CALL, /* @call sets it */
	OPTROW_NUMBER, /* from @min to @max */
	OPTROW_DURATION, /* the same, in ns */
	OPTROW_TEXT, /* as it is, not empty */
	OPTROW_VALUE, /* takes none: becomes @min */
	OPTROW_FEATURES, /* takes none: the bits of @min are added */
};

struct optrow {
	const char *name;
	int letter; /* short option, or 0 */
	const char *arg; /* NULL: takes none */
	const char *accepts; /* what the value may be: for the error text */
	const char *help;
	unsigned commands; /* a bit per enum command */
	enum optrow_kind kind;
	bool (*call)(struct options *o, const char *text); /* false: not in @accepts */
	size_t at, size; /* the member of struct options that is set */
	int64_t min, max;
};

#define OPTROW_MEASURING (1u << COMMAND_CONTROLLER | 1u << COMMAND_SENDER)
#define OPTROW_COUNT 44
extern const struct optrow optrow_table[OPTROW_COUNT];

/** false: @text is not what the row @accepts. */
bool optrow_set(const struct optrow *r, struct options *o, const char *text);
