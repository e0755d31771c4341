// SPDX-License-Identifier: BSD-2-Clause
/* The table of counters: nothing that is in it can be forgotten anywhere. */
#include "daemon/reflector/counters.h"
#include "protocol/carry.h"

#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static uint8_t octets[4096];

static size_t save(struct counters_values *c)
{
	struct carry count = { .way = CARRY_COUNT };
	struct carry k = { .way = CARRY_SAVE, .at = octets, .left = sizeof(octets) };

	counters_carry(&count, c);
	counters_carry(&k, c);
	ck_assert(!k.bad);
	ck_assert_uint_eq(k.used, count.used);
	return k.used;
}

static void load(struct counters_values *c, size_t n)
{
	struct carry k = { .way = CARRY_LOAD, .at = octets, .left = n };

	counters_carry(&k, c);
	ck_assert(!k.bad && !k.left);
}

/* Every counter survives a restart, whoever has it. */
START_TEST(carried)
{
	struct counters_values a = { 0 }, b = { 0 };

	for (int i = 0; i < COUNTER_COUNT; i++) {
		a.n[i] = (uint64_t)i * 1000 + 1;
	}
	load(&b, save(&a));
	for (int i = 0; i < COUNTER_COUNT; i++) {
		ck_assert_msg(b.n[i] == (uint64_t)i * 1000 + 1, "%s", counters_rows[i].name);
	}
}
END_TEST

static void put(size_t *at, uint16_t number, uint64_t value)
{
	memcpy(octets + *at, &number, sizeof(number));
	memcpy(octets + *at + sizeof(number), &value, sizeof(value));
	*at += sizeof(number) + sizeof(value);
}

/* What another version left: its order does not matter, what it did not have stays, and what only it
 * has is skipped. */
START_TEST(other_versions)
{
	struct counters_values c = { 0 };
	uint16_t n = 5;
	size_t at = sizeof(n);

	c.n[COUNTER_GAPS] = 99;
	memcpy(octets, &n, sizeof(n));
	put(&at, 60000, 1);
	put(&at, 23, 7); /* rcvbuf, whatever becomes of it: these numbers never change */
	put(&at, 1, 5); /* received */
	put(&at, 33000, 6);
	put(&at, 0, 8);
	load(&c, at);
	ck_assert_uint_eq(c.n[COUNTER_RECEIVED], 5);
	ck_assert_uint_eq(c.n[COUNTER_DROP_RCVBUF], 7);
	ck_assert_uint_eq(c.n[COUNTER_GAPS], 99);
}
END_TEST

/* A state that ends too soon. */
START_TEST(cut_off)
{
	struct counters_values c = { 0 };
	size_t all;

	c.n[COUNTER_RECEIVED] = 1;
	c.n[COUNTER_GAPS] = 2;
	all = save(&c);

	for (size_t n = 0; n < all; n++) {
		struct carry k = { .way = CARRY_LOAD, .at = octets, .left = n };

		counters_carry(&k, &c);
		ck_assert(k.bad);
	}
}
END_TEST

/* Each row can be shown: a name for metrics and columns, a unit, a meaning, somebody who has it. */
START_TEST(rows)
{
	for (int i = 0; i < COUNTER_COUNT; i++) {
		const struct counters_row *row = &counters_rows[i];

		ck_assert_uint_gt(row->number, 0);
		ck_assert(*row->name && *row->unit && *row->meaning);
		for (const char *s = row->name; *s; s++) {
			ck_assert(islower((unsigned char)*s) || *s == '_');
		}
		ck_assert(!strncmp(row->field, "TWAMPD_", 7));
		ck_assert(row->who &
			  (COUNTERS_SESSION | COUNTERS_THREAD | COUNTERS_LIGHT | COUNTERS_TOTAL));
		ck_assert(!(row->who & COUNTERS_TELL_SESSION) || row->who & COUNTERS_SESSION);
		ck_assert(!(row->who & (COUNTERS_TELL_LIGHT | COUNTERS_TELL_STATEFUL)) ||
			  row->who & COUNTERS_LIGHT);
		for (int k = 0; k < i; k++) {
			ck_assert_str_ne(row->name, counters_rows[k].name);
		}
	}
	/* What each packet touches is one cache line: counters.def */
	ck_assert_int_le(COUNTER_MAX_SEQ, 7);
	ck_assert_int_le(COUNTER_REFLECTED_OCTETS, 7);
}
END_TEST

/* Sums have everything but gauges; drops are what is a drop. */
START_TEST(sums)
{
	struct counters_values all = { 0 }, one;
	uint64_t drops = 0;

	for (int i = 0; i < COUNTER_COUNT; i++) {
		one.n[i] = (uint64_t)i + 1;
	}
	counters_sum(&all, &one);
	counters_sum(&all, &one);
	for (int i = 0; i < COUNTER_COUNT; i++) {
		ck_assert_uint_eq(all.n[i], counters_rows[i].kind == COUNTERS_GAUGE
						    ? 0
						    : 2 * ((uint64_t)i + 1));
		drops += counters_rows[i].kind == COUNTERS_DROP ? all.n[i] : 0;
	}
	ck_assert_uint_eq(counters_dropped(&all), drops);
}
END_TEST

START_TEST(text)
{
	struct counters_values v = { 0 };
	char line[300], small[20];

	counters_text(&v, COUNTERS_TELL_SESSION, line, sizeof(line));
	ck_assert_str_eq(line, "received 0, reflected 0, gaps 0, duplicates 0, reordered 0, "
			       "dropped none");
	v.n[COUNTER_RECEIVED] = 12;
	v.n[COUNTER_DROP_SHORT] = 3;
	v.n[COUNTER_DROP_TX] = UINT64_MAX;
	counters_text(&v, COUNTERS_TELL_LIGHT, line, sizeof(line));
	ck_assert_str_eq(line, "received 12, reflected 0, dropped short 3 tx 18446744073709551615");
	counters_text(&v, COUNTERS_TELL_SESSION, small, sizeof(small));
	ck_assert_str_eq(small, "received 12, reflec");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("counters");
	TCase *tc = tcase_create("counters");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, carried);
	tcase_add_test(tc, other_versions);
	tcase_add_test(tc, cut_off);
	tcase_add_test(tc, rows);
	tcase_add_test(tc, sums);
	tcase_add_test(tc, text);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
