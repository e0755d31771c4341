// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/memory.h"

#include <errno.h>
#include <ev.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Pieces, so that one shortage does not use it up; small enough to stay in the heap when they
 * are given back, where only this process can take them. */
#define PIECES 16
#define PIECE_OCTETS (64 * 1024)

/* libev's allocator has no context, so this cannot live in a struct. Any thread takes a piece, and
 * none waits for another: it might have less priority. */
static void *_Atomic pieces[PIECES];

/* A crowd that is worth it, and how long it must be gone. */
#define CROWD 64
#define CALM_S 2
static uint32_t most_held;
static unsigned calm_s;

/* Give a piece back; false if there is none among the first @most. */
static bool give_up(unsigned most)
{
	void *piece = NULL;

	for (unsigned i = 0; i < most && !piece; i++) {
		piece = atomic_exchange(&pieces[i], NULL);
	}
	free(piece);
	return piece;
}

/* As realloc, but 0 frees: what libev wants. Any thread. */
static void *allocate(void *old, long size)
{
	void *p;

	if (!size) {
		free(old);
		return NULL;
	}
	do {
		p = realloc(old, (size_t)size);
	} while (!p && give_up(PIECES));
	return p;
}

int memory_init(void)
{
	/* One heap for all threads: one that never allocated before would want a heap of its own
	 * just when there is no room for it. None of them allocates where it matters. */
	(void)mallopt(M_ARENA_MAX, 1);
	if (memory_is_low()) { /* libev could end the process already */
		return -ENOMEM;
	}
	ev_set_allocator(allocate);
	return 0;
}

/* The main thread alone fills it. */
bool memory_is_low(void)
{
	for (unsigned i = 0; i < PIECES; i++) {
		void *piece;

		if (atomic_load_explicit(&pieces[i], memory_order_relaxed)) {
			continue;
		}
		piece = malloc(PIECE_OCTETS);
		if (!piece) {
			return true;
		}
		memset(piece, 1, PIECE_OCTETS); /* really there, not only promised */
		atomic_store(&pieces[i], piece);
	}
	return false;
}

bool memory_lend(void)
{
	return give_up(PIECES / 2);
}

void memory_settle(uint32_t held)
{
	if (held >= most_held / 2) {
		most_held = held > most_held ? held : most_held;
		calm_s = 0;
	} else if (most_held >= CROWD && ++calm_s >= CALM_S) {
		(void)malloc_trim(0);
		most_held = held;
		calm_s = 0;
	}
}
