// SPDX-License-Identifier: BSD-2-Clause
/* Timestamps, durations and Error Estimates: 8 + 8 + 8 octets, and 2. RFC 4656 4.1.2, RFC 8186 */
#include "protocol/ts.h"
#include "tests/fuzz/fuzz.h"

#define ERA_NS (TS_NS_PER_S << 32)
#define ROUNDING 3 /* units of 2^-32 s in half a ns */

/* How far apart, modulo 2^64. */
static uint64_t distance(uint64_t a, uint64_t b)
{
	return a - b < b - a ? a - b : b - a;
}

/* RFC 8186 2.3: the instant of a field that is closest to another. */
static void check_decode(enum ts_format format, ts_wire w, struct wall near)
{
	struct wall t = ts_decode(format, w, near);
	int64_t away;

	if (t.ns == INT64_MIN || t.ns == INT64_MAX) { /* the era ends where our time does */
		return;
	}
	MUST(!__builtin_sub_overflow(t.ns, near.ns, &away));
	MUST(away >= -ERA_NS / 2 - TS_NS_PER_S * 4 && away <= ERA_NS / 2 + TS_NS_PER_S * 4);
	if (format == TS_NTP) {
		MUST(distance(ts_encode(format, t), w) <= ROUNDING);
	} else if ((uint32_t)w < TS_NS_PER_S) {
		MUST(ts_encode(format, t) == w);
	}
}

static void check_encode(enum ts_format format, struct wall t)
{
	MUST(ts_decode(format, ts_encode(format, t), t).ns == t.ns);
}

static void check_duration(uint64_t fixed, int64_t ns)
{
	int64_t there = ts_duration_ns(fixed);

	MUST(there >= 0 && there <= ERA_NS);
	MUST(there == ERA_NS || distance(ts_duration_fixed(there), fixed) <= ROUNDING);
	if (ns >= 0 && ns < ERA_NS) {
		MUST(ts_duration_ns(ts_duration_fixed(ns)) == ns);
	} else {
		MUST(ts_duration_fixed(ns) == (ns < 0 ? 0 : UINT64_MAX));
	}
}

/* The smallest that is not below: RFC 4656 4.1.2 */
static void check_estimate(uint16_t wire, int64_t error_ns)
{
	struct ts_error e = ts_ee_decode(wire), again;

	MUST(e.error_ns >= -1 && (e.error_ns < 0) == !(wire & 0xff));
	MUST(e.synchronized == !!(wire & TS_EE_SYNC));
	MUST((e.format == TS_PTP) == !!(wire & TS_EE_PTP));
	e.error_ns = error_ns;
	again = ts_ee_decode(ts_ee_encode(&e));
	MUST(again.format == e.format);
	if (error_ns < 0) {
		MUST(!again.synchronized);
		return;
	}
	MUST(again.synchronized == e.synchronized && again.error_ns >= error_ns);
	/* 8 bits of precision: not above by more than a part in 128 and the rounding */
	MUST(again.error_ns - error_ns <= error_ns / 128 + 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	ts_wire w = input_64(&input);
	struct wall near = { (int64_t)input_64(&input) };
	int64_t ns = (int64_t)input_64(&input);
	uint16_t ee = input_16(&input);

	check_decode(TS_NTP, w, near);
	check_decode(TS_PTP, w, near);
	check_encode(TS_NTP, near);
	check_encode(TS_PTP, near);
	check_duration(w, ns);
	check_estimate(ee, ns);
	return 0;
}
