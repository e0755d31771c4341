// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/place.h"

#include "base/siphash.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct place {
	struct hashmap_node node;
	struct address at;
	uint32_t device;
	uint32_t holders;
};

static struct place *place_of(struct hashmap_node *n)
{
	return (struct place *)(void *)n; /* its first member */
}
_Static_assert(offsetof(struct place, node) == 0, "place_of");

/* Not of the device: with the same address and port there are as many places as VRFs. */
static uint32_t hash(const struct places *t, const struct address *at)
{
	uint64_t words[3] = { 0 };

	memcpy(words, at->ip, sizeof at->ip);
	words[2] = (uint64_t)at->scope << 32 | (uint64_t)at->port << 8 | at->family;
	return (uint32_t)siphash(t->seed, words, 3);
}

void places_init(struct places *t)
{
	*t = (struct places){ 0 };
	if (getrandom(t->seed, sizeof t->seed, 0) != sizeof t->seed) {
		t->seed[0] = (uint64_t)(uintptr_t)t;
	}
}

void places_wipe(struct places *t)
{
	hashmap_wipe(&t->index);
}

static struct place *find(const struct places *t, const struct address *at, const uint32_t *device)
{
	uint32_t code = hash(t, at);

	for (struct hashmap_node *n = hashmap_first(&t->index, code); n; n = n->next) {
		struct place *p = place_of(n);

		if (n->hash == code && address_same_port(&p->at, at) &&
		    (!device || p->device == *device)) {
			return p;
		}
	}
	return NULL;
}

struct place *place_new(struct places *t)
{
	return hashmap_reserve(&t->index, t->index.count + 1) ? NULL
							      : calloc(1, sizeof(struct place));
}

void place_drop(struct place *p)
{
	free(p);
}

struct place *place_take(struct places *t, struct place *p, const struct address *at, uint16_t port,
			 uint32_t device)
{
	struct address here = *at;
	struct place *known;

	here.port = port;
	known = find(t, &here, &device);
	if (known) {
		free(p);
		known->holders++;
		return known;
	}
	p->at = here;
	p->device = device;
	p->holders = 1;
	hashmap_put(&t->index, &p->node, hash(t, &here));
	return p;
}

void place_leave(struct places *t, struct place *p)
{
	if (p && !--p->holders) {
		hashmap_remove(&t->index, &p->node);
		free(p);
	}
}

bool place_is_taken(const struct places *t, const struct address *at, const uint32_t *device)
{
	return find(t, at, device);
}
