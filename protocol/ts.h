// SPDX-License-Identifier: BSD-2-Clause
/*
 * Timestamps and Error Estimates as they stand on the wire, and the two kinds of time of
 * this program. Wall time (CLOCK_REALTIME) goes into packets, monotonic time into timers;
 * both are structs, so that mixing them does not compile.
 * RFC 4656 4.1.2, RFC 8186 2.3.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TS_NS_PER_S INT64_C(1000000000)

/* Nanoseconds since 1970-01-01 UTC. */
struct wall {
	int64_t ns;
};

/* Nanoseconds of CLOCK_MONOTONIC. */
struct mono {
	int64_t ns;
};

/* A timestamp field: 32 bits of seconds, 32 bits of fraction (NTP) or nanoseconds (PTP). */
typedef uint64_t ts_wire;

enum ts_format {
	TS_NTP = 0, /* since 1900, 2^-32 s; Z = 0 */
	TS_PTP = 1, /* since 1970, ns; Z = 1 (RFC 8186) */
};

/** Wire timestamp of a wall time; the NTP era (2036) wraps as the field does. RFC 4656 4.1.2 */
ts_wire ts_encode(enum ts_format format, struct wall t);

/**
 * Wall time of a wire timestamp. @near (e.g. now) selects the NTP or PTP era: the result
 * is the instant closest to it. A PTP field with >= 10^9 ns is taken as it stands.
 */
struct wall ts_decode(enum ts_format format, ts_wire w, struct wall near);

/** Nanoseconds of a 32.32 fixed-point duration (Timeout, RFC 5357 3.5); and back, saturating. */
int64_t ts_duration_ns(uint64_t fixed);
uint64_t ts_duration_fixed(int64_t ns);

/* Error Estimate, RFC 4656 4.1.2 and RFC 8186 2.3. */
struct ts_error {
	bool synchronized; /* S: the clock follows an external source of UTC */
	enum ts_format format; /* Z */
	int64_t error_ns; /* upper bound of the error; < 0 = unknown */
};

#define TS_EE_SYNC UINT16_C(0x8000)
#define TS_EE_PTP UINT16_C(0x4000)
/* S 0, Scale 63, Multiplier 255: "no idea". Z is or-ed in. */
#define TS_EE_UNKNOWN UINT16_C(0x3fff)

/** The smallest Multiplier * 2^(Scale-32) s that is not below the error; Multiplier never 0. */
uint16_t ts_ee_encode(const struct ts_error *e);

/** The reverse; error_ns rounded up, saturating, and -1 for Multiplier 0 (a corrupt field). */
struct ts_error ts_ee_decode(uint16_t wire);
