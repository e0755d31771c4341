// SPDX-License-Identifier: BSD-2-Clause
/*
 * Final counters of sessions, which are never lost: what the budget of the log does not allow now
 * waits, client by client in turn, and comes as soon as it does. Of a client that has too many
 * waiting, and where memory is short, the counters of the others are summed and told as one.
 * Main thread only.
 */
#pragma once

#include "daemon/control/session.h"
#include "daemon/log/log.h"
#include "daemon/reflector/forward.h"
#include "daemon/reflector/reflector.h"

#define ENDS_WAITING 8192u /* sessions in all */
#define ENDS_OF_CLIENT 1024u
#define ENDS_CLIENTS 64u /* that have any; more are told as one */

struct ends;

/** @l is used as long as this lives. Return 0 or -ENOMEM. */
NODISCARD int ends_new(struct ends **out, struct log *l);

/** Tells all that waits. NULL ok. */
void ends_free(struct ends *e);

/**
 * A session has ended.
 * @peer   of its control connection
 * @class  its name; "" = none
 * @forward  udp_forward()
 */
void ends_add(struct ends *e, const struct address *peer, const struct session *s,
	      const char *class, enum udp_end why, const struct counters_values *n,
	      const struct forward *forward);

/** Once a second: what may be told now. */
void ends_tick(struct ends *e);
