// SPDX-License-Identifier: BSD-2-Clause
/*
 * The Session-Sender's loop: sends the packets of all probes on schedule, takes replies, and
 * ends when all are answered, the timeout is over, or somebody interrupts. RFC 5357 4.1.
 */
#pragma once

#include "client/measure/plan.h"
#include "client/measure/probe.h"
#include "client/measure/watcher.h"

enum sender_end {
	SENDER_DONE,
	SENDER_INTERRUPTED, /* SIGINT or SIGTERM: what came until then is valid */
	SENDER_CONTROL_LOST, /* the server ended the control connection */
};

struct sender;

/**
 * @watcher  who looks on, or NULL
 * @probes   @n of them; opened now, aimed before sender_run; owned by the caller
 * From here on SIGINT and SIGTERM are noted rather than deadly. NULL: errno says why.
 */
struct sender *sender_new(const struct plan *plan, const struct watcher *watcher,
			  struct probe *probes, uint32_t n);
void sender_free(struct sender *s);

/** Only the first @n probes take part. */
void sender_limit(struct sender *s, uint32_t n);

/** Run the test. @control_fd is watched for its end, -1 = none. */
enum sender_end sender_run(struct sender *s, int control_fd);

/** Summary of the state of our clock over the run: synchronised at every look, largest error. */
struct ts_error sender_clock(const struct sender *s);
