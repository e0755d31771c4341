// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which UDP ports our own sessions hold: a bitmap with a rotating start, so that finding a
 * free one stays cheap with thousands taken, and a port that was just released rests a
 * while (late packets of its former sender find nobody).
 */
#pragma once

#include <stdint.h>

struct port_map {
	uint64_t used[65536 / 64];
	uint64_t reserved[65536 / 64]; /* for who asks for them: no search finds them */
	uint16_t next; /* where the next search starts */
};

/* A search through the free ports of a range, each once. */
struct port_search {
	uint16_t first, last;
	uint32_t at; /* offset from first */
	uint32_t left; /* ports not yet looked at */
};

/** @seed: the first search starts there, modulo its range. */
void port_init(struct port_map *m, uint16_t seed);

struct port_search port_search(const struct port_map *m, uint16_t first, uint16_t last);

/** The next free port, 0 when all were seen. Does not take it. */
uint16_t port_next(const struct port_map *m, struct port_search *s);

/** 1 if the port is taken, else 0. */
int port_is_used(const struct port_map *m, uint16_t port);

/** The next search starts behind it. */
void port_pass(struct port_map *m, uint16_t port);

void port_take(struct port_map *m, uint16_t port);

/** Only these @n ports are reserved from now on. */
void port_reserve(struct port_map *m, const uint16_t *ports, unsigned n);
int port_is_reserved(const struct port_map *m, uint16_t port);

/** 0 is ignored. */
void port_release(struct port_map *m, uint16_t port);

/** How many are taken. */
uint32_t port_count(const struct port_map *m);
