// SPDX-License-Identifier: BSD-2-Clause
#include "client/ctl/ctl_diff.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOT_RUN 3
#define PROGRAM "twampd"

/* Where the daemon keeps the settings in force: beside its socket. */
static void tell_folder(const char *socket)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(socket, '/');

	(void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - socket) : 1,
		       slash ? socket : ".");
	(void)setenv("RUNTIME_DIRECTORY", folder, 1);
}

/* The one that was installed with this program, else that of PATH. */
static void run(char *const arguments[])
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof PROGRAM);
	char *slash;

	if (n > 0) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		if (slash) {
			memcpy(slash + 1, PROGRAM, sizeof PROGRAM);
			(void)execv(path, arguments);
		}
	}
	(void)execvp(PROGRAM, arguments);
}

int ctl_diff(const struct ctl_options *o, const json_t *status, FILE *err)
{
	const char *file = json_string_value(ctl_value_at(status, "settings.file"));
	char json[] = "--json";
	char *arguments[] = { (char[]){ PROGRAM },
			      (char[]){ "--check-config" },
			      (char[]){ "--config" },
			      strdup(file ? file : ""),
			      NULL,
			      NULL };

	if (o->json) {
		arguments[4] = json;
	}
	tell_folder(o->path);
	if (arguments[3]) {
		run(arguments);
	}
	fprintf(err, "twampctl: cannot run " PROGRAM ": %s\n", strerror(errno));
	free(arguments[3]);
	return NOT_RUN;
}
