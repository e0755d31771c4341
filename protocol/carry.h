// SPDX-License-Identifier: BSD-2-Clause
/*
 * State on its way from one process into the next one on the same host. One function describes
 * a struct for all directions, so that what is written and what is read cannot differ: it counts
 * the octets, saves into them, or loads from them. A failed access sticks, and loads zero; one
 * test at the end tells. Numbers keep the octet order of the host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum carry_way {
	CARRY_COUNT = 1, /* how many octets it takes: at is not used */
	CARRY_SAVE,
	CARRY_LOAD,
};

struct carry {
	enum carry_way way;
	uint8_t *at; /* CARRY_LOAD reads only */
	size_t left, used;
	bool bad;
};

static inline void carry(struct carry *c, void *p, size_t n)
{
	if (c->way != CARRY_COUNT && (c->bad || n > c->left)) {
		c->bad = true;
		if (c->way == CARRY_LOAD) {
			memset(p, 0, n);
		}
		return;
	}
	c->used += n;
	if (c->way == CARRY_COUNT || !n) {
		return;
	}
	memcpy(c->way == CARRY_SAVE ? c->at : p, c->way == CARRY_SAVE ? p : c->at, n);
	c->at += n;
	c->left -= n;
}

/** A number, or an array of octets. Not a struct: its padding is nobody's. */
#define CARRY(c, x) carry((c), &(x), sizeof(x))

/** A truth or an enum from 0 to @max, at most 255: returns what it is from now on. */
static inline unsigned carry_small(struct carry *c, unsigned value, unsigned max)
{
	uint8_t octet = (uint8_t)value;

	CARRY(c, octet);
	c->bad |= octet > max;
	return octet > max ? 0 : octet;
}

/**
 * A record within @c: carry it with what is returned, then close it. A reader may leave it at
 * any point; what went wrong in it is its own.
 */
static inline struct carry carry_open(struct carry *c)
{
	struct carry record = *c;
	uint32_t octets = 0;

	if (c->way == CARRY_LOAD) {
		CARRY(c, octets);
		c->bad |= octets > c->left;
		record = *c;
		record.left = c->bad ? 0 : octets;
	} else {
		CARRY(&record, octets);
	}
	return record;
}

static inline void carry_close(struct carry *c, const struct carry *record)
{
	uint32_t octets = (uint32_t)(record->used - c->used - sizeof octets);

	if (c->way == CARRY_LOAD) {
		octets = (uint32_t)(record->used - c->used + record->left);
		c->at += c->bad ? 0 : octets;
		c->left -= c->bad ? 0 : octets;
		c->used += octets;
		return;
	}
	if (c->way == CARRY_SAVE && !record->bad) {
		memcpy(c->at, &octets, sizeof octets);
	}
	*c = *record;
}
