// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/senders.h"

#include "base/siphash.h"
#include "protocol/carry.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define NONE UINT32_MAX
#define WORDS (sizeof(struct senders_key) / sizeof(uint64_t))

struct place {
	struct senders_key key;
	struct senders_known known;
	uint32_t next; /* in the bucket */
	uint32_t older, newer; /* by last packet */
	int64_t last_ns; /* when that was */
};
_Static_assert(sizeof(struct place) + 2 * sizeof(uint32_t) <= SENDERS_OCTETS,
	       "memory of a sender, as the manual tells");

struct senders {
	uint64_t seed[2];
	uint32_t mask; /* buckets - 1 */
	uint32_t capacity, used;
	uint32_t oldest, newest;
	uint32_t *buckets;
	struct place places[];
};

/* Keys come from whoever can forge a source address. */
static uint64_t hash(const struct senders *t, const struct senders_key *key)
{
	uint64_t words[WORDS];

	memcpy(words, key, sizeof(words));
	return siphash(t->seed, words, WORDS);
}

int senders_new(struct senders **out, uint32_t entries)
{
	struct senders *t = calloc(1, sizeof(*t) + entries * sizeof(t->places[0]));
	uint32_t buckets = 1;

	if (!t) {
		return -ENOMEM;
	}
	while (buckets < entries) {
		buckets *= 2;
	}
	t->buckets = malloc(buckets * sizeof(*t->buckets));
	if (!t->buckets || getrandom(t->seed, sizeof(t->seed), 0) != sizeof(t->seed)) {
		senders_free(t);
		return -ENOMEM;
	}
	memset(t->buckets, 0xff, buckets * sizeof(*t->buckets));
	t->mask = buckets - 1;
	t->capacity = entries;
	t->oldest = t->newest = NONE;
	*out = t;
	return 0;
}

void senders_free(struct senders *t)
{
	if (t) {
		free(t->buckets);
	}
	free(t);
}

static uint32_t *bucket(struct senders *t, const struct senders_key *key)
{
	return &t->buckets[hash(t, key) & t->mask];
}

static void unlink_age(struct senders *t, uint32_t i)
{
	struct place *s = &t->places[i];

	*(s->older == NONE ? &t->oldest : &t->places[s->older].newer) = s->newer;
	*(s->newer == NONE ? &t->newest : &t->places[s->newer].older) = s->older;
}

static void link_newest(struct senders *t, uint32_t i)
{
	struct place *s = &t->places[i];

	s->newer = NONE;
	s->older = t->newest;
	*(s->older == NONE ? &t->oldest : &t->places[s->older].newer) = i;
	t->newest = i;
}

static void unlink_bucket(struct senders *t, uint32_t i)
{
	uint32_t *at = bucket(t, &t->places[i].key);

	while (*at != i) {
		at = &t->places[*at].next;
	}
	*at = t->places[i].next;
}

/* A free place, or that of the sender that was silent for longest. NONE: all are active. */
static uint32_t take_place(struct senders *t, struct mono now, bool *evicted)
{
	uint32_t i = t->oldest;

	if (t->used < t->capacity) {
		return t->used++;
	}
	if (now.ns - t->places[i].last_ns < SENDERS_IDLE_NS) {
		return NONE;
	}
	unlink_bucket(t, i);
	unlink_age(t, i);
	*evicted = true;
	return i;
}

struct senders_known *senders_find(struct senders *t, const struct senders_key *key,
				   struct mono now, bool *evicted)
{
	uint32_t *head = bucket(t, key), i = *head;

	*evicted = false;
	while (i != NONE && memcmp(&t->places[i].key, key, sizeof(*key)) != 0) {
		i = t->places[i].next;
	}
	if (i == NONE) {
		i = take_place(t, now, evicted);
		if (i == NONE) {
			return NULL;
		}
		t->places[i] = (struct place){ .key = *key, .next = *head };
		*head = i;
	} else {
		unlink_age(t, i);
	}
	link_newest(t, i);
	t->places[i].last_ns = now.ns;
	return &t->places[i].known;
}

unsigned senders_copy(const struct senders *t, uint32_t *at, struct senders_row *rows, unsigned n)
{
	unsigned copied = 0;

	for (; copied < n && *at < t->used; copied++, ++*at) {
		const struct place *s = &t->places[*at];

		rows[copied] = (struct senders_row){
			.key = s->key,
			.gaps = s->known.forward.flow.gaps,
			.rx_count = s->known.rx_count,
			.tx_count = s->known.tx_count,
			.duplicates = s->known.duplicates,
			.last.ns = s->last_ns,
		};
	}
	return copied;
}

static void carry_one(struct carry *c, struct senders_key *key, int64_t *last_ns,
		      struct senders_known *known)
{
	CARRY(c, key->remote);
	CARRY(c, key->local);
	CARRY(c, key->scope);
	CARRY(c, key->port);
	CARRY(c, key->ssid);
	CARRY(c, *last_ns);
	CARRY(c, known->seq);
	CARRY(c, known->rx_count);
	CARRY(c, known->tx_count);
	CARRY(c, known->duplicates);
	CARRY(c, known->t3_ns);
	forward_carry(c, &known->forward);
}

static void load_one(struct carry *c, struct senders *t)
{
	struct senders_known known = { 0 }, *to;
	struct senders_key key = { 0 };
	int64_t last_ns = 0;
	bool evicted;

	carry_one(c, &key, &last_ns, &known);
	to = c->bad || !t ? NULL : senders_find(t, &key, (struct mono){ last_ns }, &evicted);
	if (to) {
		*to = known;
	}
}

/* The one that was silent for longest comes first, so that the order stays. */
void senders_carry(struct carry *c, struct senders *t)
{
	uint32_t n = t ? t->used : 0;

	CARRY(c, n);
	if (c->way == CARRY_LOAD) {
		for (; n && !c->bad; n--) {
			load_one(c, t);
		}
		return;
	}
	for (uint32_t i = t ? t->oldest : NONE; i != NONE; i = t->places[i].newer) {
		carry_one(c, &t->places[i].key, &t->places[i].last_ns, &t->places[i].known);
	}
}
