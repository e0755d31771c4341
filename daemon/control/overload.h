// SPDX-License-Identifier: BSD-2-Clause
/*
 * Overload, measured once a second: Accept 5 before the server breaks down under what it has
 * taken on. Each measure switches on above one value and off below a lower one, so that it does
 * not flutter. What runs has priority over what is new.
 */
#pragma once

#include "daemon/control/admit.h"

#include <stdint.h>

struct overload {
	/* Set by the operator (group "overload"); 0 = not looked at. */
	uint32_t loop_lag_ms; /* the main loop comes late by so much */
	uint32_t reflector_busy; /* percent of a CPU, the busiest reflector thread */
	uint32_t memory_used; /* percent of the memory limit of the control group */
	uint32_t memory_pressure; /* percent of time that tasks waited for memory (PSI, 10 s) */
	uint32_t send_drops; /* replies per second that the kernel did not take */
	uint32_t receive_drops; /* packets per second that our receive queues had no room for */
};

/* What was measured. Unknown = negative. */
struct overload_sample {
	double loop_lag_ms, reflector_busy, memory_used, memory_pressure, send_drops, receive_drops;
};

/* Which measures are above their limits: each by itself, so that none holds on to what another
 * began. */
struct overload_marks {
	bool loop_lag, reflector_busy, memory_used, memory_pressure, send_drops, receive_drops;
};

/**
 * Set the flags cpu_load, memory_low and net_buffers of @t; the lower bounds are 70 percent of
 * the limits. @memory_low: short for another reason, too. Pure.
 * Return true if a flag has changed.
 */
bool overload_judge(struct admit_total *t, struct overload_marks *marks,
		    const struct overload *limits, const struct overload_sample *now,
		    bool memory_low);

#define OVERLOAD_TEXT_LEN 600
/**
 * What is too much, each with the measure, its value and the limit: "cpu-load: overload.loop_lag
 * is 350 ms, the limit 200 ms". @now: what @marks were judged by. Returns @buf. Pure.
 */
char *overload_text(const struct admit_total *t, const struct overload_marks *marks,
		    const struct overload *limits, const struct overload_sample *now,
		    char buf[static OVERLOAD_TEXT_LEN]);
