// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/portmap.h"

#include <string.h>

void portmap_init(struct portmap *m, uint16_t seed)
{
	memset(m, 0, sizeof(*m));
	m->used[0] = 1; /* port 0 is none */
	m->next = seed;
}

struct portmap_search portmap_search(const struct portmap *m, uint16_t first, uint16_t last)
{
	uint32_t count = (uint32_t)last - first + 1;

	return (struct portmap_search){
		.first = first,
		.last = last,
		.at = (uint16_t)(m->next - first) % count,
		.left = count,
	};
}

uint16_t portmap_next(const struct portmap *m, struct portmap_search *s)
{
	uint32_t count = (uint32_t)s->last - s->first + 1;

	while (s->left) {
		uint32_t port = s->first + s->at;
		uint32_t step = 1;

		if (port % 64 == 0 && m->used[port / 64] == UINT64_MAX) {
			step = 64; /* none of this word is free */
		}
		if (step > s->left) {
			step = s->left;
		}
		if (step > count - s->at) {
			step = count - s->at;
		}
		s->left -= step;
		s->at = (s->at + step) % count;
		if (!portmap_is_used(m, (uint16_t)port) &&
		    !portmap_is_reserved(m, (uint16_t)port)) {
			return (uint16_t)port;
		}
	}
	return 0;
}

int portmap_is_used(const struct portmap *m, uint16_t port)
{
	return (int)(m->used[port / 64] >> (port % 64) & 1);
}

void portmap_pass(struct portmap *m, uint16_t port)
{
	m->next = (uint16_t)(port + 1);
}

void portmap_reserve(struct portmap *m, const uint16_t *ports, unsigned n)
{
	memset(m->reserved, 0, sizeof(m->reserved));
	for (unsigned i = 0; i < n; i++) {
		m->reserved[ports[i] / 64] |= UINT64_C(1) << (ports[i] % 64);
	}
}

int portmap_is_reserved(const struct portmap *m, uint16_t port)
{
	return (int)(m->reserved[port / 64] >> (port % 64) & 1);
}

void portmap_take(struct portmap *m, uint16_t port)
{
	m->used[port / 64] |= UINT64_C(1) << (port % 64);
	portmap_pass(m, port);
}

void portmap_release(struct portmap *m, uint16_t port)
{
	if (port) {
		m->used[port / 64] &= ~(UINT64_C(1) << (port % 64));
	}
}

uint32_t port_count(const struct portmap *m)
{
	uint32_t n = 0;

	for (size_t i = 0; i < sizeof(m->used) / sizeof(m->used[0]); i++) {
		n += (uint32_t)__builtin_popcountll(m->used[i]);
	}
	return n - 1; /* port 0 is none */
}
