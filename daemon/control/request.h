// SPDX-License-Identifier: BSD-2-Clause
/*
 * Is a Request-TW-Session one that can be granted? The checks that need nothing but the
 * request, the connection and the policy; limits are admit.h's. RFC 5357 3.5.
 */
#pragma once

#include "daemon/control/policy.h"
#include "daemon/control/session.h"
#include "protocol/accept.h"
#include "protocol/msg.h"

struct request_context {
	const struct address *local, *remote; /* of the control connection */
	uint32_t modes;
};

/**
 * Check a request and complete it: zero addresses become those of the connection.
 * @spec   filled in when REASON_OK comes back
 * @value  the offending value, for the log, otherwise 0
 * Order: what is not supported (3) before what is not allowed (1).  R-082..R-099
 */
enum reason request_check(const struct request_context *x, const struct policy *p,
			  const struct msg_request *m, struct session_spec *spec, uint64_t *value);
