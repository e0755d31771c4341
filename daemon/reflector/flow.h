// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the Sequence Numbers of one sender tell: what is missing, came twice or late. Looking back
 * 64 numbers: skipping ahead adds the skipped ones to the gaps, a late one takes its own away
 * again. Further back a duplicate cannot be told from a late packet and counts as late. Numbers
 * compare modulo 2^32 (RFC 1982). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct carry;

/* Zero before the first packet. */
struct flow {
	bool any; /* there was a packet: the others are valid */
	uint32_t first, last, max;
	uint64_t window; /* bit i: max - i was seen */
	uint64_t gaps; /* missing so far */
};

/* What a packet brought. */
struct flow_step {
	int64_t gaps; /* so many more, or one less */
	bool duplicate, reordered;
};

/** The number is the next one, as nearly all are: then it is taken, and brings nothing new. */
static inline bool flow_follows(struct flow *f, uint32_t seq)
{
	if (!f->any || seq != f->max + 1) {
		return false;
	}
	f->window = f->window << 1 | 1;
	f->last = f->max = seq;
	return true;
}

struct flow_step flow_take(struct flow *f, uint32_t seq);

void flow_carry(struct carry *c, struct flow *f);
