// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pseudo-random values for property tests (splitmix64). The seed is printed; setting
 * TWAMPD_TEST_SEED to it repeats a run.
 */
#pragma once

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct seed {
	uint64_t state;
};

/** Call it from main: tests run in children, which then all start from the same seed. */
static inline struct seed seed_start(void)
{
	const char *given = getenv("TWAMPD_TEST_SEED");
	struct timespec now;
	struct seed s;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	s.state = given ? strtoull(given, NULL, 0)
			: (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	printf("TWAMPD_TEST_SEED=0x%" PRIx64 "\n", s.state);
	(void)fflush(stdout);
	return s;
}

static inline uint64_t seed_next(struct seed *s)
{
	uint64_t z = s->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline void seed_fill(struct seed *s, void *to, size_t n)
{
	uint8_t *octets = to;

	for (size_t i = 0; i < n; i++) {
		octets[i] = (uint8_t)seed_next(s);
	}
}
