// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which UDP ports our own sessions hold: a bitmap with a rotating start, so that finding a
 * free one stays cheap with thousands taken, and a port that was just released rests a
 * while (late packets of its former sender find nobody).
 */
#pragma once

#include <stdint.h>

struct portmap {
	uint64_t used[65536 / 64];
	uint64_t reserved[65536 / 64]; /* for who asks for them: no search finds them */
	uint16_t next; /* where the next search starts */
};

/* A search through the free ports of a range, each once. */
struct portmap_search {
	uint16_t first, last;
	uint32_t at; /* offset from first */
	uint32_t left; /* ports not yet looked at */
};

/** @seed: the first search starts there, modulo its range. */
void portmap_init(struct portmap *m, uint16_t seed);

struct portmap_search portmap_search(const struct portmap *m, uint16_t first, uint16_t last);

/** The next free port, 0 when all were seen. Does not take it. */
uint16_t portmap_next(const struct portmap *m, struct portmap_search *s);

/** 1 if the port is taken, else 0. */
int portmap_is_used(const struct portmap *m, uint16_t port);

/** The next search starts behind it. */
void portmap_pass(struct portmap *m, uint16_t port);

void portmap_take(struct portmap *m, uint16_t port);

/** Only these @n ports are reserved from now on. */
void portmap_reserve(struct portmap *m, const uint16_t *ports, unsigned n);
int portmap_is_reserved(const struct portmap *m, uint16_t port);

/** 0 is ignored. */
void portmap_release(struct portmap *m, uint16_t port);

/** How many are taken. */
uint32_t port_count(const struct portmap *m);
