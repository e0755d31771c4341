// SPDX-License-Identifier: BSD-2-Clause
/*
 * A restart that no client notices: all sockets go to the service manager's store, and what is
 * known about them into a sealed memory file that goes with them. The next process takes them up;
 * what arrives meanwhile waits in the kernel. sd_notify(3) FDSTORE.
 */
#pragma once

#include <stdbool.h>

struct server;

/**
 * Hand everything over. True: this process has to end, and to leave its sockets alone. False: the
 * reason is in the log, and all is as it was.
 */
bool handover_give(struct server *s);

/**
 * Take up what the process before has left, if anything. What cannot go on is closed, and said in
 * the log. No peer notices it yet, and all of it stays in the store: who ends now leaves it to the
 * next one.
 */
void handover_take(struct server *s);

/** READY=1: the store gives up what was taken, and its connections go on. */
void handover_ready(struct server *s);
