// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/strangers.h"

#include <string.h>

static uint64_t load(const _Atomic uint64_t *a)
{
	return atomic_load_explicit(a, memory_order_acquire);
}

static void store(_Atomic uint64_t *a, uint64_t value)
{
	atomic_store_explicit(a, value, memory_order_release);
}

static void clear(struct strangers_table *t, uint64_t period)
{
	for (unsigned i = 0; i < STRANGERS; i++) {
		store(&t->entries[i].packets, 0);
	}
	store(&t->others, 0);
	store(&t->period, period);
}

/* The packets that make room count as those of others: who sends most stays. */
static void count(struct strangers_table *t, const uint64_t ip[2], uint64_t rest)
{
	unsigned fewest = 0;

	for (unsigned i = 0; i < STRANGERS; i++) {
		uint64_t packets = load(&t->entries[i].packets);

		if (packets && load(&t->entries[i].ip[0]) == ip[0] &&
		    load(&t->entries[i].ip[1]) == ip[1] && load(&t->entries[i].rest) == rest) {
			store(&t->entries[i].packets, packets + 1);
			return;
		}
		if (packets < load(&t->entries[fewest].packets)) {
			fewest = i;
		}
	}
	store(&t->others, load(&t->others) + load(&t->entries[fewest].packets));
	store(&t->entries[fewest].ip[0], ip[0]);
	store(&t->entries[fewest].ip[1], ip[1]);
	store(&t->entries[fewest].rest, rest);
	store(&t->entries[fewest].packets, 1);
}

void strangers_note(struct strangers *s, const struct address *who, uint16_t at)
{
	uint64_t period = load(&s->period), ip[2];
	struct strangers_table *t = &s->tables[period % 2];
	uint64_t turn = load(&t->turn);

	memcpy(ip, who->ip, sizeof ip);
	store(&t->turn, turn + 1);
	if (load(&t->period) != period) {
		clear(t, period);
	}
	count(t, ip, (uint64_t)who->family << 16 | at);
	store(&t->turn, turn + 2);
}

static unsigned copy(const struct strangers_table *t, struct stranger *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < STRANGERS; i++) {
		uint64_t ip[2] = { load(&t->entries[i].ip[0]), load(&t->entries[i].ip[1]) };
		uint64_t rest = load(&t->entries[i].rest);

		out[n] = (struct stranger){ .who = { .family = (uint8_t)(rest >> 16) },
					    .at = (uint16_t)rest,
					    .packets = load(&t->entries[i].packets) };
		memcpy(out[n].who.ip, ip, sizeof ip);
		n += out[n].packets > 0;
	}
	out[n] = (struct stranger){ .packets = load(&t->others) };
	return n + (out[n].packets > 0);
}

unsigned strangers_take(struct strangers *s, struct stranger *out)
{
	uint64_t period = load(&s->period);
	const struct strangers_table *t = &s->tables[(period + 1) % 2];
	uint64_t turn = load(&t->turn);
	unsigned n = 0;

	/* A thread that has stood in the middle of a packet since then: its table is left alone. */
	if (period && turn % 2 == 0 && load(&t->period) == period - 1) {
		n = copy(t, out);
		n = load(&t->turn) == turn ? n : 0;
	}
	store(&s->period, period + 1);
	return n;
}
