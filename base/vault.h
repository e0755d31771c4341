// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory for secrets of one size: no core dump contains it, and it is overwritten when it is
 * given back. It comes in blocks, which go back to the system when they are empty. Not to be
 * used by two threads at once; what it hands out may be.
 */
#pragma once

#include <stddef.h>

struct vault_block;

struct vault {
	size_t octets; /* of one secret */
	struct vault_block *open; /* those with room */
};

/** Nothing is allocated, so nothing is left to free when all has been given back. */
struct vault vault_of(size_t octets);

/** Zeros, aligned for anything; NULL = no memory that can be kept out of core dumps. */
void *vault_take(struct vault *v);

/** Wipes. NULL ok. */
void vault_give(struct vault *v, void *secret);
