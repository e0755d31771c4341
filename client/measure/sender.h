// SPDX-License-Identifier: BSD-2-Clause
/*
 * The Session-Sender's loop: sends the packets of all probes on schedule, takes replies, and
 * ends when all are answered, the timeout is over, or somebody interrupts. RFC 5357 4.1.
 */
#pragma once

#include "client/measure/probe.h"
#include "client/measure/watcher.h"

enum sender_end {
	SENDER_DONE,
	SENDER_INTERRUPTED, /* what came until then is valid */
	SENDER_NO_SSID, /* replies came without the SSID, and the plan says to stop then */
	SENDER_CONTROL_LOST, /* the server ended the control connection */
};

struct sender;

/**
 * @watcher  who looks on, or NULL
 * @probes   @n of them; opened now, aimed before sender_run; owned by the caller
 * NULL: errno says why.
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

/** What was asked for, and what was reached. */
const struct schedule *sender_schedule(const struct sender *s);
