// SPDX-License-Identifier: BSD-2-Clause
/*
 * Connections and sessions as they go from one process into the next: what is known about them,
 * and how they are taken up.
 */
#pragma once

#include "daemon/log/log.h"

struct carry;
struct conns;
struct inherited;

struct adopt {
	struct conns *conns;
	struct inherited *from; /* their sockets; to take them up */
	bool draining, drain_light; /* the process before was; with all ports of light */
};

/** sealed_write: all of them, for the next process. @context  struct adopt */
void adopt_save(struct carry *k, void *context);

/**
 * sealed_read: those of the process before. What cannot go on is closed, and said in the log. No
 * peer hears of it before adopt_go_on(). @context  struct adopt; false: the state ends too soon.
 */
bool adopt_load(struct carry *k, void *context);

/** Read and answer on all connections. */
void adopt_go_on(struct conns *cs);

/** An event about so many. */
void adopt_say(struct log *l, enum log_event e, uint32_t connections, uint32_t sessions);
