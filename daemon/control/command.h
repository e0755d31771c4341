// SPDX-License-Identifier: BSD-2-Clause
/*
 * The messages and answers that move a control connection from state to state; control.h
 * is the way in. RFC 5357 3.
 */
#pragma once

#include "daemon/control/control.h"

/** Send the Server-Greeting. RFC 4656 3.1 */
void command_open(struct control *c, const struct policy *p, const struct control_in *in,
		  struct mono now, struct control_out *out);

/** Set-Up-Response, @octets as long as control_want() said. RFC 4656 3.1 */
void command_setup(struct control *c, const struct policy *p, const uint8_t *octets,
		   struct mono now, struct control_out *out);

/** First block of a command: what kind, and how much follows. */
void command_head(struct control *c, const uint8_t *octets, struct mono now,
		  struct control_out *out);

/** The rest of it: do what it says. RFC 5357 3.5-3.8 */
void command_body(struct control *c, const struct policy *p, const uint8_t *octets, struct mono now,
		  struct control_out *out);

/** Octets of a command of unknown length. R-073 */
void command_skip(struct control *c, size_t len, struct mono now, struct control_out *out);

/** The answers to the orders of control_out. */
void command_port_ready(struct control *c, const struct control_in *in, struct control_out *out);
void command_port_refused(struct control *c, const struct control_in *in, struct control_out *out);
void command_started(struct control *c, struct mono now, struct control_out *out);

/** Unlink a session that has ended. */
void command_session_ended(struct control *c, struct session *s, struct mono now);

/**
 * The connection ends: what is accepted or active ends with it, what is stopping goes on to
 * the end of its Timeout. R-190
 */
void command_leave(struct control *c, enum control_why why, struct control_out *out);
