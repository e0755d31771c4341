// SPDX-License-Identifier: BSD-2-Clause
/*
 * Bounded big-endian cursors: the only way that octets become values and back. A failed
 * access does nothing and sticks: it and later reads yield 0, it and later writes write
 * nothing, and one test per message (wire_in_ok, wire_out_ok) tells. RFC 4656 2: network
 * byte order throughout.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NODISCARD __attribute__((warn_unused_result))

struct wire_in {
	const uint8_t *at;
	size_t left;
	bool bad;
};

struct wire_out {
	uint8_t *at;
	size_t left;
	bool bad;
};

static inline struct wire_in wire_in(const uint8_t *p, size_t n)
{
	return (struct wire_in){ .at = p, .left = n };
}

static inline struct wire_out wire_out(uint8_t *p, size_t n)
{
	return (struct wire_out){ .at = p, .left = n };
}

/** True if every access so far was inside the buffer. */
static inline bool wire_in_ok(const struct wire_in *w)
{
	return !w->bad;
}

/** True if every access so far was inside the buffer. */
static inline bool wire_out_ok(const struct wire_out *w)
{
	return !w->bad;
}

/* Moves over n octets and sets @p to them, or fails and leaves both as they are. */
static inline bool wire_take(struct wire_in *w, const uint8_t **p, size_t n)
{
	if (w->bad || n > w->left) {
		w->bad = true;
		return false;
	}
	*p = w->at;
	w->at += n;
	w->left -= n;
	return true;
}

/* The same for octets to be written. */
static inline bool wire_room(struct wire_out *w, uint8_t **p, size_t n)
{
	if (w->bad || n > w->left) {
		w->bad = true;
		return false;
	}
	*p = w->at;
	w->at += n;
	w->left -= n;
	return true;
}

static inline void wire_skip(struct wire_in *w, size_t n)
{
	const uint8_t *p;

	(void)wire_take(w, &p, n);
}

static inline uint8_t wire_get8(struct wire_in *w)
{
	const uint8_t *p;

	if (!wire_take(w, &p, 1)) {
		return 0;
	}
	return p[0];
}

static inline uint16_t wire_get16(struct wire_in *w)
{
	const uint8_t *p;

	if (!wire_take(w, &p, 2)) {
		return 0;
	}
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t wire_get32(struct wire_in *w)
{
	const uint8_t *p;

	if (!wire_take(w, &p, 4)) {
		return 0;
	}
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t wire_get64(struct wire_in *w)
{
	const uint8_t *p;

	if (!wire_take(w, &p, 8)) {
		return 0;
	}
	return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
	       (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
	       (uint64_t)p[6] << 8 | p[7];
}

/* Copies n octets; zeros after a failure. */
static inline void wire_get(struct wire_in *w, uint8_t *to, size_t n)
{
	const uint8_t *p;

	if (wire_take(w, &p, n)) {
		memcpy(to, p, n);
	} else {
		memset(to, 0, n);
	}
}

static inline void wire_put8(struct wire_out *w, uint8_t v)
{
	uint8_t *p;

	if (wire_room(w, &p, 1)) {
		p[0] = v;
	}
}

static inline void wire_put16(struct wire_out *w, uint16_t v)
{
	uint8_t *p;

	if (!wire_room(w, &p, 2)) {
		return;
	}
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void wire_put32(struct wire_out *w, uint32_t v)
{
	uint8_t *p;

	if (!wire_room(w, &p, 4)) {
		return;
	}
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void wire_put64(struct wire_out *w, uint64_t v)
{
	uint8_t *p;

	if (!wire_room(w, &p, 8)) {
		return;
	}
	p[0] = (uint8_t)(v >> 56);
	p[1] = (uint8_t)(v >> 48);
	p[2] = (uint8_t)(v >> 40);
	p[3] = (uint8_t)(v >> 32);
	p[4] = (uint8_t)(v >> 24);
	p[5] = (uint8_t)(v >> 16);
	p[6] = (uint8_t)(v >> 8);
	p[7] = (uint8_t)v;
}

static inline void wire_put(struct wire_out *w, const uint8_t *from, size_t n)
{
	uint8_t *p;

	if (wire_room(w, &p, n)) {
		memcpy(p, from, n);
	}
}

/* n zero octets: Must Be Zero fields. */
static inline void wire_zero(struct wire_out *w, size_t n)
{
	uint8_t *p;

	if (wire_room(w, &p, n)) {
		memset(p, 0, n);
	}
}
