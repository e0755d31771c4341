// SPDX-License-Identifier: BSD-2-Clause
/*
 * The settings of a running daemon, for those who ask what a reload would change: in a file of its
 * runtime directory (RUNTIME_DIRECTORY, "/run/twampd"), which has no secrets in it. Lines "KEY =
 * VALUE": who runs it, an empty line, and then settings_flat().
 */
#pragma once

#include "daemon/config/settings.h"

#include <sys/types.h>

struct running {
	pid_t pid;
	bool control_passed, light_passed; /* sockets by the service manager */
	unsigned n_keys;
	char *text; /* of the file */
	const char *flat; /* the part of the settings in it */
};

/**
 * Write what holds from now on. Without a runtime directory nothing is written.
 * @since_start  has the values that only a restart changes
 */
void running_tell(const struct settings *s, const struct settings *since_start, const char *config,
		  bool control_passed, bool light_passed);

/** Nothing runs any more. */
void running_forget(void);

/** The daemon whose settings file is @config, if one runs. running_wipe() in any case. */
bool running_find(const char *config, struct running *r);
void running_wipe(struct running *r);
