// SPDX-License-Identifier: BSD-2-Clause
/*
 * The server and its session-reflector in the words of the YANG model ietf-twamp (RFC 8913), as JSON
 * (RFC 7951). What the model cannot say is left out: docs/yang.md.
 */
#pragma once

#include "daemon/admin/tell.h"
#include "daemon/server/view.h"

/** {"ietf-twamp:twamp":{...}}: what is configured. @state: what is in force, without the lists. */
json_t *tell_yang(const struct server *s, bool state);

/** An entry of server/ctrl-connection. */
json_t *tell_yang_connection(const struct view_connection *c, const struct view_greeting *g);

/** The model has such ports. */
bool tell_yang_fits(const struct view_session *v);

/** An entry of session-reflector/test-session. */
json_t *tell_yang_session(const struct view_session *v);
