// SPDX-License-Identifier: BSD-2-Clause
/*
 * The signals that the server is told things by. None that comes early may end it: they are held
 * until it can handle them.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>

#define SIGNALS_HANDOVER (SIGRTMIN + 1) /* RestartKillSignal= of twampd.service */

/** Signals that are for server_run() wait until they can be handled. */
void signals_hold(bool hold);

/** While they are held: sleep, but no longer than until one comes. */
void signals_await(unsigned seconds);
