// SPDX-License-Identifier: BSD-2-Clause
/*
 * Looks at all sessions in turn, a piece each second, for the packets per second of each client
 * (pace.h).
 */
#pragma once

#include "base/roll.h"

#include <stdint.h>

struct conns;
struct pace_sum;

#define METER_ROUND_NS INT64_C(1900000000) /* from one begin to the next: two ticks, at least */
#define METER_PIECE 4000 /* sessions in a second */

/* Zeros at first. Stays where it is until meter_end(). */
struct meter {
	struct roll_walk at; /* at.of: a round is under way */
	int64_t begun_ns;
	uint32_t round;
};

/** Once a second. @now_ns: monotonic, more than 0. */
void meter_tick(struct meter *m, struct conns *cs, int64_t now_ns);
void meter_end(struct meter *m);

/** Packets per second of a client. */
double meter_rate(const struct meter *m, const struct pace_sum *s);
