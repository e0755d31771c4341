// SPDX-License-Identifier: BSD-2-Clause
/* Addresses and sockets of the client: text, local addresses, bound UDP sockets. */
#pragma once

#include "client/measure/outcome.h"
#include "client/measure/plan.h"
#include "protocol/wire.h"

#include <netinet/in.h>
#include <sys/socket.h>

union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
};

#define ENDPOINT_TEXT_LEN 72

socklen_t endpoint_len(const union endpoint *e);
uint16_t endpoint_port(const union endpoint *e);
void endpoint_set_port(union endpoint *e, uint16_t port);

/** "192.0.2.1" or "[2001:db8::1]:862" with @port; returns buf. */
const char *endpoint_text(const union endpoint *e, bool port, char buf[static ENDPOINT_TEXT_LEN]);

/** True if address and port are the same. */
bool endpoint_equal(const union endpoint *a, const union endpoint *b);

/** --source into *local, port 0. OUTCOME_OK, or OUTCOME_LOCAL if it is not of @family. */
NODISCARD int endpoint_source(const struct plan *plan, int family, union endpoint *local,
			      struct outcome *out);

/**
 * Local address of test packets to @peer: --source, or what the system would take.
 * OUTCOME_OK or OUTCOME_LOCAL.
 */
NODISCARD int endpoint_local(const struct plan *plan, const union endpoint *peer,
			     union endpoint *local, struct outcome *out);

/** A nonblocking UDP socket, bound to @local in the port range; its port goes back into @local. */
NODISCARD int endpoint_bind_udp(const struct plan *plan, union endpoint *local, int *fd,
				struct outcome *out);
