// SPDX-License-Identifier: BSD-2-Clause
/* A sender, its clock and its way to here, in virtual time: what forward.h gets to see. */
#pragma once

#include "daemon/reflector/forward.h"
#include "tests/unit/protocol/seed.h"

#define PATH_START_NS (INT64_C(1795000000) * TS_NS_PER_S)
#define PATH_MS INT64_C(1000000)

struct path {
	struct seed *seed;
	struct forward forward;
	/* the sender */
	uint32_t seq; /* of the next packet */
	int64_t interval_ns;
	int64_t offset_ns; /* of its clock */
	double drift; /* its seconds are longer by this share: its clock is slow */
	enum ts_format format;
	uint16_t error_estimate; /* without Z */
	uint8_t ttl, tos;
	bool tos_untold;
	/* the way */
	int64_t delay_ns, queue_ns; /* least; and up to so much more, evenly */
	/* here */
	int64_t now_ns; /* true time, since PATH_START_NS */
	int64_t clock_ns; /* our clock is so much ahead of it */
	uint32_t clock_set;
	/* sums */
	uint64_t gaps, duplicates, reordered, untimed, congested, taken, known;
};

struct path path_of(struct seed *seed);

/** Send one packet, and let it arrive. Return its delay above the baseline, -1 if not known. */
int64_t path_send(struct path *p);

/** As path_send, with this T1 and number. */
int64_t path_arrive(struct path *p, uint32_t seq, ts_wire t1, int64_t at_ns);

/** @n packets. */
void path_send_many(struct path *p, unsigned n);

/** One number is lost. */
void path_lose(struct path *p, unsigned n);

struct forward_view path_view(const struct path *p);
