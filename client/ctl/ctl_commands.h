// SPDX-License-Identifier: BSD-2-Clause
/*
 * The commands of twampctl: what each takes and how its answer is shown. The only place that knows
 * columns and labels; twampctl(8) has the same.
 */
#pragma once

#include "client/ctl/ctl_page.h"
#include "client/ctl/ctl_table.h"

#include <stdbool.h>

enum ctl_kind {
	CTL_FLAG, /* takes no value */
	CTL_AS_IT_IS, /* a flag that says what is so anyway */
	CTL_WIDE, /* a flag: all columns, however wide the terminal is */
	CTL_STRING,
	CTL_COUNT, /* 0.. */
	CTL_SECONDS, /* "120", "10m", "1h" */
};

struct ctl_option {
	const char *name; /* "--client"; NULL ends a list */
	const char *value; /* "ADDRESS"; NULL = a flag */
	const char *key; /* argument of the daemon's command */
	enum ctl_kind kind;
};

struct ctl_command {
	const char *words; /* "end session"; NULL ends the table */
	const char *verb; /* the daemon's */
	const char
		*operand; /* argument that stands without an option, NULL = none; "SID" in help */
	const char *operand_key;
	enum ctl_kind operand_kind;
	bool optional; /* the operand */
	const struct ctl_option *options; /* NULL = none */
	const char *items; /* their name in JSON; NULL = the answer is one result */
	const struct ctl_column *columns; /* of items */
	const struct ctl_line *page; /* of the result; NULL = it is not printed */
	bool stale; /* the result is completed by ctl_stale() */
	bool diff; /* the result is taken to ctl_diff() */
	bool text; /* the result has one, which is printed as it is */
	bool yang; /* to ctl_yang(), with the items */
	const char *help;
};

extern const struct ctl_command ctl_commands[];
