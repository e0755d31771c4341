// SPDX-License-Identifier: BSD-2-Clause
/*
 * Members that one thread writes while others copy the whole struct, without a lock: each member
 * of a copy is right by itself. Its writer reads them as they are.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHARE(member, value) \
	do { \
		__typeof__(member) share_value = (value); \
		__atomic_store(&(member), &share_value, __ATOMIC_RELAXED); \
	} while (0)

/** @octets: a multiple of 8, both aligned to 8. */
static inline void share_copy(void *to, const void *from, size_t octets)
{
	uint64_t *out = to;
	const uint64_t *in = from;

	for (size_t i = 0; i < octets / sizeof *out; i++) {
		out[i] = __atomic_load_n(&in[i], __ATOMIC_RELAXED);
	}
}
