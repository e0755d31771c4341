// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/ownhost.h"

#include "base/siphash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LOAD(x) atomic_load_explicit(&(x), memory_order_relaxed)
#define STORE(x, value) atomic_store_explicit(&(x), value, memory_order_relaxed)

struct ownhost *ownhost_new(void)
{
	struct ownhost *o = calloc(1, sizeof(*o));

	if (o && getrandom(o->seed, sizeof(o->seed), 0) != sizeof(o->seed)) {
		free(o);
		o = NULL;
	}
	return o;
}

void ownhost_free(struct ownhost *o)
{
	free(o);
}

/* Never 0. Scopes do not count: they are not on the wire. */
static uint64_t mark_of(const struct ownhost *o, const struct address *a)
{
	uint64_t words[3] = { 0 };

	memcpy(words, a->ip, sizeof(a->ip));
	words[2] = a->family;
	return siphash(o->seed, words, 3) | 1;
}

static unsigned other_of(const struct ownhost *o)
{
	return !LOAD(o->now);
}

void ownhost_begin(struct ownhost *o)
{
	for (unsigned i = 0; i < OWNHOST_PLACES; i++) {
		STORE(o->marks[other_of(o)][i], 0);
	}
}

void ownhost_add(void *to, const struct address *a)
{
	struct ownhost *o = to;
	_Atomic uint64_t *marks = o->marks[other_of(o)];
	uint64_t mark = mark_of(o, a), at = mark >> 1;

	while (LOAD(marks[at % OWNHOST_PLACES]) && LOAD(marks[at % OWNHOST_PLACES]) != mark) {
		at++;
	}
	STORE(marks[at % OWNHOST_PLACES], mark);
}

void ownhost_publish(struct ownhost *o)
{
	atomic_store_explicit(&o->now, other_of(o), memory_order_release);
}

bool ownhost_has(const struct ownhost *o, const struct address *a)
{
	const _Atomic uint64_t *marks =
		o->marks[atomic_load_explicit(&o->now, memory_order_acquire)];
	uint64_t mark = mark_of(o, a), at = mark >> 1;

	for (unsigned i = 0; i < OWNHOST_PLACES; i++, at++) {
		uint64_t seen = LOAD(marks[at % OWNHOST_PLACES]);

		if (!seen || seen == mark) {
			return seen == mark;
		}
	}
	return false;
}
