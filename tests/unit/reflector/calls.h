// SPDX-License-Identifier: BSD-2-Clause
/*
 * The linker leads what the reflector calls here (--wrap): calls are counted, and sending fails
 * when it is told to.
 */
#pragma once

struct calls {
	unsigned receives, sends, allocations, locks;
	unsigned skip, times; /* after so many sends, so many fail */
	int error;
	unsigned partial; /* sendmmsg takes so many at most; 0 = all */
};
extern struct calls calls;

/** From now on: after @skip sends @times ones fail with @error. */
void calls_fail(unsigned skip, unsigned times, int error);
