// SPDX-License-Identifier: BSD-2-Clause
/*
 * Threads that signals leave alone: these are for the one that waits for them.
 */
#pragma once

#include "protocol/wire.h"

#include <pthread.h>

/** @name  15 characters at most, as ps and top show it. Return 0 or negative errno. */
NODISCARD int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg);
