// SPDX-License-Identifier: BSD-2-Clause
/*
 * A list that can be read in pieces while it changes: a walk stands between two pieces at what
 * comes next, and moves on when that is removed. What is added meanwhile is not seen. Zeros are an
 * empty list. One thread uses it.
 */
#pragma once

#include <stdint.h>

struct roll_node {
	struct roll_node *next, *prev;
};

struct roll_walk {
	struct roll *of; /* NULL = it is over */
	struct roll_node *next; /* to be given */
	struct roll_node *last; /* that was given; NULL = none, or it is gone */
	struct roll_walk *other, *before;
};

struct roll {
	struct roll_node *first, *last; /* the newest, the oldest */
	struct roll_walk *walks;
	uint32_t n;
};

void roll_add(struct roll *r, struct roll_node *n);

/** @n is in it. */
void roll_remove(struct roll *r, struct roll_node *n);

/** From the newest to the oldest. The walk stays where it is, until roll_end. */
void roll_begin(struct roll *r, struct roll_walk *w);

/** NULL = there are no more. */
struct roll_node *roll_next(struct roll_walk *w);

/** It may be over already; so is one of zeros. */
void roll_end(struct roll_walk *w);
