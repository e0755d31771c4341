// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/ts.h"

#include "tests/unit/protocol/seed.h"
#include "tests/unit/protocol/vectors.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 10000
#define ERA_S (INT64_C(1) << 32)
#define NTP_WRAP_S INT64_C(2085978496) /* 2036-02-07 06:28:16 UTC */

static struct seed seed;
static struct vectors *vectors;

static const enum ts_format formats[] = { TS_NTP, TS_PTP };

static int64_t random_between(int64_t low, int64_t high)
{
	return low + (int64_t)(seed_next(&seed) % (uint64_t)(high - low + 1));
}

/* T-030 T-031 C-071 */
START_TEST(timestamps_of_the_vectors)
{
	unsigned seen = 0;

	for (size_t i = 0; i < vectors->count; i++) {
		const char *name = vectors->all[i].name;
		enum ts_format format = strncmp(name, "ts.ptp.", 7) == 0 ? TS_PTP : TS_NTP;
		struct wall t;
		ts_wire w;

		if (strncmp(name, "ts.", 3) != 0) {
			continue;
		}
		t.ns = strtoll(strrchr(name, '_') + 1, NULL, 10);
		w = vectors_number(vectors, name);
		ck_assert_msg(ts_encode(format, t) == w, "%s", name);
		ck_assert_msg(ts_decode(format, w, t).ns == t.ns, "%s", name);
		seen++;
	}
	ck_assert_uint_eq(seen, 12);
}
END_TEST

/* The last and first ns of NTP eras, seen from both sides of the wrap. T-030 T-037 */
START_TEST(era_wrap)
{
	const struct wall last = { NTP_WRAP_S * TS_NS_PER_S - 1 };
	const struct wall first = { NTP_WRAP_S * TS_NS_PER_S };

	ck_assert_uint_eq(ts_encode(TS_NTP, last), UINT64_C(0xfffffffffffffffb));
	ck_assert_uint_eq(ts_encode(TS_NTP, first), 0);
	ck_assert_int_eq(ts_decode(TS_NTP, 0, last).ns, first.ns);
	ck_assert_int_eq(ts_decode(TS_NTP, 0, first).ns, first.ns);
	ck_assert_int_eq(ts_decode(TS_NTP, ts_encode(TS_NTP, last), first).ns, last.ns);
	/* The same field read in 1960 is 1900. */
	ck_assert_int_eq(ts_decode(TS_NTP, 0, (struct wall){ -315619200 * TS_NS_PER_S }).ns,
			 INT64_C(-2208988800) * TS_NS_PER_S);
	/* The PTP field ends in 2106. */
	ck_assert_uint_eq(ts_encode(TS_PTP, (struct wall){ ERA_S * TS_NS_PER_S }), 0);
	ck_assert_int_eq(ts_decode(TS_PTP, 0, (struct wall){ ERA_S * TS_NS_PER_S - 1 }).ns,
			 ERA_S * TS_NS_PER_S);
}
END_TEST

START_TEST(before_1970)
{
	ck_assert_uint_eq(ts_encode(TS_PTP, (struct wall){ -1 }), UINT64_C(0xffffffff3b9ac9ff));
	ck_assert_uint_eq(ts_encode(TS_NTP, (struct wall){ -1 }), UINT64_C(0x83aa7e7ffffffffb));
	ck_assert_uint_eq(ts_encode(TS_NTP, (struct wall){ -TS_NS_PER_S }),
			  UINT64_C(0x83aa7e7f00000000));
	for (size_t f = 0; f < 2; f++) {
		ts_wire w = ts_encode(formats[f], (struct wall){ -1 });

		ck_assert_int_eq(ts_decode(formats[f], w, (struct wall){ 0 }).ns, -1);
	}
}
END_TEST

/* Every ns comes back, if the reader's clock is within 68 years. */
START_TEST(timestamps_round_trip)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		enum ts_format format = formats[round & 1];
		struct wall t = { random_between(-4 * ERA_S / 2, 4 * ERA_S / 2) * TS_NS_PER_S / 2 +
				  random_between(0, TS_NS_PER_S - 1) };
		struct wall near = { t.ns +
				     random_between(-ERA_S / 2 + 1, ERA_S / 2 - 1) * TS_NS_PER_S };

		ck_assert_int_eq(ts_decode(format, ts_encode(format, t), near).ns, t.ns);
	}
}
END_TEST

/* Any field whatever decodes to the instant closest to @near. */
START_TEST(decoded_is_closest)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		enum ts_format format = formats[round & 1];
		struct wall near = { random_between(-ERA_S, ERA_S) * TS_NS_PER_S / 2 +
				     random_between(0, TS_NS_PER_S - 1) };
		ts_wire w = seed_next(&seed);
		int64_t away;

		if (round % 3 == 0) { /* about half an era away: where the choice is close */
			w = ts_encode(format,
				      (struct wall){ near.ns + ERA_S / 2 * TS_NS_PER_S +
						     random_between(-3000000000, 3000000000) });
		}
		away = ts_decode(format, w, near).ns - near.ns;
		ck_assert_int_le(away, ERA_S / 2 * TS_NS_PER_S);
		ck_assert_int_ge(away, -(ERA_S / 2) * TS_NS_PER_S);
	}
}
END_TEST

START_TEST(half_an_era_away)
{
	const struct wall near = { 500000000 };
	const int64_t half = ERA_S / 2 * TS_NS_PER_S;
	ts_wire w = ts_encode(TS_PTP, (struct wall){ near.ns + half - 1 });

	ck_assert_int_eq(ts_decode(TS_PTP, w, near).ns, near.ns + half - 1);
	w = ts_encode(TS_PTP, (struct wall){ near.ns + half + 1 });
	ck_assert_int_eq(ts_decode(TS_PTP, w, near).ns, near.ns - half + 1);
	/* Seconds just within, nanoseconds that lead over the middle. */
	w = UINT64_C(0x7fffffff) << 32 | 3500000000u;
	ck_assert_int_eq(ts_decode(TS_PTP, w, near).ns, 2500000000 - half);
}
END_TEST

/* A PTP field with a second or more of ns is taken as it stands. T-031 */
START_TEST(ptp_with_too_many_ns)
{
	ck_assert_int_eq(ts_decode(TS_PTP, UINT64_C(0x000000013b9aca00), (struct wall){ 0 }).ns,
			 2 * TS_NS_PER_S);
	ck_assert_int_eq(ts_decode(TS_PTP, UINT64_C(0x00000000ffffffff), (struct wall){ 0 }).ns,
			 UINT32_MAX);
}
END_TEST

/* At the ends of the range of struct wall nothing overflows. */
START_TEST(extreme_clocks_saturate)
{
	static const int64_t ends[] = { INT64_MIN, INT64_MAX, INT64_MIN + TS_NS_PER_S,
					INT64_MAX - TS_NS_PER_S };

	for (size_t f = 0; f < 2; f++) {
		for (size_t i = 0; i < 4; i++) {
			struct wall end = { ends[i] };
			ts_wire w = ts_encode(formats[f], end);
			ts_wire beyond = w + ((i & 1) ? UINT64_C(0x1000000000)
						      : -UINT64_C(0x1000000000));

			ck_assert_int_eq(ts_decode(formats[f], w, end).ns, end.ns);
			ck_assert_int_eq(ts_decode(formats[f], beyond, end).ns,
					 (i & 1) ? INT64_MAX : INT64_MIN);
		}
	}
}
END_TEST

START_TEST(durations)
{
	ck_assert_int_eq(ts_duration_ns(0), 0);
	ck_assert_int_eq(ts_duration_ns(UINT64_C(0x0000000280000000)), 2500000000);
	ck_assert_int_eq(ts_duration_ns(1), 0);
	ck_assert_int_eq(ts_duration_ns(UINT64_MAX), ERA_S * TS_NS_PER_S);
	ck_assert_int_eq(ts_duration_ns(UINT64_C(0xffffffff00000000)), (ERA_S - 1) * TS_NS_PER_S);
	ck_assert_uint_eq(ts_duration_fixed(2500000000), UINT64_C(0x0000000280000000));
	ck_assert_uint_eq(ts_duration_fixed(0), 0);
	ck_assert_uint_eq(ts_duration_fixed(1), 4);
	ck_assert_uint_eq(ts_duration_fixed(-1), 0);
	ck_assert_uint_eq(ts_duration_fixed(INT64_MIN), 0);
	ck_assert_uint_eq(ts_duration_fixed(INT64_MAX), UINT64_MAX);
	ck_assert_uint_eq(ts_duration_fixed(ERA_S * TS_NS_PER_S), UINT64_MAX);
	ck_assert_uint_eq(ts_duration_fixed(ERA_S * TS_NS_PER_S - 1), UINT64_C(0xfffffffffffffffb));
	for (unsigned round = 0; round < ROUNDS; round++) {
		int64_t ns = random_between(0, ERA_S * TS_NS_PER_S - 1);

		ck_assert_int_eq(ts_duration_ns(ts_duration_fixed(ns)), ns);
	}
}
END_TEST

/* T-032 T-033 T-035 */
START_TEST(errors_of_the_vectors)
{
	unsigned seen = 0;

	for (size_t i = 0; i < vectors->count; i++) {
		const char *name = vectors->all[i].name;
		struct ts_error e = { .format = TS_NTP }, back;
		char decoded[80], *end;
		const char *p = name;

		if (strncmp(name, "ee.", 3) != 0 || strcmp(name, "ee.unknown") == 0) {
			continue;
		}
		p += 3;
		if (strncmp(p, "ptp.", 4) == 0) {
			e.format = TS_PTP;
			p += 4;
		}
		e.error_ns = strtoll(p, &end, 10);
		e.synchronized = strcmp(end, "_ns.sync1") == 0;
		ck_assert(e.synchronized || strcmp(end, "_ns.sync0") == 0);
		ck_assert_msg(ts_ee_encode(&e) == vectors_number(vectors, name), "%s", name);
		back = ts_ee_decode((uint16_t)vectors_number(vectors, name));
		ck_assert_int_eq(back.synchronized, e.synchronized);
		ck_assert_int_eq(back.format, e.format);
		(void)snprintf(decoded, sizeof(decoded), "decoded.ee.%" PRId64 "%s", e.error_ns,
			       end);
		ck_assert_msg((uint64_t)back.error_ns == vectors_number(vectors, decoded), "%s",
			      name);
		seen++;
	}
	ck_assert_uint_eq(seen, 9);
}
END_TEST

/* S must not be claimed for an unknown error. T-033 T-035 */
START_TEST(unknown_error)
{
	struct ts_error e = { .synchronized = true, .format = TS_NTP, .error_ns = -1 };

	ck_assert_uint_eq(TS_EE_UNKNOWN, vectors_number(vectors, "ee.unknown"));
	ck_assert_uint_eq(ts_ee_encode(&e), TS_EE_UNKNOWN);
	e.format = TS_PTP;
	e.error_ns = INT64_MIN;
	ck_assert_uint_eq(ts_ee_encode(&e), TS_EE_UNKNOWN | TS_EE_PTP);
	e = ts_ee_decode(TS_EE_UNKNOWN);
	ck_assert(!e.synchronized);
	ck_assert_int_eq(e.format, TS_NTP);
	ck_assert_int_eq(e.error_ns, INT64_MAX);
}
END_TEST

/* Whether Multiplier * 2^(Scale-32) s, read from the field, is at least @ns: 101 bits at most. */
static bool covers(unsigned multiplier, unsigned scale, int64_t ns)
{
	unsigned __int128 units = (unsigned __int128)multiplier << scale;

	return units * 1000000000u >= (unsigned __int128)ns << 32;
}

/* Never below the error, never 0, and the next smaller value would be below. T-034 T-035 */
START_TEST(errors_are_the_smallest_bounds)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct ts_error e = {
			.synchronized = round & 1,
			.format = round & 2 ? TS_PTP : TS_NTP,
			.error_ns = (int64_t)(seed_next(&seed) >> (1 + seed_next(&seed) % 63)),
		};
		uint16_t wire = ts_ee_encode(&e);
		unsigned multiplier = wire & 0xff, scale = wire >> 8 & 0x3f;
		struct ts_error back = ts_ee_decode(wire);

		ck_assert_uint_ne(multiplier, 0);
		ck_assert_int_eq(!!(wire & TS_EE_SYNC), e.synchronized);
		ck_assert_int_eq(!!(wire & TS_EE_PTP), e.format == TS_PTP);
		ck_assert(covers(multiplier, scale, e.error_ns));
		/* 128 and above, or the scale without loss, or else something finer would do. */
		ck_assert(scale == 0 || multiplier >= 128);
		if (multiplier > 1) {
			ck_assert(!covers(multiplier - 1, scale, e.error_ns));
		}
		ck_assert_int_ge(back.error_ns, e.error_ns);
		ck_assert_int_eq(back.synchronized, e.synchronized);
		ck_assert_int_eq(back.format, e.format);
	}
}
END_TEST

START_TEST(large_errors)
{
	static const struct {
		int64_t ns;
		uint16_t wire;
	} rows[] = {
		{ (ERA_S / 2 - 1) * TS_NS_PER_S, 0x3880 },
		{ ERA_S / 2 * TS_NS_PER_S, 0x3880 },
		{ ERA_S / 2 * TS_NS_PER_S + 1, 0x3881 },
		{ INT64_MAX, 0x3a8a },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ts_error e = { .error_ns = rows[i].ns };
		uint16_t wire = ts_ee_encode(&e);

		ck_assert_uint_eq(wire, rows[i].wire);
		ck_assert_int_ge(ts_ee_decode(wire).error_ns, e.error_ns);
	}
}
END_TEST

/* All 65536 fields: no value is negative but the corrupt ones, and larger fields say more. */
START_TEST(every_error_field_decodes)
{
	for (unsigned scale = 0; scale < 64; scale++) {
		int64_t before = 0;

		ck_assert_int_eq(ts_ee_decode((uint16_t)(scale << 8)).error_ns, -1);
		for (unsigned multiplier = 1; multiplier < 256; multiplier++) {
			uint16_t wire = (uint16_t)(scale << 8 | multiplier);
			struct ts_error e = ts_ee_decode(wire);
			struct ts_error flags = ts_ee_decode(wire | TS_EE_SYNC | TS_EE_PTP);

			ck_assert_int_ge(e.error_ns, 1);
			ck_assert_int_ge(e.error_ns, before);
			/* Rounded up, by less than 1 ns. */
			ck_assert(covers(multiplier, scale, e.error_ns - 1));
			if (e.error_ns != INT64_MAX) {
				ck_assert(!covers(multiplier, scale, e.error_ns + 1));
			}
			ck_assert(!e.synchronized && e.format == TS_NTP);
			ck_assert(flags.synchronized && flags.format == TS_PTP);
			ck_assert_int_eq(flags.error_ns, e.error_ns);
			before = e.error_ns;
		}
	}
	ck_assert_int_eq(ts_ee_decode(0x2001).error_ns, TS_NS_PER_S);
	ck_assert_int_eq(ts_ee_decode(0x3f01).error_ns, (ERA_S / 2) * TS_NS_PER_S);
	ck_assert_int_eq(ts_ee_decode(0x3f04).error_ns, 4 * (ERA_S / 2) * TS_NS_PER_S);
	ck_assert_int_eq(ts_ee_decode(0x3f05).error_ns, INT64_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ts");
	TCase *tc = tcase_create("ts");
	SRunner *runner;
	int failed;

	seed = seed_start();
	vectors = vectors_load("time.hex");
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, timestamps_of_the_vectors);
	tcase_add_test(tc, era_wrap);
	tcase_add_test(tc, before_1970);
	tcase_add_test(tc, timestamps_round_trip);
	tcase_add_test(tc, decoded_is_closest);
	tcase_add_test(tc, half_an_era_away);
	tcase_add_test(tc, ptp_with_too_many_ns);
	tcase_add_test(tc, extreme_clocks_saturate);
	tcase_add_test(tc, durations);
	tcase_add_test(tc, errors_of_the_vectors);
	tcase_add_test(tc, unknown_error);
	tcase_add_test(tc, errors_are_the_smallest_bounds);
	tcase_add_test(tc, large_errors);
	tcase_add_test(tc, every_error_field_decodes);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	vectors_free(vectors);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
