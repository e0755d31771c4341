// SPDX-License-Identifier: BSD-2-Clause
/*
 * Inside of the control connection: what every step needs to answer, report and order.
 */
#pragma once

#include "daemon/control/state.h"

/** The next report, to be filled in. */
struct control_report *answer_report(struct control_out *out, enum control_fact fact);

/** Room for a message of @len octets. */
uint8_t *answer_room(struct control_out *out, size_t len);

/** A message with HMAC field is complete: protect it, where the mode wants it. RFC 4656 3.2 */
void answer_seal(struct control *c, uint8_t *message, size_t len);

/** Put an order on the todo list. */
void answer_todo(struct control *c, struct session *s, enum session_todo todo);

/** READY or ACTIVE, by what is running. */
void answer_settle(struct control *c, struct mono now);

/** The client was heard, which puts SERVWAIT off, but for who is barred. */
void answer_heard(struct control *c, struct mono now);

/**
 * The connection ends: what is accepted or active ends with it, what is stopping goes on to
 * the end of its Timeout. R-190
 */
void answer_leave(struct control *c, enum control_why why, struct control_out *out);
