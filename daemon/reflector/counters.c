// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/counters.h"

#include "protocol/carry.h"

#include <inttypes.h>
#include <stdio.h>

const struct counters_row counters_rows[COUNTER_COUNT] = {
#define COUNTER(number_, NAME, name_, kind_, unit_, who_, meaning_) \
	[COUNTER_##NAME] = { .number = (number_), \
			     .who = (who_), \
			     .kind = (kind_), \
			     .field = "TWAMPD_" #NAME, \
			     .name = (name_), \
			     .unit = (unit_), \
			     .meaning = (meaning_) },
#include "daemon/reflector/counters.def"
#undef COUNTER
};

/* Two with the same number do not compile. */
static int find(unsigned number)
{
	switch (number) {
#define COUNTER(number_, NAME, name, kind, unit, who, meaning) \
	case number_: \
		return COUNTER_##NAME;
#include "daemon/reflector/counters.def"
#undef COUNTER
	default:
		return -1;
	}
}

void counters_read(const struct counters *c, struct counters_values *out)
{
	for (int i = 0; i < COUNTER_COUNT; i++) {
		out->n[i] = counters_get(c, (enum counter)i);
	}
}

void counters_sum(struct counters_values *to, const struct counters_values *more)
{
	for (int i = 0; i < COUNTER_COUNT; i++) {
		if (counters_rows[i].kind != COUNTERS_GAUGE) {
			to->n[i] += more->n[i];
		}
	}
}

uint64_t counters_dropped(const struct counters_values *v)
{
	uint64_t all = 0;

	for (int i = 0; i < COUNTER_COUNT; i++) {
		all += counters_rows[i].kind == COUNTERS_DROP ? v->n[i] : 0;
	}
	return all;
}

void counters_text(const struct counters_values *v, unsigned tell, char *to, size_t size)
{
	size_t at = 0;

	for (int i = 0; i < COUNTER_COUNT && at < size; i++) {
		if (counters_rows[i].who & tell) {
			at += (size_t)snprintf(to + at, size - at, "%s %" PRIu64 ", ",
					       counters_rows[i].name, v->n[i]);
		}
	}
	if (at < size) {
		at += (size_t)snprintf(to + at, size - at, "dropped%s",
				       counters_dropped(v) ? "" : " none");
	}
	for (int i = 0; i < COUNTER_COUNT && at < size; i++) {
		if (counters_rows[i].kind == COUNTERS_DROP && v->n[i]) {
			at += (size_t)snprintf(to + at, size - at, " %s %" PRIu64,
					       counters_rows[i].name, v->n[i]);
		}
	}
}

static void save(struct carry *c, const struct counters_values *v)
{
	uint16_t n = 0;

	for (int i = 0; i < COUNTER_COUNT; i++) {
		n = (uint16_t)(n + (v->n[i] != 0));
	}
	CARRY(c, n);
	for (int i = 0; i < COUNTER_COUNT; i++) {
		uint16_t number = counters_rows[i].number;
		uint64_t value = v->n[i];

		if (value) {
			CARRY(c, number);
			CARRY(c, value);
		}
	}
}

static void load(struct carry *c, struct counters_values *v)
{
	uint16_t n = 0;

	CARRY(c, n);
	for (; n && !c->bad; n--) {
		uint16_t number = 0;
		uint64_t value = 0;
		int i;

		CARRY(c, number);
		CARRY(c, value);
		i = find(number);
		if (i >= 0) {
			v->n[i] = value;
		}
	}
}

void counters_carry(struct carry *c, struct counters_values *v)
{
	if (c->way == CARRY_LOAD) {
		load(c, v);
	} else {
		save(c, v);
	}
}
