// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/wire.h"

#include "tests/unit/protocol/seed.h"

#include <check.h>
#include <stdlib.h>

static struct seed seed;

/* Network byte order. C-001 */
START_TEST(reads_big_endian)
{
	static const uint8_t in[] = {
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xff, 0xfe
	};
	struct wire_in w = wire_in(in, sizeof(in));
	uint8_t two[2];

	ck_assert_uint_eq(wire_get8(&w), 1);
	ck_assert_uint_eq(wire_get16(&w), 0x0203);
	ck_assert_uint_eq(wire_get32(&w), 0x04050607);
	ck_assert_uint_eq(wire_get64(&w), UINT64_C(0x08090a0b0c0d0e0f));
	ck_assert_uint_eq(w.left, 2);
	wire_get(&w, two, 2);
	ck_assert_mem_eq(two, in + 15, 2);
	ck_assert(wire_in_ok(&w));
	ck_assert_uint_eq(w.left, 0);
}
END_TEST

/* C-001 C-002 */
START_TEST(writes_big_endian)
{
	static const uint8_t expected[] = { 1,	2,  3,	4,  5,	6,  7, 8, 9,
					    10, 11, 12, 13, 14, 15, 0, 0, 7 };
	uint8_t out[sizeof(expected)];
	struct wire_out w = wire_out(out, sizeof(out));

	memset(out, 0xee, sizeof(out));
	wire_put8(&w, 1);
	wire_put16(&w, 0x0203);
	wire_put32(&w, 0x04050607);
	wire_put64(&w, UINT64_C(0x08090a0b0c0d0e0f));
	wire_zero(&w, 2);
	wire_put(&w, expected + 17, 1);
	ck_assert(wire_out_ok(&w));
	ck_assert_uint_eq(w.left, 0);
	ck_assert_mem_eq(out, expected, sizeof(out));
}
END_TEST

/* One access of each kind; width 0..5 stands for 8, 16, 32, 64 bits, copied, skipped or zeroed. */
static const size_t widths[] = { 1, 2, 4, 8, 5, 3 };
#define WIDTHS (sizeof(widths) / sizeof(widths[0]))

static uint64_t read_one(struct wire_in *w, size_t kind)
{
	uint8_t copied[5];
	uint64_t sum = 0;

	switch (kind) {
	case 0:
		return wire_get8(w);
	case 1:
		return wire_get16(w);
	case 2:
		return wire_get32(w);
	case 3:
		return wire_get64(w);
	case 4:
		memset(copied, 0xee, sizeof(copied));
		wire_get(w, copied, sizeof(copied));
		for (size_t i = 0; i < sizeof(copied); i++) {
			sum += copied[i];
		}
		return sum;
	default:
		wire_skip(w, 3);
		return w->bad ? 0 : 1;
	}
}

static void write_one(struct wire_out *w, size_t kind)
{
	static const uint8_t octets[] = { 1, 2, 3, 4, 5 };

	switch (kind) {
	case 0:
		wire_put8(w, UINT8_MAX);
		break;
	case 1:
		wire_put16(w, UINT16_MAX);
		break;
	case 2:
		wire_put32(w, UINT32_MAX);
		break;
	case 3:
		wire_put64(w, UINT64_MAX);
		break;
	case 4:
		wire_put(w, octets, sizeof(octets));
		break;
	default:
		wire_zero(w, 3);
		break;
	}
}

/* Each access on each length that is too short: zero, sticky, nothing read behind the end. */
START_TEST(short_reads_fail_and_stick)
{
	for (size_t kind = 0; kind < WIDTHS; kind++) {
		for (size_t n = 0; n <= widths[kind]; n++) {
			uint8_t *in = malloc(n + 1);
			struct wire_in w = wire_in(in, n);

			ck_assert_ptr_nonnull(in);
			memset(in, 0xff, n + 1);
			if (n == widths[kind]) {
				ck_assert_uint_ne(read_one(&w, kind), 0);
				ck_assert(wire_in_ok(&w));
				ck_assert_uint_eq(w.left, 0);
			} else {
				ck_assert_uint_eq(read_one(&w, kind), 0);
				ck_assert(!wire_in_ok(&w));
				for (size_t next = 0; next < WIDTHS; next++) {
					ck_assert_uint_eq(read_one(&w, next), 0);
				}
				ck_assert_ptr_eq(w.at, in);
				ck_assert_uint_eq(w.left, n);
			}
			free(in);
		}
	}
}
END_TEST

START_TEST(short_writes_fail_and_stick)
{
	for (size_t kind = 0; kind < WIDTHS; kind++) {
		for (size_t n = 0; n <= widths[kind]; n++) {
			uint8_t out[16], untouched[16];
			struct wire_out w = wire_out(out, n);

			memset(out, 0xee, sizeof(out));
			memset(untouched, 0xee, sizeof(untouched));
			write_one(&w, kind);
			if (n == widths[kind]) {
				ck_assert(wire_out_ok(&w));
				ck_assert_mem_ne(out, untouched, n);
				ck_assert_mem_eq(out + n, untouched + n, sizeof(out) - n);
				continue;
			}
			ck_assert(!wire_out_ok(&w));
			for (size_t next = 0; next < WIDTHS; next++) {
				write_one(&w, next);
			}
			ck_assert_mem_eq(out, untouched, sizeof(out));
			ck_assert_ptr_eq(w.at, out);
		}
	}
}
END_TEST

START_TEST(huge_lengths_fail)
{
	uint8_t octets[4] = { 0 };
	struct wire_in in = wire_in(octets, sizeof(octets));
	struct wire_out out = wire_out(octets, sizeof(octets));

	(void)wire_get8(&in);
	wire_skip(&in, SIZE_MAX);
	ck_assert(!wire_in_ok(&in));
	wire_put8(&out, 1);
	wire_zero(&out, SIZE_MAX);
	ck_assert(!wire_out_ok(&out));
}
END_TEST

START_TEST(nothing_is_fine)
{
	uint8_t none[1];
	struct wire_in in = wire_in(none, 0);
	struct wire_out out = wire_out(none, 0);

	wire_skip(&in, 0);
	ck_assert(wire_in_ok(&in));
	ck_assert_uint_eq(wire_get8(&in), 0);
	ck_assert(!wire_in_ok(&in));
	wire_get(&in, none, 0);
	wire_put(&out, none, 0);
	ck_assert(wire_out_ok(&out));
	wire_put8(&out, 1);
	ck_assert(!wire_out_ok(&out));
}
END_TEST

/* Random sequences of accesses against a plain count of what fits, then read back. */
START_TEST(round_trips)
{
	for (unsigned round = 0; round < 5000; round++) {
		uint8_t buf[64];
		size_t n = (size_t)(seed_next(&seed) % sizeof(buf));
		struct wire_out out = wire_out(buf, n);
		struct wire_in in = wire_in(buf, n);
		size_t kinds[20];
		uint64_t values[20];
		size_t used = 0, fitting = 0;

		for (size_t i = 0; i < 20; i++) {
			kinds[i] = (size_t)(seed_next(&seed) % 4);
			values[i] = seed_next(&seed) >> (64 - 8 * widths[kinds[i]]);
			used += widths[kinds[i]];
			if (used <= n) {
				fitting = i + 1;
			}
			if (kinds[i] == 0) {
				wire_put8(&out, (uint8_t)values[i]);
			} else if (kinds[i] == 1) {
				wire_put16(&out, (uint16_t)values[i]);
			} else if (kinds[i] == 2) {
				wire_put32(&out, (uint32_t)values[i]);
			} else {
				wire_put64(&out, values[i]);
			}
		}
		ck_assert_int_eq(wire_out_ok(&out), used <= n);
		for (size_t i = 0; i < 20; i++) {
			ck_assert_uint_eq(read_one(&in, kinds[i]), i < fitting ? values[i] : 0);
		}
		ck_assert_int_eq(wire_in_ok(&in), used <= n);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wire");
	TCase *tc = tcase_create("wire");
	SRunner *runner;
	int failed;

	seed = seed_start();
	tcase_add_test(tc, reads_big_endian);
	tcase_add_test(tc, writes_big_endian);
	tcase_add_test(tc, short_reads_fail_and_stick);
	tcase_add_test(tc, short_writes_fail_and_stick);
	tcase_add_test(tc, huge_lengths_fail);
	tcase_add_test(tc, nothing_is_fine);
	tcase_add_test(tc, round_trips);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
