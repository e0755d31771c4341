// SPDX-License-Identifier: BSD-2-Clause
/*
 * Tables for a terminal: the columns are rows of ctl_commands.c. Where they do not all fit, those
 * that matter least are left out; where there is no terminal, all are printed.
 */
#pragma once

#include "client/ctl/ctl_value.h"

struct ctl_column {
	const char *name; /* "RX"; NULL ends a list */
	const char *path; /* of the daemon's JSON */
	enum ctl_format format;
	unsigned rank; /* 1 = always there; the highest go first */
	const char *of; /* path of a second value: "3/10"; NULL = none */
};

/** @rows: an array of objects. @width: columns of the terminal, 0 = there is none. */
void ctl_table_print(const json_t *rows, const struct ctl_column *columns, unsigned width,
		     FILE *to);

/** By its name, whatever the case of the letters, or by its path; NULL = none. */
const struct ctl_column *ctl_table_column(const struct ctl_column *columns, const char *name);

/** By a column, most first, texts by letters. */
void ctl_table_sort(json_t *rows, const struct ctl_column *by);
