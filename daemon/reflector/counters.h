// SPDX-License-Identifier: BSD-2-Clause
/*
 * Counters of sessions, reflector threads and Light ports: counters.def says which there are.
 * Each set has one writer. Everybody else gets a copy, in which each counter is right by itself.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct carry;

enum counters_kind {
	COUNTERS_COUNT, /* grows */
	COUNTERS_BALANCE, /* grows, and sometimes shrinks; is added up all the same */
	COUNTERS_DROP, /* grows: why a packet was not answered */
	COUNTERS_GAUGE, /* a state: not added up */
};

enum counters_who {
	COUNTERS_SESSION = 1 << 0,
	COUNTERS_THREAD = 1 << 1, /* and so in the totals of all threads */
	COUNTERS_LIGHT = 1 << 2,
	COUNTERS_TOTAL = 1 << 3, /* only there */
	/* Told, also in journal fields, even if it is 0: */
	COUNTERS_TELL_SESSION = 1 << 4,
	COUNTERS_TELL_LIGHT = 1 << 5,
	COUNTERS_TELL_STATEFUL = 1 << 6, /* of Light ports that know their senders */
	COUNTERS_TELL = COUNTERS_TELL_SESSION | COUNTERS_TELL_LIGHT | COUNTERS_TELL_STATEFUL,
};

enum counter {
#define COUNTER(number, NAME, name, kind, unit, who, meaning) COUNTER_##NAME,
#include "daemon/reflector/counters.def"
#undef COUNTER
	COUNTER_COUNT
};

#define COUNTER_NONE COUNTER_COUNT /* no drop */

struct counters_row {
	uint16_t number;
	uint16_t who; /* bits */
	enum counters_kind kind;
	const char *field; /* TWAMPD_NAME */
	const char *name, *unit, *meaning;
};
extern const struct counters_row counters_rows[COUNTER_COUNT];

/* Written by one thread. */
struct counters {
	_Atomic uint64_t n[COUNTER_COUNT];
};

/* A copy. */
struct counters_values {
	uint64_t n[COUNTER_COUNT];
};

static inline uint64_t counters_get(const struct counters *c, enum counter i)
{
	return atomic_load_explicit(&c->n[i], memory_order_relaxed);
}

static inline void counters_set(struct counters *c, enum counter i, uint64_t value)
{
	atomic_store_explicit(&c->n[i], value, memory_order_relaxed);
}

/** One writer: no need for a locked instruction. */
static inline void counters_add(struct counters *c, enum counter i, uint64_t more)
{
	counters_set(c, i, counters_get(c, i) + more);
}

/** A copy of all of them. */
void counters_read(const struct counters *c, struct counters_values *out);

/** Add all but gauges. */
void counters_sum(struct counters_values *to, const struct counters_values *more);

uint64_t counters_dropped(const struct counters_values *v);

/** "received" and so on: those told, and then the reasons of drops that there are. */
void counters_text(const struct counters_values *v, unsigned tell, char *to, size_t size);

/** Whatever is not 0, by number, while nothing is counted: none can be left out. What the reader
 * does not know is skipped. */
void counters_carry(struct carry *c, struct counters_values *v);
