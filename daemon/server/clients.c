// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/clients.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS 4096u
#define IDLE_MAX 8192u

struct clients {
	uint64_t seed; /* so that nobody can aim at one bucket */
	struct client *buckets[BUCKETS];
	struct client *oldest, *newest;
	uint32_t idle, number;
};

struct clients *clients_new(void)
{
	struct clients *t = calloc(1, sizeof *t);

	if (t && getrandom(&t->seed, sizeof t->seed, 0) != sizeof t->seed) {
		t->seed = (uint64_t)(uintptr_t)t;
	}
	return t;
}

static void make_key(uint8_t key[static CLIENT_KEY_LEN], const struct address *a)
{
	memset(key, 0, CLIENT_KEY_LEN);
	key[0] = a->family;
	memcpy(key + 1, a->ip, a->family == 4 ? 4 : 8);
}

/* Multiply and mix; the seed is secret. */
static struct client **bucket(struct clients *t, const uint8_t key[static CLIENT_KEY_LEN])
{
	uint64_t h = t->seed ^ key[0], v;

	memcpy(&v, key + 1, sizeof v);
	h = (h ^ v) * UINT64_C(0x9fb21c651e98df25);
	h ^= h >> 32;
	h = (h ^ t->seed) * UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 29;
	return &t->buckets[h % BUCKETS];
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
	struct client **p = bucket(t, c->key);

	while (*p != c) {
		p = &(*p)->next;
	}
	*p = c->next;
	leave_idle(t, c);
	t->number--;
	free(c);
}

struct client *clients_get(struct clients *t, const struct address *a, struct mono now)
{
	uint8_t key[CLIENT_KEY_LEN];
	struct client **p, *c;

	make_key(key, a);
	p = bucket(t, key);
	for (c = *p; c; c = c->next) {
		if (!memcmp(c->key, key, sizeof key)) {
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
	memcpy(c->key, key, sizeof key);
	admit_client_init(&c->admit, now);
	c->holders = 1;
	c->next = *p;
	*p = c;
	t->number++;
	return c;
}

uint32_t clients_number(const struct clients *t)
{
	return t->number;
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
