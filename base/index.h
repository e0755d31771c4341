// SPDX-License-Identifier: BSD-2-Clause
/*
 * A hash table that never stands still to grow: with each node put in, one bucket is split
 * (linear hashing). Nodes live in what they find. One thread uses it; memory for more buckets
 * comes from index_reserve, which another thread may call meanwhile.
 */
#pragma once

#include "protocol/wire.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define INDEX_SEGMENT 1024u /* buckets */
#define INDEX_SEGMENTS 1024u /* beyond these buckets the chains grow */

struct index_node {
	struct index_node *next;
	uint32_t hash;
};

struct index_segment {
	struct index_node *heads[INDEX_SEGMENT];
};

struct index {
	struct index_segment *_Atomic segments[INDEX_SEGMENTS];
	uint32_t buckets; /* in use */
	uint32_t low; /* the power of two at or below it */
	uint32_t count;
};

/** Room for @nodes, to have a bucket for each. Return 0 or -ENOMEM; without a first success
 * nothing can be put in. One thread at a time. */
NODISCARD int index_reserve(struct index *x, uint32_t nodes);

/** Forget all nodes. */
void index_wipe(struct index *x);

void index_put(struct index *x, struct index_node *n, uint32_t hash);

/** @n is in it. */
void index_remove(struct index *x, struct index_node *n);

static inline struct index_node **index_bucket(const struct index *x, uint32_t i)
{
	struct index_segment *s = atomic_load_explicit(&x->segments[i / INDEX_SEGMENT],
						       memory_order_relaxed);

	return &s->heads[i % INDEX_SEGMENT];
}

static inline uint32_t index_of(const struct index *x, uint32_t hash)
{
	uint32_t i = hash & (2 * x->low - 1);

	return i < x->buckets ? i : hash & (x->low - 1);
}

/** index_first of this hash will be asked for soon. */
static inline void index_fetch(const struct index *x, uint32_t hash)
{
	if (x->buckets) {
		__builtin_prefetch(index_bucket(x, index_of(x, hash)));
	}
}

/** The first node that may have this hash: go on by next, and compare the hash; NULL if none. */
static inline struct index_node *index_first(const struct index *x, uint32_t hash)
{
	return x->buckets ? *index_bucket(x, index_of(x, hash)) : NULL;
}
