// SPDX-License-Identifier: BSD-2-Clause
/*
 * What came of a reload, from the daemon to who asked for it: ExecReload= of the unit waits for it
 * and fails as the reload did. It is a line in a file of the runtime directory, which says at what
 * moment the reload began.
 */
#pragma once

#include "base/clock.h"
#include "protocol/wire.h"

#include <sys/types.h>

/** Tell how the reload that began at @begun ended. @why NULL = well. Without a runtime directory
 * (RUNTIME_DIRECTORY) nobody is told. */
void verdict_tell(struct mono begun, const char *why);

/** Have @pid reload, wait for the verdict, and say it on stderr. Return an exit status. */
NODISCARD int verdict_ask(pid_t pid);
