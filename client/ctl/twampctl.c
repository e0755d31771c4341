// SPDX-License-Identifier: BSD-2-Clause
/* twampctl: asks a running twampd, and tells it what to do. */
#include "base/output.h"
#include "base/value.h"
#include "client/ctl/ctl_answer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CLEAR "\033[H\033[2J"

/* 0 = all columns. */
static unsigned find_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (columns && value_number(columns, 1, 10000, &n)) {
		return (unsigned)n;
	}
	return isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? size.ws_col : 0;
}

/* Who reads the output must learn that it is not all there. */
static int finish(int status)
{
	int error = output_flush();

	if (error) {
		fprintf(stderr, "twampctl: not all of the output could be written: %s\n",
			strerror(-error));
		return CTL_EXIT_USAGE;
	}
	return status;
}

static int watch(const struct ctl_options *o)
{
	bool terminal = isatty(STDOUT_FILENO);

	for (;;) {
		int status;

		if (terminal) {
			fputs(CLEAR, stdout);
		}
		status = finish(ctl_answer(o, find_width(), stdout, stderr));
		if (status == CTL_EXIT_USAGE) {
			return status;
		}
		(void)sleep(o->watch_s);
	}
}

int main(int argc, char **argv)
{
	struct ctl_options o;
	int status = CTL_EXIT_USAGE;

	if (output_hold()) {
		return CTL_EXIT_USAGE;
	}
	switch (ctl_options_parse(argc, argv, &o, stdout, stderr)) {
	case CTL_OPTIONS_RUN:
		status = o.watch_s ? watch(&o)
				   : finish(ctl_answer(&o, find_width(), stdout, stderr));
		break;
	case CTL_OPTIONS_DONE:
		status = finish(CTL_EXIT_OK);
		break;
	case CTL_OPTIONS_BAD:
		break;
	}
	ctl_options_wipe(&o);
	return status;
}
