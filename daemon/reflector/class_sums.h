// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the sessions of a class of clients brought, from its first one on: counters, and how far
 * delays were above the least. A row for each reflector thread, which alone writes it; who reads
 * adds them up.
 */
#pragma once

#include "daemon/reflector/counters.h"
#include "daemon/reflector/spread.h"

#include <stdatomic.h>

struct class_row {
	struct counters n;
	_Atomic uint64_t delays[SPREAD_CELLS]; /* by spread_cell */
	_Atomic uint64_t delays_ns; /* all of them together */
};

struct class_sums; /* outlives its sessions */

/** With a row for each of the threads: see reflector_class. NULL = no memory. */
struct class_sums *class_sums_new(unsigned threads);
void class_sums_free(struct class_sums *s); /* NULL ok */

struct class_row *class_sums_row(struct class_sums *s, unsigned thread);

/** Of the thread that owns the row. */
static inline void class_row_delay(struct class_row *row, int64_t ns)
{
	_Atomic uint64_t *cell = &row->delays[spread_cell(ns)];

	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	atomic_store_explicit(&row->delays_ns,
			      atomic_load_explicit(&row->delays_ns, memory_order_relaxed) +
				      (uint64_t)ns,
			      memory_order_relaxed);
}

struct class_sums_values {
	struct counters_values n;
	uint64_t delays[SPREAD_CELLS];
	uint64_t delays_ns;
};

struct carry;

/** For the next process; while nothing is counted. @s NULL: there is nothing yet, or no memory. */
void class_sums_carry(struct carry *c, struct class_sums *s);

/** Add what is there now. @s NULL: nothing. */
void class_sums_read(const struct class_sums *s, struct class_sums_values *to);
