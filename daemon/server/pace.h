// SPDX-License-Identifier: BSD-2-Clause
/*
 * How many test packets each client sends in a second: what came to its sessions between two looks,
 * summed in rounds (meter.h). Who asks gets the sum of the last round that is complete.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Of a session. Zeros at first. */
struct pace_seen {
	uint64_t received;
	int64_t at_ns; /* 0 = it was not looked at yet */
};

/* Of a client. Zeros at first. */
struct pace_sum {
	uint32_t round; /* it was added to last */
	float sum; /* of this round */
	float before; /* of the one before */
};

/** Packets per second since the last look; 0 if there was none. */
double pace_look(struct pace_seen *s, uint64_t received, int64_t now_ns);

/** A session of the client in round @round. */
void pace_add(struct pace_sum *s, uint32_t round, double rate);

/** Packets per second of a client. @running: round @round is not complete. */
double pace_rate(const struct pace_sum *s, uint32_t round, bool running);
