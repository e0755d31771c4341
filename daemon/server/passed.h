// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sockets that the service manager listens on for us and passed to us (sd_listen_fds(3)): each
 * is looked at before it is used. With them no capability is needed for port 862.
 */
#pragma once

#include "protocol/wire.h"

#include <stddef.h>

#define PASSED_MAX 64 /* as many as the setting listen has */
#define PASSED_CONTROL "control" /* FileDescriptorName= of twampd.socket */

struct passed {
	int control[PASSED_MAX]; /* TCP, listening, IPv4 or IPv6, non-blocking */
	size_t n_control; /* 0 = the settings say where to listen */
};

/**
 * Take what was passed, if anything. To be called once, before any thread is there.
 * Return 0, or negative errno with @why naming the descriptor and what is wrong with it.
 */
NODISCARD int passed_take(struct passed *p, char *why, size_t size);
