// SPDX-License-Identifier: BSD-2-Clause
/*
 * From nothing to READY=1.
 */
#pragma once

#include "daemon/server/server.h"

/**
 * Return 0, or the exit status: EXIT_FAILURE where another try may help, SERVER_EXIT_CONFIG where
 * somebody has to correct the settings first. Why is in the log then.
 */
NODISCARD int start_server(struct server *s, const struct server_options *o);
