// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/police.h"

void police_total_set(struct police_total *t, uint32_t packet_rate, uint32_t octet_rate)
{
	atomic_store_explicit(&t->packet_rate, packet_rate, memory_order_relaxed);
	atomic_store_explicit(&t->octet_rate, octet_rate, memory_order_relaxed);
}

/* The same for a meter that several threads move. */
static bool move(_Atomic int64_t *meter, int64_t cost, int64_t now)
{
	int64_t seen = atomic_load_explicit(meter, memory_order_relaxed);
	int64_t next;

	do {
		next = police_after(seen, cost, now);
		if (next < 0) {
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(meter, &seen, next, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}

static bool take_total(struct police_total *t, size_t octets, int64_t now)
{
	uint32_t packet_rate = atomic_load_explicit(&t->packet_rate, memory_order_relaxed);
	uint32_t octet_rate = atomic_load_explicit(&t->octet_rate, memory_order_relaxed);

	if (packet_rate && !move(&t->packets_ns, police_cost_ns(1, packet_rate), now)) {
		return false;
	}
	if (octet_rate && !move(&t->octets_ns, police_cost_ns(octets, octet_rate), now)) {
		if (packet_rate) { /* give the packet back */
			atomic_fetch_sub_explicit(&t->packets_ns, police_cost_ns(1, packet_rate),
						  memory_order_relaxed);
		}
		return false;
	}
	return true;
}

bool police_take(struct police *p, struct police_total *t, size_t octets, struct mono now)
{
	int64_t packets = p->packets_ns, all = p->octets_ns;

	if (p->packet_rate) {
		packets = police_after(packets, police_cost_ns(1, p->packet_rate), now.ns);
	}
	if (p->octet_rate) {
		all = police_after(all, police_cost_ns(octets, p->octet_rate), now.ns);
	}
	if (packets < 0 || all < 0 || (t && !take_total(t, octets, now.ns))) {
		return false;
	}
	p->packets_ns = packets;
	p->octets_ns = all;
	return true;
}
