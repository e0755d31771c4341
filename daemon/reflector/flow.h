// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the Sequence Numbers of one sender tell: what is missing, came twice or late. Looking back
 * 64 numbers: skipping ahead adds the skipped ones to the gaps, a late one takes its own away
 * again. Further back a duplicate cannot be told from a late packet and counts as late. Numbers
 * compare modulo 2^32 (RFC 1982).
 *
 * What is missing when it leaves these 64 is lost: consecutive ones are a loss period (RFC 3357).
 * A sender that begins to count anew, far away from where it was, begins anew here as well: what
 * lies between was neither lost nor late.
 *
 * Pure. One thread writes, with share.h; others read a copy.
 */
#pragma once

#include "daemon/reflector/share.h"

#include <stdbool.h>
#include <stdint.h>

struct carry;

/* Two packets in a row whose numbers follow each other, so far behind or ahead of the others, are a
 * new beginning. One alone is late, or nothing. */
#define FLOW_BEHIND_MAX 1024u
#define FLOW_AHEAD_MAX (UINT32_C(1) << 24)

/* Zero before the first packet. */
struct flow {
	bool any; /* there was a packet: the others are valid */
	bool astray; /* the packet before was far away */
	uint8_t known; /* so many bits of the window are numbers from the first packet on */
	uint32_t first, last, max;
	uint64_t window; /* bit i: max - i was seen */
	uint64_t gaps; /* missing so far */
	uint32_t run; /* lost in a row, at the end of what has left the window */
	uint32_t longest; /* run ever */
	uint32_t periods; /* runs */
	uint32_t extent; /* a packet came so many numbers behind the highest, at most */
	uint32_t restarts; /* new beginnings */
	uint32_t expected; /* astray: the number that makes it a new beginning */
};

/* What a packet brought. */
struct flow_step {
	int64_t gaps; /* so many more, or one less */
	uint32_t ahead; /* of the highest so far; 0 = not ahead */
	uint32_t periods; /* of loss that began */
	bool duplicate, reordered;
};

/** The number is the next one, as nearly all are: then it is taken, and brings nothing new. */
static inline bool flow_follows(struct flow *f, uint32_t seq)
{
	if (!f->any || seq != f->max + 1 || f->known < 64 || f->run || !(f->window >> 63) ||
	    f->astray) {
		return false;
	}
	SHARE(f->window, f->window << 1 | 1);
	SHARE(f->last, seq);
	SHARE(f->max, seq);
	return true;
}

struct flow_step flow_take(struct flow *f, uint32_t seq);

/** In a copy: what is missing now is lost. */
void flow_settle(struct flow *f);

void flow_carry(struct carry *c, struct flow *f);
