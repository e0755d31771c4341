// SPDX-License-Identifier: BSD-2-Clause
/*
 * From a name to an address that answers: all addresses of a host, tried one after the other in
 * the order of the system (RFC 6724), with less patience while others are left. RFC 8305 in
 * the small. What failed on the way is a note if another address works, else the outcome.
 */
#pragma once

#include "base/endpoint.h"
#include "client/measure/notes.h"
#include "client/measure/outcome.h"
#include "client/measure/plan.h"
#include "protocol/wire.h"

#define REACH_MAX 16

struct reach {
	union endpoint list[REACH_MAX];
	unsigned n;
};

/**
 * Addresses of the plan's host that its family and --source allow, with its port. An
 * IPv4-mapped address is IPv4. @type SOCK_STREAM or SOCK_DGRAM. Interruptible.
 * OUTCOME_OK, or why there is none.
 */
NODISCARD int reach_look_up(const struct plan *plan, int type, struct reach *r,
			    struct outcome *out);

/** TCP to the first that answers, nonblocking; each attempt is bounded by @timeout_ns. */
NODISCARD int reach_connect(const struct plan *plan, int64_t timeout_ns, int *fd,
			    struct notes *notes, struct outcome *out);

/**
 * The first address from which anything comes back when @packet is sent there by UDP, or the
 * last one without trying. A socket of its own, so that the reflector does not count it among
 * the packets of the session.
 */
NODISCARD int reach_knock(const struct plan *plan, const uint8_t *packet, size_t octets,
			  union endpoint *peer, struct notes *notes, struct outcome *out);
