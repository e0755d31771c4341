// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/throttle.h"

#include "base/siphash.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* Each is the time up to which its rate is used up. */
struct meters {
	_Atomic int64_t packets_ns, octets_ns;
};

struct throttle {
	uint64_t seed[2];
	struct meters rows[THROTTLE_ROWS][THROTTLE_METERS];
};

int throttle_new(struct throttle **out)
{
	struct throttle *t = calloc(1, sizeof(*t));

	if (!t || getrandom(t->seed, sizeof(t->seed), 0) != sizeof(t->seed)) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

void throttle_free(struct throttle *t)
{
	free(t);
}

static void find(struct throttle *t, const struct address *sender,
		 struct meters *found[static THROTTLE_ROWS])
{
	uint64_t words[2] = { sender->family, 0 }, code;

	memcpy(&words[1], sender->ip, sender->family == 4 ? 4 : 8);
	code = siphash(t->seed, words, 2);
	for (int i = 0; i < THROTTLE_ROWS; i++) {
		found[i] = &t->rows[i][code >> 16 * i & (THROTTLE_METERS - 1)];
	}
}
_Static_assert(THROTTLE_ROWS * 16 <= 64 && THROTTLE_METERS <= 65536, "one code for all rows");

/* The lowest counts: the others have more that is not this sender's. */
static _Atomic int64_t *lowest(_Atomic int64_t *meter[static THROTTLE_ROWS], int64_t *seen)
{
	_Atomic int64_t *best = meter[0];

	*seen = atomic_load_explicit(best, memory_order_relaxed);
	for (int i = 1; i < THROTTLE_ROWS; i++) {
		int64_t value = atomic_load_explicit(meter[i], memory_order_relaxed);

		if (value < *seen) {
			best = meter[i];
			*seen = value;
		}
	}
	return best;
}

static void raise(_Atomic int64_t *meter, int64_t to)
{
	int64_t seen = atomic_load_explicit(meter, memory_order_relaxed);

	while (seen < to && !atomic_compare_exchange_weak_explicit(
				    meter, &seen, to, memory_order_relaxed, memory_order_relaxed)) {
	}
}

/* Threads that have packets of one sender meet at its lowest meter. */
static bool move(_Atomic int64_t *meter[static THROTTLE_ROWS], int64_t cost, int64_t now)
{
	_Atomic int64_t *at;
	int64_t seen, next;

	do {
		at = lowest(meter, &seen);
		next = police_after(seen, cost, now);
		if (next < 0) {
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(at, &seen, next, memory_order_relaxed,
							memory_order_relaxed));
	for (int i = 0; i < THROTTLE_ROWS; i++) {
		raise(meter[i], next);
	}
	return true;
}

bool throttle_take(struct throttle *t, const struct address *sender,
		   const struct throttle_rates *rates, size_t octets, struct mono now)
{
	_Atomic int64_t *packet_meters[THROTTLE_ROWS], *octet_meters[THROTTLE_ROWS];
	struct meters *found[THROTTLE_ROWS];
	int64_t cost = rates->octet_rate ? police_cost_ns(octets, rates->octet_rate) : 0, seen;

	find(t, sender, found);
	for (int i = 0; i < THROTTLE_ROWS; i++) {
		packet_meters[i] = &found[i]->packets_ns;
		octet_meters[i] = &found[i]->octets_ns;
	}
	/* first a look, so that what one rate refuses is not charged to the other */
	(void)lowest(octet_meters, &seen);
	if (rates->octet_rate && police_after(seen, cost, now.ns) < 0) {
		return false;
	}
	if (rates->packet_rate &&
	    !move(packet_meters, police_cost_ns(1, rates->packet_rate), now.ns)) {
		return false;
	}
	return !rates->octet_rate || move(octet_meters, cost, now.ns);
}
