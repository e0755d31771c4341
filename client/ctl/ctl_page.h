// SPDX-License-Identifier: BSD-2-Clause
/* A page about one thing: lines with a label and what the daemon said, as rows of a table. */
#pragma once

#include "client/ctl/ctl_value.h"

struct ctl_line {
	const char *label; /* "" = below the line before; NULL ends a list */
	const char *template; /* of ctl_value_print() */
	const char
		*of; /* path: a line for each in that list, or for that object; NULL = the result */
	const char *
		when; /* only where this is set; with "!" before it, where it is not; NULL = always */
};

void ctl_page_print(const json_t *result, const struct ctl_line *lines, FILE *to);
