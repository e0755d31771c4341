// SPDX-License-Identifier: BSD-2-Clause
/*
 * The messages and answers that move a control connection from state to state; control.h
 * is the way in. RFC 5357 3.
 */
#pragma once

#include "daemon/control/state.h"

/** First block of a command: what kind, and how much follows. */
void command_head(struct control *c, uint8_t *octets, struct mono now, struct control_out *out);

/** The rest of it: do what it says. RFC 5357 3.5-3.8 */
void command_body(struct control *c, const struct policy *p, uint8_t *octets, struct mono now,
		  struct control_out *out);

/** Octets of a command of unknown length. R-073 */
void command_skip(struct control *c, size_t len, struct mono now, struct control_out *out);

/** The answers to the orders OPEN and START. @body: the rest of the command again. */
void command_port_ready(struct control *c, const struct control_in *in, struct mono now,
			struct control_out *out);
void command_port_refused(struct control *c, const struct control_in *in, struct mono now,
			  struct control_out *out);
void command_started(struct control *c, const uint8_t *body, struct mono now,
		     struct control_out *out);

/** A session has ended: unlink it, unless its SID must be remembered. */
void command_session_ended(struct control *c, const struct policy *p, struct session *s,
			   struct mono now);

/** Remember the SID of a session that has ended at @s->ended. */
void command_keep(struct control *c, struct session *s);

/** Forget it: order FREE. */
void command_forget(struct control *c, struct session *s);

/**
 * Forget SIDs that were kept for CONTROL_KEPT_NS, and the oldest of more than a quarter of what a
 * connection may have.
 */
void command_age(struct control *c, const struct policy *p, struct mono now);

/** The connection ends, and what is active on it as if the client had stopped it. */
void command_retire(struct control *c, enum control_why why, struct control_out *out);

/** Put it last on the list; its SID is not known yet. */
void command_link(struct control *c, struct session *s);

/** From now on it is found by its SID. */
void command_index(struct control *c, struct session *s);

/** Take it off the lists. */
void command_unlink(struct control *c, struct session *s);
