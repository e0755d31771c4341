// SPDX-License-Identifier: BSD-2-Clause
/*
 * The socket of a test session: options, kernel timestamps of both directions, and what this
 * host drops. Linux's SO_TIMESTAMPING (Documentation/networking/timestamping).
 */
#pragma once

#include "base/endpoint.h"
#include "client/measure/outcome.h"
#include "client/measure/plan.h"

#define PROBE_SOCK_CONTROL 192 /* octets of control messages of a datagram */

/** DSCP, TTL, fragments rather than silence (T-027), a large receive buffer. 0 or negative errno. */
NODISCARD int probe_sock_set(int fd, const struct plan *plan, int family);

/**
 * Have the kernel stamp what arrives, and with @departures tell when packets leave, numbered
 * from 0. Return whether it will tell departures.
 */
bool probe_sock_stamp(int fd, bool departures);

/* What came along with a datagram. */
struct probe_sock_meta {
	struct wall stamp; /* valid if stamped */
	bool stamped;
	int ttl, tos; /* -1 = unknown */
	bool departure; /* of packet @number, at @stamp: read from the error queue */
	uint32_t number;
};

void probe_sock_meta(struct msghdr *m, struct probe_sock_meta *out);

/** Datagrams that found the receive buffer full, since the socket was made. */
uint64_t probe_sock_drops(int fd);
