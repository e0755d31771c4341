// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who packets belong to, and by which rules they are answered: a session, or a Light port on a
 * thread. All that the data path (reflect.h, batch.h) knows of either. Its thread's.
 */
#pragma once

#include "daemon/reflector/class_sums.h"
#include "daemon/reflector/forward.h"
#include "protocol/reflection.h"

/* Places in a party's bitmap of those that the kernel cuts up no runs for. */
#define PARTY_REFUSED 256

struct party {
	struct reflection_rules rules;
	uint32_t run_octets; /* the largest reply for UDP_SEGMENT; 0 = none */
	uint8_t tos; /* of replies, unless the socket or... */
	bool copy_tos; /* ... the packet has it; never its ECN */
	/* Of many senders: whose runs were refused, by code. NULL: of one, then run_octets is 0. */
	uint64_t *refused;
	struct counters *sums; /* of all of its kind, on this thread; NULL = there are none */
	struct class_row
		*_Atomic class; /* of its class, on this thread; set by the main thread; NULL ok */
	struct counters counters;
};

static inline struct class_row *party_class(const struct party *p)
{
	return atomic_load_explicit(&p->class, memory_order_acquire);
}

static inline void party_count(struct party *p, enum counter i, uint64_t more)
{
	struct class_row *class = party_class(p);

	counters_add(&p->counters, i, more);
	if (p->sums) {
		counters_add(p->sums, i, more);
	}
	if (class) {
		counters_add(&class->n, i, more);
	}
}

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
