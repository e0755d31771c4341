// SPDX-License-Identifier: BSD-2-Clause
/*
 * From nothing to READY=1.
 */
#pragma once

#include "daemon/log/log.h"
#include "protocol/wire.h"

struct server;

#define START_EXIT_CONFIG 2 /* somebody has to correct the settings, or the command line */

/*
 * Both return 0, or the exit status: EXIT_FAILURE where another try may help, START_EXIT_CONFIG
 * where somebody has to correct the settings first. Why is in the log then.
 */

/** All is open, and nothing runs. @s has the path of its settings, and its guests. */
NODISCARD int start_open(struct server *s, enum log_target target);

/** From here on clients are served, first those of the process before. */
NODISCARD int start_serve(struct server *s);
