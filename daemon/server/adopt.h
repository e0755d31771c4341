// SPDX-License-Identifier: BSD-2-Clause
/*
 * Connections and sessions as they go from one process into the next: what is known about them,
 * and how they are taken up.
 */
#pragma once

#include "daemon/log/log.h"

struct carry;
struct server;

/** All of them, for the next process. */
void adopt_save(struct carry *k, struct server *s);

/** Those of the process before. What cannot go on is closed, and said in the log. No peer hears of
 * it before adopt_go_on(). False: the state ends too soon. */
bool adopt_load(struct carry *k, struct server *s);

/** Read and answer on all connections. */
void adopt_go_on(struct server *s);

/** An event about so many. */
void adopt_say(struct server *s, enum log_event e, uint32_t connections, uint32_t sessions);
