// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who packets belong to, and by which rules they are answered: a session, or a Light port on a
 * thread. All that the data path (reflect.h, batch.h) knows of either. Its thread's.
 */
#pragma once

#include "daemon/reflector/class_sums.h"
#include "daemon/reflector/forward.h"
#include "daemon/reflector/slot.h"
#include "protocol/reflection.h"

/* Places in a party's bitmap of those that the kernel cuts up no runs for. */
#define PARTY_REFUSED 256

struct party {
	/* What stays: a cache line. */
	struct reflection_rules rules;
	uint32_t run_octets; /* the largest reply for UDP_SEGMENT; 0 = none */
	uint8_t tos; /* of replies, unless the socket or... */
	bool copy_tos; /* ... the packet has it; never its ECN */
	bool many; /* senders */
	struct counters *sums; /* of all of its kind, on this thread; NULL = there are none */
	struct class_row
		*_Atomic class; /* of its class, on this thread; set by the main thread; NULL ok */
	/* The main thread's to set, also while it runs; NULL = its class or port has no rates. */
	struct police_total *_Atomic total;

	struct slot hot;

	/* What is rare. Those that follow from hot.answered are 0 here: party_read. */
	struct counters rare;

	/* Where the kernel refused runs: of many senders whose, by code; of one run_octets is 0. */
	uint64_t *refused;
};

static inline struct class_row *party_class(const struct party *p)
{
	return atomic_load_explicit(&p->class, memory_order_acquire);
}

/** To what is added up besides. */
static inline void party_sum(struct party *p, enum counter i, uint64_t more)
{
	struct class_row *class = party_class(p);

	if (p->sums) {
		counters_add(p->sums, i, more);
	}
	if (class) {
		counters_add(&class->n, i, more);
	}
}

static inline void party_count(struct party *p, enum counter i, uint64_t more)
{
	counters_add(&p->rare, i, more);
	party_sum(p, i, more);
}

/** @n packets were received, and have no reply. */
static inline void party_drop(struct party *p, enum counter why, uint64_t n)
{
	party_count(p, why, n);
	party_sum(p, COUNTER_RECEIVED, n);
}

/** @n packets were received and answered, @stamped of them with the kernel's T2. */
static inline void party_answer(struct party *p, uint64_t n, uint64_t stamped)
{
	atomic_store_explicit(&p->hot.answered,
			      atomic_load_explicit(&p->hot.answered, memory_order_relaxed) + n,
			      memory_order_relaxed);
	party_sum(p, COUNTER_RECEIVED, n);
	party_sum(p, COUNTER_KERNEL_TIMESTAMPS, stamped);
}

/** A copy of all counters but those of a session that come from its flow. Any thread. */
void party_read(const struct party *p, struct counters_values *out);

/** One of them. */
uint64_t party_get(const struct party *p, enum counter i);

/** Add what party_read gave, of another one. While its thread stands still. */
void party_add(struct party *p, const struct counters_values *v);

/** What a packet brought. */
static inline void party_count_forward(struct party *p, const struct forward_step *brought)
{
	const struct flow_step *step = &brought->flow;

	if (!brought->any) {
		return;
	}
	if (step->gaps) {
		party_count(p, COUNTER_GAPS, (uint64_t)step->gaps);
	}
	if (step->duplicate) {
		party_count(p, COUNTER_DUPLICATES, 1);
	}
	if (step->reordered) {
		party_count(p, COUNTER_REORDERED, 1);
	}
	if (step->periods) {
		party_count(p, COUNTER_LOSS_PERIODS, step->periods);
	}
	if (brought->untimed) {
		party_count(p, COUNTER_UNTIMED, 1);
	}
	if (brought->congested) {
		party_count(p, COUNTER_ECN_CE, 1);
	}
}
