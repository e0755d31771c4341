// SPDX-License-Identifier: BSD-2-Clause
/*
 * A hash table that never stands still to grow: with each node put in, one bucket is split
 * (linear hashing). Nodes live in what they find. One thread uses it; memory for more buckets
 * comes from hashmap_reserve, which another thread may call meanwhile.
 */
#pragma once

#include "protocol/wire.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HASHMAP_SEGMENT 1024u /* buckets */
#define HASHMAP_SEGMENTS 1024u /* beyond these buckets the chains grow */

struct hashmap_node {
	struct hashmap_node *next;
	uint32_t hash;
};

struct hashmap_segment {
	struct hashmap_node *heads[HASHMAP_SEGMENT];
};

struct hashmap {
	struct hashmap_segment *_Atomic segments[HASHMAP_SEGMENTS];
	uint32_t buckets; /* in use */
	uint32_t low; /* the power of two at or below it */
	uint32_t count;
};

/** Room for @nodes, to have a bucket for each. Return 0 or -ENOMEM; without a first success
 * nothing can be put in. One thread at a time. */
NODISCARD int hashmap_reserve(struct hashmap *x, uint32_t nodes);

/** Forget all nodes. */
void hashmap_wipe(struct hashmap *x);

void hashmap_put(struct hashmap *x, struct hashmap_node *n, uint32_t hash);

/** @n is in it. */
void hashmap_remove(struct hashmap *x, struct hashmap_node *n);

static inline struct hashmap_node **hashmap_bucket(const struct hashmap *x, uint32_t i)
{
	struct hashmap_segment *s = atomic_load_explicit(&x->segments[i / HASHMAP_SEGMENT],
							 memory_order_relaxed);

	return &s->heads[i % HASHMAP_SEGMENT];
}

static inline uint32_t hashmap_of(const struct hashmap *x, uint32_t hash)
{
	uint32_t i = hash & (2 * x->low - 1);

	return i < x->buckets ? i : hash & (x->low - 1);
}

/** hashmap_first of this hash will be asked for soon. */
static inline void hashmap_fetch(const struct hashmap *x, uint32_t hash)
{
	if (x->buckets) {
		__builtin_prefetch(hashmap_bucket(x, hashmap_of(x, hash)));
	}
}

/** The first node that may have this hash: go on by next, and compare the hash; NULL if none. */
static inline struct hashmap_node *hashmap_first(const struct hashmap *x, uint32_t hash)
{
	return x->buckets ? *hashmap_bucket(x, hashmap_of(x, hash)) : NULL;
}
