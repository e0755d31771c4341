// SPDX-License-Identifier: BSD-2-Clause
/* The options of twamp, one row each: what they are called, what they take, what they set. */
#pragma once

#include "client/options.h"

struct optrow {
	const char *name;
	int letter; /* short option, or 0 */
	const char *arg; /* NULL: takes none */
	const char *accepts; /* what the value may be: for the error text */
	const char *help;
	unsigned commands; /* a bit per enum command */
	bool (*set)(struct options *o, const char *text); /* false: not in @accepts */
};

#define OPTROW_MEASURING (1u << COMMAND_CONTROLLER | 1u << COMMAND_SENDER)
#define OPTROW_COUNT 34
extern const struct optrow optrow_table[OPTROW_COUNT];
