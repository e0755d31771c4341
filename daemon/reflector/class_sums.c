// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/class_sums.h"

#include "protocol/carry.h"

#include <stdlib.h>

struct class_sums {
	unsigned threads;
	struct class_row rows[];
};

struct class_sums *class_sums_new(unsigned threads)
{
	struct class_sums *s = calloc(1, sizeof *s + threads * sizeof s->rows[0]);

	if (s) {
		s->threads = threads;
	}
	return s;
}

void class_sums_free(struct class_sums *s)
{
	free(s);
}

struct class_row *class_sums_row(struct class_sums *s, unsigned thread)
{
	return &s->rows[thread];
}

void class_sums_read(const struct class_sums *s, struct class_sums_values *to)
{
	struct counters_values one;

	for (unsigned i = 0; s && i < s->threads; i++) {
		const struct class_row *row = &s->rows[i];

		counters_read(&row->n, &one);
		counters_sum(&to->n, &one);
		for (unsigned cell = 0; cell < SPREAD_CELLS; cell++) {
			to->delays[cell] += atomic_load_explicit(&row->delays[cell],
								 memory_order_relaxed);
		}
		to->delays_ns += atomic_load_explicit(&row->delays_ns, memory_order_relaxed);
	}
}

static void take_past(struct class_row *row, const struct class_sums_values *v)
{
	for (int i = 0; i < COUNTER_COUNT; i++) {
		counters_add(&row->n, (enum counter)i, v->n.n[i]);
	}
	for (unsigned cell = 0; cell < SPREAD_CELLS; cell++) {
		atomic_fetch_add(&row->delays[cell], v->delays[cell]);
	}
	atomic_fetch_add(&row->delays_ns, v->delays_ns);
}

void class_sums_carry(struct carry *c, struct class_sums *s)
{
	struct class_sums_values v = { 0 };

	if (c->way != CARRY_LOAD) {
		class_sums_read(s, &v);
	}
	counters_carry(c, &v.n);
	CARRY(c, v.delays);
	CARRY(c, v.delays_ns);
	if (c->way == CARRY_LOAD && s && !c->bad) {
		take_past(&s->rows[0], &v);
	}
}
