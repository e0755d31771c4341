// SPDX-License-Identifier: BSD-2-Clause
/*
 * What stands around the daemon under test, in place of a service manager: it makes the settings
 * and the listening socket, starts processes, hears what they notify, and keeps what they hand over.
 */
#pragma once

#include "tests/faults/faults.h"

#include <netinet/in.h>
#include <sys/types.h>

#define KEEPER_STORED 4

struct keeper {
	struct faults *faults;
	char folder[64];
	char config[80], notify[80], log[80];
	struct sockaddr_in control; /* where it listens */
	int listener, notified;
	uint16_t light, other_light, also;
	pid_t pid; /* 0: none runs */
	int stored[KEEPER_STORED];
	const char *names[KEEPER_STORED];
	unsigned n_stored;
};

void keeper_init(struct keeper *k, struct faults *f);
void keeper_wipe(struct keeper *k);

/** End the test: tell which fault it was, what is wrong, and what the daemon said. */
_Noreturn void keeper_die(const struct keeper *k, const char *what);

/** Start a process with what is stored. False if it did not become ready, and has ended well. */
bool keeper_start(struct keeper *k);

/** Other settings and SIGHUP: it has said that it is ready again. */
void keeper_reload(struct keeper *k);

/** End it; what it hands over is stored. It must end well. */
void keeper_end(struct keeper *k, int signum);
