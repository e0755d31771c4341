// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ctrl-C in every phase: SIGINT and SIGTERM are noted, and a descriptor becomes readable that
 * whoever waits looks at, too. The fourth one ends the process at once.
 */
#pragma once

#include "protocol/ts.h"

/** From here on. Return the descriptor, or a negative errno. Once in a process. */
int interrupt_start(void);

/** The descriptor, or -1 before interrupt_start. */
int interrupt_fd(void);

/** Interrupts since the last interrupt_clear. */
int interrupt_count(void);

/** What there was is heeded; what comes from now on ends the next wait. */
void interrupt_clear(void);

/**
 * Wait until @events of @fd (-1 = nothing) come, until @deadline, or for an interrupt.
 * Return 0, or a negative errno: -ETIMEDOUT, -EINTR for an interrupt (at once if one was before).
 */
int interrupt_poll(int fd, short events, struct mono deadline);
