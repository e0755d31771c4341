// SPDX-License-Identifier: BSD-2-Clause
/*
 * The distribution of delays in fixed memory: four cells to each octave, so that a quantile is off
 * by 12.5 % of itself at most, and by 2 us below 16 us. The last cell begins at 0.94 s and has no
 * end: a quantile in it is told as the largest delay there was. Pure.
 */
#pragma once

#include "daemon/reflector/share.h"

#include <stdint.h>

#define SPREAD_CELLS 68u
#define SPREAD_UNIT_SHIFT 12 /* cells of 2^12 ns at first */

struct spread {
	uint32_t cells[SPREAD_CELLS];
};

/** Which cell a delay of @ns >= 0 belongs to. */
static inline unsigned spread_cell(int64_t ns)
{
	uint64_t units = (uint64_t)ns >> SPREAD_UNIT_SHIFT;
	unsigned octave, cell;

	if (units < 4) {
		return (unsigned)units;
	}
	octave = 63u - (unsigned)__builtin_clzll(units);
	cell = (octave - 1) * 4 + (unsigned)(units >> (octave - 2) & 3);
	return cell < SPREAD_CELLS ? cell : SPREAD_CELLS - 1;
}

/** Where a cell begins, in ns; that of SPREAD_CELLS, where the last one would end. */
int64_t spread_from_ns(unsigned cell);

static inline void spread_add(struct spread *s, int64_t ns)
{
	unsigned cell = spread_cell(ns);

	if (s->cells[cell] != UINT32_MAX) {
		SHARE(s->cells[cell], s->cells[cell] + 1);
	}
}

/** How many there are. */
uint64_t spread_count(const struct spread *s);

/**
 * The delay that @per_mille of all do not exceed, as the middle of its cell, and not above @max_ns,
 * the largest there was. -1 if there are none.
 */
int64_t spread_quantile_ns(const struct spread *s, unsigned per_mille, int64_t max_ns);
