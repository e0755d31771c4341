// SPDX-License-Identifier: BSD-2-Clause
/*
 * Greeting, choice of the mode, Set-Up-Response and Server-Start from the client's side.
 * RFC 4656 3.1, RFC 5357 3.1.
 */
#pragma once

#include "client/control/access.h"
#include "client/control/channel.h"
#include "client/control/secret.h"

struct handshake {
	uint32_t offered; /* Modes of the greeting, 0 = none seen */
	uint32_t modes; /* what was selected: one security bit and features */
	struct crypt_keys keys; /* of this connection, if the mode has any; the caller wipes */
};

/** @features: asked for; @secret: NULL without one. OUTCOME_OK: the server waits for commands. */
NODISCARD int setup_run(struct handshake *h, struct channel *c, const struct access *a,
			uint32_t features, const struct secret *secret, struct outcome *out);
