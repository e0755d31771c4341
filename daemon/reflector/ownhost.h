// SPDX-License-Identifier: BSD-2-Clause
/*
 * The addresses of this host, as reflector threads look them up for TLVs of STAMP: in memory,
 * without a lock. The main thread fills one of two tables while the other one is read. Who reads
 * while it is filled again, a second later at the earliest, may miss an address for once.
 * RFC 9503 3. S-163
 */
#pragma once

#include "protocol/address.h"

#include <stdatomic.h>

#define OWNHOST_PLACES 8192 /* a power of two */
#define OWNHOST_MAX (OWNHOST_PLACES / 2)

struct ownhost {
	uint64_t seed[2];
	_Atomic unsigned now; /* the table that is read */
	_Atomic uint64_t marks[2][OWNHOST_PLACES]; /* of addresses; 0 = free */
};

/** NULL = no memory. */
struct ownhost *ownhost_new(void);
void ownhost_free(struct ownhost *o); /* NULL ok */

/** The main thread's: begin anew, add each, at most OWNHOST_MAX, and have them read. */
void ownhost_begin(struct ownhost *o);
void ownhost_add(void *o, const struct address *a);
void ownhost_publish(struct ownhost *o);

/** Any thread. */
bool ownhost_has(const struct ownhost *o, const struct address *a);
