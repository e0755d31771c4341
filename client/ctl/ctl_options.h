// SPDX-License-Identifier: BSD-2-Clause
/* The command line of twampctl. */
#pragma once

#include "client/ctl/ctl_commands.h"

struct ctl_options {
	const struct ctl_command *command;
	char path[108]; /* of the socket */
	bool json;
	bool wide; /* all columns */
	unsigned watch_s; /* 0 = once */
	const char *sort; /* a column; NULL = as they come */
	unsigned long top; /* 0 = all */
	json_t *args; /* of the daemon's command */
};

enum ctl_options_result {
	CTL_OPTIONS_RUN,
	CTL_OPTIONS_DONE, /* help or version was printed */
	CTL_OPTIONS_BAD, /* and why was printed to @err */
};

/** ctl_options_wipe() in any case. */
enum ctl_options_result ctl_options_parse(int argc, char **argv, struct ctl_options *o, FILE *out,
					  FILE *err);
void ctl_options_wipe(struct ctl_options *o);
