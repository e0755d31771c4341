// SPDX-License-Identifier: BSD-2-Clause
/*
 * Packet policing: how many packets and octets per second a session, and all sessions of a class
 * or all senders of a Light port together, get answers for. What is above is dropped and counted. Nothing is done where no
 * rate is set. R-242
 *
 * A meter is the time up to which its rate is used up. It may run POLICE_BURST_NS ahead of the
 * clock: a tenth of a second's worth may come at once, and a packet in any case.
 */
#pragma once

#include "protocol/ts.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICE_BURST_NS INT64_C(100000000)

static inline int64_t police_cost_ns(size_t units, uint32_t rate)
{
	return (int64_t)units * TS_NS_PER_S / rate;
}

/** A meter after @cost_ns more, or -1 if that is too much. One in the past counts as @now. */
static inline int64_t police_after(int64_t meter, int64_t cost_ns, int64_t now)
{
	int64_t start = meter > now ? meter : now;

	if (start > now && start - now + cost_ns > POLICE_BURST_NS) {
		return -1;
	}
	return start + cost_ns;
}

/* Of one session: its thread only. Rates per second, 0 = unlimited. */
struct police {
	uint32_t packet_rate, octet_rate;
	int64_t packets_ns, octets_ns; /* meters */
};

/* Of a class or a Light port: which several threads serve. The rates change with a reload. */
struct police_total {
	_Atomic uint32_t packet_rate, octet_rate;
	_Atomic int64_t packets_ns, octets_ns;
};

/** Set the rates of a class, at any time. */
void police_total_set(struct police_total *t, uint32_t packet_rate, uint32_t octet_rate);

/** Is there anything to police? Asked once, when a session opens or a reload changes rates. */
static inline bool police_is_on(const struct police *p, const struct police_total *t)
{
	return p->packet_rate || p->octet_rate ||
	       (t && (atomic_load_explicit(&t->packet_rate, memory_order_relaxed) ||
		      atomic_load_explicit(&t->octet_rate, memory_order_relaxed)));
}

/** Take a packet of @octets. False: drop it, nothing is charged. @t NULL ok. */
bool police_take(struct police *p, struct police_total *t, size_t octets, struct mono now);
