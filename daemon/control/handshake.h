// SPDX-License-Identifier: BSD-2-Clause
/*
 * From the Server-Greeting to Server-Start. RFC 4656 3.1, RFC 5357 3.1
 */
#pragma once

#include "daemon/control/state.h"

/** Send the Server-Greeting; with no mode to offer, Modes 0 and the end. */
void handshake_open(struct control *c, const struct policy *p, const struct control_in *in,
		    struct mono now, struct control_out *out);

/** Set-Up-Response, @octets as long as control_want() said. */
void handshake_setup(struct control *c, const struct policy *p, const uint8_t *octets,
		     struct mono now, struct control_out *out);

/** The answers to order DERIVE. */
void handshake_key_ready(struct control *c, const struct policy *p, const struct control_in *in,
			 struct mono now, struct control_out *out);
void handshake_key_refused(struct control *c, const struct policy *p, enum reason why,
			   struct mono now, struct control_out *out);
