// SPDX-License-Identifier: BSD-2-Clause
#include "base/hashmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has(const struct hashmap *x, uint32_t segment)
{
	return segment < HASHMAP_SEGMENTS &&
	       atomic_load_explicit(&x->segments[segment], memory_order_acquire);
}

int hashmap_reserve(struct hashmap *x, uint32_t nodes)
{
	uint32_t last = (nodes ? nodes - 1 : 0) / HASHMAP_SEGMENT, i;

	if (last >= HASHMAP_SEGMENTS) {
		last = HASHMAP_SEGMENTS - 1;
	}
	for (i = last + 1; i > 0 && !has(x, i - 1); i--) {
	}
	for (; i <= last; i++) {
		struct hashmap_segment *s = calloc(1, sizeof(*s));

		if (!s) {
			return -ENOMEM;
		}
		atomic_store_explicit(&x->segments[i], s, memory_order_release);
	}
	return 0;
}

void hashmap_wipe(struct hashmap *x)
{
	for (uint32_t i = 0; i < HASHMAP_SEGMENTS; i++) {
		free(atomic_load_explicit(&x->segments[i], memory_order_relaxed));
	}
	memset(x, 0, sizeof(*x));
}

static void split(struct hashmap *x)
{
	uint32_t fresh = x->buckets;
	struct hashmap_node **from, **to;

	if (fresh == 2 * x->low) {
		x->low *= 2;
	}
	from = hashmap_bucket(x, fresh - x->low);
	to = hashmap_bucket(x, fresh);
	x->buckets++;
	while (*from) {
		struct hashmap_node *n = *from;

		if (hashmap_of(x, n->hash) != fresh) {
			from = &n->next;
			continue;
		}
		*from = n->next;
		n->next = *to;
		*to = n;
	}
}

void hashmap_put(struct hashmap *x, struct hashmap_node *n, uint32_t hash)
{
	struct hashmap_node **head;

	if (!x->buckets) {
		x->buckets = x->low = 1;
	} else if (x->count >= x->buckets && has(x, x->buckets / HASHMAP_SEGMENT)) {
		split(x);
	}
	head = hashmap_bucket(x, hashmap_of(x, hash));
	n->hash = hash;
	n->next = *head;
	*head = n;
	x->count++;
}

void hashmap_remove(struct hashmap *x, struct hashmap_node *n)
{
	struct hashmap_node **at = hashmap_bucket(x, hashmap_of(x, n->hash));

	while (*at != n) {
		at = &(*at)->next;
	}
	*at = n->next;
	x->count--;
}
