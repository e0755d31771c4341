// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/ts.h"

#define NTP_UNIX_OFFSET_S UINT32_C(2208988800) /* 1900 to 1970 */
#define ERA_NS (TS_NS_PER_S << 32)
#define MULTIPLIER_MAX 255u
#define SCALE_SHIFT 8
#define SCALE_MASK 0x3fu

/* Whole seconds, towards minus infinity for the times before 1970, and what is left. */
static int64_t split(int64_t ns, uint32_t *left_ns)
{
	int64_t s = ns / TS_NS_PER_S;
	int64_t left = ns % TS_NS_PER_S;

	if (left < 0) {
		left += TS_NS_PER_S;
		s--;
	}
	*left_ns = (uint32_t)left;
	return s;
}

/* Units of 2^-32 s in @ns < 1 s, rounded down. */
static uint32_t fraction(uint32_t ns)
{
	return (uint32_t)(((uint64_t)ns << 32) / (uint64_t)TS_NS_PER_S);
}

/* To the nearest ns, so that what fraction() rounded down comes back as it was. */
static uint32_t fraction_ns(uint32_t fraction)
{
	return (uint32_t)(((uint64_t)fraction * (uint64_t)TS_NS_PER_S + (UINT32_C(1) << 31)) >> 32);
}

ts_wire ts_encode(enum ts_format format, struct wall t)
{
	uint32_t ns;
	uint32_t field_s = (uint32_t)(uint64_t)split(t.ns, &ns);

	if (format == TS_PTP) {
		return (uint64_t)field_s << 32 | ns;
	}
	return (uint64_t)(uint32_t)(field_s + NTP_UNIX_OFFSET_S) << 32 | fraction(ns);
}

struct wall ts_decode(enum ts_format format, ts_wire w, struct wall near)
{
	uint32_t near_left_ns;
	uint32_t near_s = (uint32_t)(uint64_t)split(near.ns, &near_left_ns);
	uint32_t s = (uint32_t)(w >> 32);
	uint32_t ns = (uint32_t)w;
	int64_t away_ns, result_ns;

	if (format == TS_NTP) {
		s -= NTP_UNIX_OFFSET_S;
		ns = fraction_ns(ns);
	}
	/* The distance, seconds modulo 2^32, and then the other way round if that is shorter. */
	away_ns = (int64_t)(int32_t)(s - near_s) * TS_NS_PER_S + ns - near_left_ns;
	if (away_ns > ERA_NS / 2) {
		away_ns -= ERA_NS;
	} else if (away_ns < -(ERA_NS / 2)) {
		away_ns += ERA_NS;
	}
	if (__builtin_add_overflow(near.ns, away_ns, &result_ns)) {
		result_ns = away_ns < 0 ? INT64_MIN : INT64_MAX;
	}
	return (struct wall){ .ns = result_ns };
}

int64_t ts_duration_ns(uint64_t fixed)
{
	return (int64_t)(fixed >> 32) * TS_NS_PER_S + fraction_ns((uint32_t)fixed);
}

uint64_t ts_duration_fixed(int64_t ns)
{
	if (ns < 0) {
		return 0;
	}
	if (ns >= ERA_NS) {
		return UINT64_MAX;
	}
	return (uint64_t)(ns / TS_NS_PER_S) << 32 | fraction((uint32_t)(ns % TS_NS_PER_S));
}

uint16_t ts_ee_encode(const struct ts_error *e)
{
	uint16_t flags = e->format == TS_PTP ? TS_EE_PTP : 0;
	uint64_t s, units;
	unsigned scale = 0;

	if (e->error_ns < 0) {
		return flags | TS_EE_UNKNOWN;
	}
	if (e->synchronized) {
		flags |= TS_EE_SYNC;
	}
	/* Units of 2^-32 s, rounded up; of 2^-24 s where those would not fit into 64 bits. */
	s = (uint64_t)e->error_ns / TS_NS_PER_S;
	units = (((uint64_t)e->error_ns % TS_NS_PER_S << 32) + TS_NS_PER_S - 1) / TS_NS_PER_S;
	if (s >> 31) {
		units = (s << 24) + ((units + 255) >> 8);
		scale = 8;
	} else {
		units += s << 32;
	}
	while (units > MULTIPLIER_MAX) {
		units = (units + 1) >> 1;
		scale++;
	}
	if (units == 0) {
		units = 1;
	}
	return (uint16_t)(flags | scale << SCALE_SHIFT | units);
}

struct ts_error ts_ee_decode(uint16_t wire)
{
	uint64_t units = (uint64_t)(wire & MULTIPLIER_MAX) * (uint64_t)TS_NS_PER_S; /* 2^-32 ns */
	unsigned scale = wire >> SCALE_SHIFT & SCALE_MASK;
	struct ts_error e = {
		.synchronized = wire & TS_EE_SYNC,
		.format = wire & TS_EE_PTP ? TS_PTP : TS_NTP,
	};

	if (units == 0) {
		e.error_ns = -1;
	} else if (scale < 32) {
		e.error_ns = (int64_t)((units + (UINT64_C(1) << (32 - scale)) - 1) >> (32 - scale));
	} else if (units > (uint64_t)INT64_MAX >> (scale - 32)) {
		e.error_ns = INT64_MAX;
	} else {
		e.error_ns = (int64_t)(units << (scale - 32));
	}
	return e;
}
