// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/memory.h"

#include <ev.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define RESERVE_OCTETS (1024 * 1024) /* of its own mapping: given back to the system at once */

/* libev's allocator has no context, so this cannot live in a struct. */
static void *_Atomic reserve;

static void fill(void)
{
	void *block = malloc(RESERVE_OCTETS);
	void *none = NULL;

	if (block) {
		memset(block, 1, RESERVE_OCTETS); /* really there, not only promised */
	}
	if (!atomic_compare_exchange_strong(&reserve, &none, block)) {
		free(block);
	}
}

/* As realloc, but 0 frees: what libev wants. Any thread. */
static void *allocate(void *old, long size)
{
	void *p;

	if (!size) {
		free(old);
		return NULL;
	}
	p = realloc(old, (size_t)size);
	if (!p) {
		free(atomic_exchange(&reserve, NULL));
		p = realloc(old, (size_t)size);
	}
	return p;
}

void memory_init(void)
{
	fill();
	ev_set_allocator(allocate);
}

bool memory_is_low(void)
{
	if (!atomic_load(&reserve)) {
		fill();
	}
	return !atomic_load(&reserve);
}
