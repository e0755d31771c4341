// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who packets belong to, and by which rules they are answered: a session, or a Light port on a
 * thread. All that the data path (reflect.h, batch.h) knows of either. Its thread's.
 */
#pragma once

#include "daemon/reflector/counters.h"
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
	struct counters counters;
};

static inline void party_count(struct party *p, enum counter i, uint64_t more)
{
	counters_add(&p->counters, i, more);
	if (p->sums) {
		counters_add(p->sums, i, more);
	}
}
