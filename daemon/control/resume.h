// SPDX-License-Identifier: BSD-2-Clause
/*
 * Control connections and sessions for the next process (protocol/carry.h). What they point to
 * is not carried: counters, and the list of sessions, which is linked anew. Neither is what the
 * settings say about them: class and barred, which the server finds out anew.
 *
 * States go by their number, which never changes; reasons by their key; modes, features and
 * commands as they are on the wire. So no table that grows can make a state mean something else.
 */
#pragma once

#include "daemon/control/state.h"
#include "protocol/carry.h"

void resume_address(struct carry *c, struct address *a);

/**
 * A connection at rest: no order is open but DERIVE, which is then to be given anew. Loading
 * fills what control_init made, and has the server's memory for secrets if it may be keyed; bad
 * if it is not in a state that it could be saved in.
 */
void resume_control(struct carry *c, struct control *control);

/** A session without its links and its todo. */
void resume_session(struct carry *c, struct session *s);

/** A loaded session belongs to the connection again; to be called from the oldest on. */
void resume_link(struct control *c, struct session *s);

/** All sessions that could be loaded are linked. */
void resume_settle(struct control *c, struct mono now);
