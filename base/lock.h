// SPDX-License-Identifier: BSD-2-Clause
/*
 * A mutex between threads of different priority: whoever holds it runs with the priority of the
 * most urgent one that waits. That helps real-time threads only; so hold it for a few
 * instructions, and never across a system call or a wake-up (docs/loops.md).
 */
#pragma once

#include <pthread.h>

static inline void lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	(void)pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(lock, &a);
	pthread_mutexattr_destroy(&a);
}
