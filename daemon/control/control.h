// SPDX-License-Identifier: BSD-2-Clause
/*
 * The server's side of one TWAMP-Control connection: events in, octets and orders out. No
 * socket, no clock, no allocation. RFC 4656 3, RFC 5357 3.
 *
 * state     | legal input                  | answer, next state
 * ----------+------------------------------+---------------------------------------------
 * GREETED   | Set-Up-Response              | Server-Start 0 -> READY; != 0 -> CLOSING;
 *           |                              | Mode 0 -> CLOSING without answer   4656 3.1
 *           |                              | keyed mode: order DERIVE -> DERIVING
 * DERIVING  | KEY_READY, KEY_REFUSED       | Server-Start 0 -> READY; != 0 -> CLOSING
 * READY     | Request-TW-Session           | refused: Accept-Session; else order OPEN,
 *           |                              | -> OPENING                         5357 3.5
 *           | Start-Sessions               | Start-Ack 1, or orders START,
 *           |                              | -> STARTING                        5357 3.7
 *           | Stop-Sessions, right count   | nothing                            R-166
 * OPENING   | PORT_READY, PORT_REFUSED     | Accept-Session -> READY            5357 3.5
 * STARTING  | STARTED                      | Start-Ack -> ACTIVE or READY       5357 3.7
 * ACTIVE    | Stop-Sessions                | orders STOP -> READY; wrong count
 *           |                              | -> CLOSING                         5357 3.8
 *           | anything else of known size  | refused with 3, tests go on
 * any of READY, ACTIVE: a command of unknown length is answered with Accept-Session 3 and
 *           | discarded until it is quiet (skipping); keyed modes: the same
 *           | answer, -> CLOSING                                 5357 3.5, R-073
 * with individual session control (RFC 5938) READY and ACTIVE are alike but for SERVWAIT:
 *           | Request-TW-Session           | as above
 *           | Start-N-Sessions             | orders START -> STARTING; Start-N-Ack 5938 3.3
 *           | Stop-N-Sessions              | orders STOP; Stop-N-Ack              5938 3.5
 *           | Start-Sessions, Stop-Sessions| refused with 3                       5938 3.1
 * barred (the class or the key is gone): requests and starts are refused; what runs may finish,
 *           | for CONTROL_BARRED_S; SERVWAIT is not put off by what the client sends
 * CLOSING   | -                            | what is to be sent is flushed, -> DEAD
 * DEAD      | nothing
 */
#pragma once

#include "daemon/control/state.h"

/** One lower-case phrase: "the client closed the connection". */
const char *control_why_text(enum control_why why);

/** Zero, with addresses and counters to use; the first event is CONTROL_OPENED. */
void control_init(struct control *c, const struct address *local, const struct address *remote,
		  struct admit_total *total, struct admit_client *client);

/** Wipe what is secret. */
void control_wipe(struct control *c);

/** Octets that the next CONTROL_OCTETS must carry; 0 = none can be taken now. */
size_t control_want(const struct control *c);

/* Enough for every answer but those of individual control to many sessions at once. */
#define CONTROL_ROOM_USUAL (MSG_GREETING_LEN + (1 + ACCEPT_COUNT) * MSG_N_LEN(0))

/**
 * Octets that control_out must have room for at an event of @kind. 0 for what has no answer: such
 * an event can be fed however short memory is, as it must be. More than CONTROL_ROOM_USUAL only for
 * CONTROL_OCTETS, and for what its orders lead to.
 */
size_t control_room(const struct control *c, enum control_kind kind);

/**
 * One event. @now never goes back. @policy is what holds now (a reload changes it between events).
 * Orders are carried out after it returns, in this order: todo list, octets, open or start
 * (each answered by an event), close. Sessions stay linked until CONTROL_SESSION_ENDED; who
 * frees the control walks `first` and forgets them.
 */
void control_feed(struct control *c, const struct policy *policy, const struct control_in *in,
		  struct mono now, struct control_out *out);

/** What order OPEN is about. */
const struct session_spec *control_spec(const struct control *c);

/** Take the next session off the todo list; NULL = none. Its todo says what to do. */
struct session *control_next_todo(struct control *c, enum session_todo *todo);
