// SPDX-License-Identifier: BSD-2-Clause
/*
 * When packets are due, and how well that was kept. Sessions take turns: packet k of the run
 * belongs to session k modulo parts, and the sessions share out the interval. Pure.
 * RFC 2330 11.1.
 */
#pragma once

#include "protocol/ts.h"

#include <stdbool.h>
#include <stdint.h>

enum schedule_kind {
	SCHEDULE_PERIODIC,
	SCHEDULE_POISSON, /* exponential gaps with the interval as their mean */
};

struct schedule {
	enum schedule_kind kind;
	int64_t interval_ns; /* of one session */
	uint32_t parts; /* sessions */
	uint64_t total; /* packets of all; 0 = without end */
	bool catch_up; /* after a lag, send at once all that is due */
	uint64_t random; /* state, for Poisson */
	struct mono start, due; /* of the round; of the next packet */
	uint32_t part;
	uint64_t taken; /* packets */
	uint64_t late_rounds; /* rounds that were put off, since they were due long ago */
	int64_t worst_ns; /* largest lag */
	struct mono first, last; /* when packets were sent */
};

/** @seed  for Poisson; any */
void schedule_init(struct schedule *s, enum schedule_kind kind, int64_t interval_ns, uint64_t count,
		   bool catch_up, uint64_t seed);

/** Begin at @now with @parts sessions. */
void schedule_start(struct schedule *s, struct mono now, uint32_t parts);

static inline bool schedule_over(const struct schedule *s)
{
	return s->total > 0 && s->taken >= s->total;
}

/** True if a packet is due at @now: then of session *part; the next one is planned. */
bool schedule_take(struct schedule *s, struct mono now, uint32_t *part);

/** Packets per second of all sessions: what was asked for, and what was reached. */
double schedule_asked(const struct schedule *s);
double schedule_reached(const struct schedule *s);
