// SPDX-License-Identifier: BSD-2-Clause
/* What the server holds, one by one: connections, sessions, clients, refusals. */
#pragma once

#include "daemon/admin/tell.h"
#include "daemon/server/view.h"

json_t *tell_connection(const struct view_connection *v);

/** As in a list. */
json_t *tell_session(const struct view_session *v);

/** Everything about one: what it asked for, all counters, and what its packets tell. */
json_t *tell_session_whole(const struct view_session *v, const struct forward *f);

json_t *tell_client(const struct view_client *v);
json_t *tell_refusal(const struct refusal *v);

/** {"received": N, ...}: those of @who (enum counters_who); gauges, too. */
json_t *tell_counters(const struct counters_values *n, unsigned who);

/** The name of a state: "active". */
const char *tell_session_state(enum session_state s);
const char *tell_control_state(enum control_state s);
