// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/clients.h"

#include "base/siphash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS 4096u
#define IDLE_MAX 8192u

struct clients {
	uint64_t seed[2]; /* so that nobody can aim at one bucket */
	uint8_t ipv6_bits;
	struct client *buckets[BUCKETS];
	struct client *oldest, *newest;
	struct roll roll;
	uint32_t idle;
};

struct clients *clients_new(unsigned ipv6_bits)
{
	struct clients *t = calloc(1, sizeof *t);

	if (!t) {
		return NULL;
	}
	t->ipv6_bits = (uint8_t)ipv6_bits;
	if (getrandom(t->seed, sizeof t->seed, 0) != sizeof t->seed) {
		t->seed[0] = (uint64_t)(uintptr_t)t;
	}
	return t;
}

bool clients_set_prefix(struct clients *t, unsigned ipv6_bits)
{
	bool other = t->ipv6_bits != ipv6_bits;

	t->ipv6_bits = (uint8_t)ipv6_bits;
	return other;
}

static struct prefix key_of(const struct clients *t, const struct address *a)
{
	struct prefix key = { .family = a->family, .bits = a->family == 4 ? 32 : t->ipv6_bits };

	memcpy(key.ip, a->ip, sizeof key.ip);
	(void)prefix_mask(&key);
	return key;
}

static struct client **bucket(struct clients *t, const struct prefix *key)
{
	uint64_t words[3] = { 0 };

	memcpy(words, key->ip, sizeof key->ip);
	words[2] = (uint64_t)key->bits << 8 | key->family;
	return &t->buckets[siphash(t->seed, words, 3) % BUCKETS];
}

static void leave_idle(struct clients *t, struct client *c)
{
	*(c->older ? &c->older->newer : &t->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &t->newest) = c->older;
	c->newer = c->older = NULL;
	t->idle--;
}

static void drop(struct clients *t, struct client *c)
{
	struct client **p = bucket(t, &c->key);

	while (*p != c) {
		p = &(*p)->next;
	}
	*p = c->next;
	leave_idle(t, c);
	roll_remove(&t->roll, &c->node);
	free(c);
}

struct client *clients_get(struct clients *t, const struct address *a, struct mono now)
{
	struct prefix key = key_of(t, a);
	struct client **p = bucket(t, &key), *c;

	for (c = *p; c; c = c->next) {
		if (!prefix_compare(&c->key, &key)) {
			if (!c->holders) {
				leave_idle(t, c);
			}
			c->holders++;
			return c;
		}
	}
	c = calloc(1, sizeof *c);
	if (!c) {
		return NULL;
	}
	c->key = key;
	admit_client_init(&c->admit, now);
	c->holders = 1;
	c->next = *p;
	*p = c;
	roll_add(&t->roll, &c->node);
	return c;
}

const struct client *clients_look(struct clients *t, const struct address *a)
{
	struct prefix key = key_of(t, a);
	const struct client *c = *bucket(t, &key);

	while (c && prefix_compare(&c->key, &key)) {
		c = c->next;
	}
	return c;
}

uint32_t clients_number(const struct clients *t)
{
	return t->roll.n;
}

struct roll *clients_roll(struct clients *t)
{
	return &t->roll;
}

struct client *clients_ref(struct client *c)
{
	c->holders++;
	return c;
}

void clients_put(struct clients *t, struct client *c)
{
	assert(c->holders);
	if (--c->holders) {
		return;
	}
	assert(!c->admit.connections && !c->admit.sessions);
	c->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = c;
	t->newest = c;
	if (++t->idle > IDLE_MAX) {
		drop(t, t->oldest);
	}
}

void clients_sweep(struct clients *t, struct mono now)
{
	for (struct client *c = t->oldest, *newer; c; c = newer) {
		newer = c->newer;
		if (admit_client_idle(&c->admit, now)) {
			drop(t, c);
		}
	}
}

void clients_free(struct clients *t)
{
	if (!t) {
		return;
	}
	for (struct client *c = t->oldest, *newer; c; c = newer) {
		newer = c->newer;
		drop(t, c);
	}
	free(t);
}
