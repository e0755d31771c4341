// SPDX-License-Identifier: BSD-2-Clause
/*
 * Looks at all sessions in turn, a piece each second, and says where the way to here is worse than
 * the class may have it (watch.h), and where it is good again.
 */
#pragma once

#include "base/roll.h"

#include <stdint.h>

struct conns;

#define PATROL_ROUND_NS INT64_C(10000000000) /* from one begin to the next, at least */
#define PATROL_PIECE 2000 /* sessions in a second */

/* Zeros at first. Stays where it is until patrol_end(). */
struct patrol {
	struct roll_walk at;
	int64_t begun_ns; /* the round */
	uint32_t raised; /* ways that were told as bad in this round, or before */
};

/** Once a second. @now_ns: monotonic, more than 0. */
void patrol_tick(struct patrol *p, struct conns *cs, int64_t now_ns);

void patrol_end(struct patrol *p);
