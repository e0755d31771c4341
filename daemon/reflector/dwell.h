// SPDX-License-Identifier: BSD-2-Clause
/*
 * How long packets are here: from T2, their arrival, to T3, the departure of the reply. A count for
 * each power of two of nanoseconds. One writer, the reflector thread; others read it relaxed.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define DWELL_FIRST 10 /* all below 2^10 ns, about a microsecond, are one */
#define DWELL_ROWS 22 /* the last one: from 2^30 ns, about a second, on */

struct dwell {
	_Atomic uint64_t n[DWELL_ROWS];
	_Atomic uint64_t sum_ns;
};

/* A copy, or a sum. */
struct dwell_values {
	uint64_t n[DWELL_ROWS], sum_ns;
};

/** What is in row @i is shorter than this. Not of the last one. */
static inline uint64_t dwell_bound_ns(unsigned i)
{
	return UINT64_C(1) << (DWELL_FIRST + i);
}

static inline unsigned dwell_row(uint64_t ns)
{
	unsigned bits = 64u - (unsigned)__builtin_clzll(ns | 1);

	return bits <= DWELL_FIRST		 ? 0
	       : bits < DWELL_FIRST + DWELL_ROWS ? bits - DWELL_FIRST
						 : DWELL_ROWS - 1;
}

static inline void dwell_add(_Atomic uint64_t *to, uint64_t more)
{
	atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + more,
			      memory_order_relaxed);
}

/** @ns below 0, as the clock was set back: 0. */
static inline void dwell_note(struct dwell *d, int64_t ns)
{
	uint64_t here = ns > 0 ? (uint64_t)ns : 0;

	dwell_add(&d->n[dwell_row(here)], 1);
	dwell_add(&d->sum_ns, here);
}

static inline void dwell_sum(struct dwell_values *to, const struct dwell *d)
{
	for (unsigned i = 0; i < DWELL_ROWS; i++) {
		to->n[i] += atomic_load_explicit(&d->n[i], memory_order_relaxed);
	}
	to->sum_ns += atomic_load_explicit(&d->sum_ns, memory_order_relaxed);
}
