// SPDX-License-Identifier: BSD-2-Clause
#include "base/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has(const struct index *x, uint32_t segment)
{
	return segment < INDEX_SEGMENTS &&
	       atomic_load_explicit(&x->segments[segment], memory_order_acquire);
}

int index_reserve(struct index *x, uint32_t nodes)
{
	uint32_t last = (nodes ? nodes - 1 : 0) / INDEX_SEGMENT, i;

	if (last >= INDEX_SEGMENTS) {
		last = INDEX_SEGMENTS - 1;
	}
	for (i = last + 1; i > 0 && !has(x, i - 1); i--) {
	}
	for (; i <= last; i++) {
		struct index_segment *s = calloc(1, sizeof(*s));

		if (!s) {
			return -ENOMEM;
		}
		atomic_store_explicit(&x->segments[i], s, memory_order_release);
	}
	return 0;
}

void index_wipe(struct index *x)
{
	for (uint32_t i = 0; i < INDEX_SEGMENTS; i++) {
		free(atomic_load_explicit(&x->segments[i], memory_order_relaxed));
	}
	memset(x, 0, sizeof(*x));
}

static void split(struct index *x)
{
	uint32_t fresh = x->buckets;
	struct index_node **from, **to;

	if (fresh == 2 * x->low) {
		x->low *= 2;
	}
	from = index_bucket(x, fresh - x->low);
	to = index_bucket(x, fresh);
	x->buckets++;
	while (*from) {
		struct index_node *n = *from;

		if (index_of(x, n->hash) != fresh) {
			from = &n->next;
			continue;
		}
		*from = n->next;
		n->next = *to;
		*to = n;
	}
}

void index_put(struct index *x, struct index_node *n, uint32_t hash)
{
	struct index_node **head;

	if (!x->buckets) {
		x->buckets = x->low = 1;
	} else if (x->count >= x->buckets && has(x, x->buckets / INDEX_SEGMENT)) {
		split(x);
	}
	head = index_bucket(x, index_of(x, hash));
	n->hash = hash;
	n->next = *head;
	*head = n;
	x->count++;
}

void index_remove(struct index *x, struct index_node *n)
{
	struct index_node **at = index_bucket(x, index_of(x, n->hash));

	while (*at != n) {
		at = &(*at)->next;
	}
	*at = n->next;
	x->count--;
}
