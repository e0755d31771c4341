// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a pure archive must not be: it allocates, reads a clock and has a variable. Built only
 * to see that the check of layering.py finds all three, and nothing else.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

void *stray_copy(const void *from, size_t n);

static unsigned stray_count;
static const char *const stray_table[] = { "fine", "too" };

void *stray_copy(const void *from, size_t n)
{
	struct timespec now;
	void *p = malloc(n);

	clock_gettime(CLOCK_MONOTONIC, &now);
	stray_count++;
	if (p && n > strlen(stray_table[(unsigned)now.tv_nsec % 2]) + stray_count) {
		memcpy(p, from, n);
	}
	return p;
}
