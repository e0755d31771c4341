// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a packet changes in its session, besides what its sender tells (forward.h): one cache line,
 * and no pointers, so that it could as well stand in an array of such, where something else than
 * the reflector thread answers packets, too. Its thread's; `answered` may be read by others.
 */
#pragma once

#include "daemon/reflector/police.h"

struct slot {
	/* Packets that have a reply, sent or not. What was received, reflected and stamped by the
	 * kernel follows from it, and from the counters of what is rare: party_read. */
	_Atomic uint64_t answered;
	struct mono last_packet;
	struct mono stop_at; /* reflect what arrives until then */
	struct police police;
	uint32_t seq; /* our next Sequence Number */
	bool stopping;
	bool gated; /* fixed: what waits in its socket may be older than since_ns */
};
_Static_assert(sizeof(struct slot) <= 64, "one cache line");
