// SPDX-License-Identifier: BSD-2-Clause
/*
 * The socket of a test session: options, kernel timestamps of both directions, and what this
 * host drops. Linux's SO_TIMESTAMPING (Documentation/networking/timestamping).
 */
#pragma once

#include "base/sock.h"
#include "client/measure/outcome.h"
#include "client/measure/plan.h"

/** DSCP, TTL, fragments rather than silence (T-027), a large receive buffer. 0 or negative errno. */
NODISCARD int probe_sock_set(int fd, const struct plan *plan, int family);

/**
 * Have the kernel stamp what arrives, and with @departures tell when packets leave, numbered
 * from 0. Return whether it will tell departures.
 */
bool probe_sock_stamp(int fd, bool departures);

/** What came from the error queue: packet @number left @at. False if it was something else. */
bool probe_sock_departure(struct msghdr *m, uint32_t *number, struct wall *at);
