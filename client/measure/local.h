// SPDX-License-Identifier: BSD-2-Clause
/* Where test packets leave from: local addresses, bound UDP sockets. */
#pragma once

#include "base/endpoint.h"
#include "client/measure/outcome.h"
#include "client/measure/plan.h"

/** --source into *local, port 0. OUTCOME_OK, or OUTCOME_LOCAL if it is not of @family. */
NODISCARD int local_source(const struct plan *plan, int family, union endpoint *local,
			   struct outcome *out);

/**
 * Local address of test packets to @peer: --source, or what the system would take.
 * OUTCOME_OK or OUTCOME_LOCAL.
 */
NODISCARD int local_towards(const struct plan *plan, const union endpoint *peer,
			    union endpoint *local, struct outcome *out);

/** A nonblocking UDP socket, bound to @local in the port range; its port goes back into @local. */
NODISCARD int local_bind_udp(const struct plan *plan, union endpoint *local, int *fd,
			     struct outcome *out);
