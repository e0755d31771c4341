// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/memory.h"

#include <ev.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Pieces, so that one shortage does not use it up; small enough to stay in the heap when they
 * are given back, where only this process can take them. */
#define PIECES 16
#define PIECE_OCTETS (64 * 1024)

/* libev's allocator has no context, so this cannot live in a struct. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *pieces[PIECES];
static unsigned count;

/* A crowd that is worth it, and how long it must be gone. */
#define CROWD 64
#define CALM_S 2
static uint32_t most_held;
static unsigned calm_s;

/* Give a piece back; false if no more than @keep are left. */
static bool give_up(unsigned keep)
{
	void *piece = NULL;
	bool there;

	pthread_mutex_lock(&lock);
	if (count > keep) {
		piece = pieces[--count];
	}
	pthread_mutex_unlock(&lock);
	there = piece;
	free(piece);
	return there;
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
	} while (!p && give_up(0));
	return p;
}

void memory_init(void)
{
	/* One heap for all threads: one that never allocated before would want a heap of its own
	 * just when there is no room for it. None of them allocates where it matters. */
	(void)mallopt(M_ARENA_MAX, 1);
	(void)memory_is_low();
	ev_set_allocator(allocate);
}

bool memory_is_low(void)
{
	bool low;

	pthread_mutex_lock(&lock);
	while (count < PIECES) {
		void *piece = malloc(PIECE_OCTETS);

		if (!piece) {
			break;
		}
		memset(piece, 1, PIECE_OCTETS); /* really there, not only promised */
		pieces[count++] = piece;
	}
	low = count < PIECES;
	pthread_mutex_unlock(&lock);
	return low;
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
