// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/table.h"

#include "base/siphash.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define NONE UINT32_MAX
#define WORDS (sizeof(struct table_key) / sizeof(uint64_t))

struct sender {
	struct table_key key;
	struct table_sender known;
	uint32_t next; /* in the bucket */
	uint32_t older, newer; /* by last packet */
};

struct table {
	uint64_t seed[2];
	uint32_t mask; /* buckets - 1 */
	uint32_t capacity, used;
	uint32_t oldest, newest;
	uint32_t *buckets;
	struct sender senders[];
};

/* Keys come from whoever can forge a source address. */
static uint64_t hash(const struct table *t, const struct table_key *key)
{
	uint64_t words[WORDS];

	memcpy(words, key, sizeof(words));
	return siphash(t->seed, words, WORDS);
}

int table_new(struct table **out, uint32_t entries)
{
	struct table *t = calloc(1, sizeof(*t) + entries * sizeof(t->senders[0]));
	uint32_t buckets = 1;

	if (!t) {
		return -ENOMEM;
	}
	while (buckets < entries) {
		buckets *= 2;
	}
	t->buckets = malloc(buckets * sizeof(*t->buckets));
	if (!t->buckets || getrandom(t->seed, sizeof(t->seed), 0) != sizeof(t->seed)) {
		table_free(t);
		return -ENOMEM;
	}
	memset(t->buckets, 0xff, buckets * sizeof(*t->buckets));
	t->mask = buckets - 1;
	t->capacity = entries;
	t->oldest = t->newest = NONE;
	*out = t;
	return 0;
}

void table_free(struct table *t)
{
	if (t) {
		free(t->buckets);
	}
	free(t);
}

static uint32_t *bucket(struct table *t, const struct table_key *key)
{
	return &t->buckets[hash(t, key) & t->mask];
}

static void unlink_age(struct table *t, uint32_t i)
{
	struct sender *s = &t->senders[i];

	*(s->older == NONE ? &t->oldest : &t->senders[s->older].newer) = s->newer;
	*(s->newer == NONE ? &t->newest : &t->senders[s->newer].older) = s->older;
}

static void link_newest(struct table *t, uint32_t i)
{
	struct sender *s = &t->senders[i];

	s->newer = NONE;
	s->older = t->newest;
	*(s->older == NONE ? &t->oldest : &t->senders[s->older].newer) = i;
	t->newest = i;
}

static void unlink_bucket(struct table *t, uint32_t i)
{
	uint32_t *at = bucket(t, &t->senders[i].key);

	while (*at != i) {
		at = &t->senders[*at].next;
	}
	*at = t->senders[i].next;
}

/* A free place, or that of the sender that was silent for longest. */
static uint32_t take_place(struct table *t, bool *evicted)
{
	uint32_t i = t->oldest;

	if (t->used < t->capacity) {
		return t->used++;
	}
	unlink_bucket(t, i);
	unlink_age(t, i);
	*evicted = true;
	return i;
}

struct table_sender *table_find(struct table *t, const struct table_key *key, bool *evicted)
{
	uint32_t *head = bucket(t, key), i = *head;

	*evicted = false;
	while (i != NONE && memcmp(&t->senders[i].key, key, sizeof(*key)) != 0) {
		i = t->senders[i].next;
	}
	if (i == NONE) {
		i = take_place(t, evicted);
		t->senders[i] = (struct sender){ .key = *key, .next = *head };
		*head = i;
	} else {
		unlink_age(t, i);
	}
	link_newest(t, i);
	return &t->senders[i].known;
}
