// SPDX-License-Identifier: BSD-2-Clause
/*
 * A reflector thread: its loop, the queue of orders that reaches it, and the list of ended
 * sessions that it hands back. Nodes live in the sessions: queues are bounded and never
 * allocate. What may run on this loop, and what it may wait for: docs/loops.md.
 */
#pragma once

#include "daemon/reflector/inside.h"

/** Prepare everything but the thread. Return 0 or negative errno; worker_free either way. */
NODISCARD int worker_init(struct worker *w, struct reflector *r);

/** Start the thread, named after @index, with all signals blocked. Return 0 or negative errno. */
NODISCARD int worker_run(struct worker *w, unsigned index);

/** Bind the thread to a CPU. Return 0 or negative errno. */
NODISCARD int worker_bind(struct worker *w, unsigned cpu);

/** Give the thread a priority of SCHED_FIFO. Return 0 or negative errno. */
NODISCARD int worker_prefer(struct worker *w, int priority);

/** Carry out the orders that wait, then end the thread and join it. */
void worker_join(struct worker *w);

/** The thread is joined. */
void worker_free(struct worker *w);

/**
 * Main thread: add an order for a session. Orders for one that has ended are nothing.
 * @stop_at  with WORKER_STOP; of several the earliest counts
 */
void worker_order(struct udp_session *u, enum worker_order order, struct mono stop_at);

/**
 * Main thread: end a session that was never started; its socket is closed.
 * Return false if it had ended before.
 */
bool worker_bury(struct udp_session *u);

/** Main thread: an ended session, which nobody else knows any more; NULL when there is none. */
struct udp_session *worker_pop_ended(struct worker *w);
