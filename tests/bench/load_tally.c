// SPDX-License-Identifier: BSD-2-Clause
#include "tests/bench/load_tally.h"

#include "tests/bench/load.h"

#include <inttypes.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void load_tally_room(struct load_tally *t, size_t room)
{
	free(t->samples);
	t->samples = calloc(room, sizeof(*t->samples));
	t->room = room;
	t->count = 0;
	if (!t->samples) {
		load_die("memory");
	}
}

void load_tally_add(struct load_tally *t, const struct load_sample *s)
{
	if (t->count < t->room) {
		t->samples[t->count++] = *s;
	}
}

void load_tally_reset(struct load_tally *t)
{
	struct load_sample *samples = t->samples;
	size_t room = t->room;

	*t = (struct load_tally){ .samples = samples, .room = room };
}

/* Nearest rank. @sorted has n > 0 values. */
static int64_t percentile(const int64_t *sorted, size_t n, double p)
{
	size_t rank = (size_t)((double)n * p / 100. + 0.999999);

	return sorted[rank < 1 ? 0 : rank > n ? n - 1 : rank - 1];
}

static void print_one(const char *name, int64_t *values, size_t n, FILE *to)
{
	qsort(values, n, sizeof(*values), compare);
	fprintf(to,
		"\"%s\": {\"p50\": %" PRId64 ", \"p99\": %" PRId64 ", \"p999\": %" PRId64
		", \"max\": %" PRId64 "}",
		name, percentile(values, n, 50), percentile(values, n, 99),
		percentile(values, n, 99.9), values[n - 1]);
}

void load_tally_print(const struct load_tally *t, FILE *to)
{
	int64_t *values = calloc(t->count + 1, sizeof(*values));

	fprintf(to, "\"samples\": %zu", t->count);
	if (!values) {
		load_die("memory");
	}
	if (t->count) {
		for (size_t i = 0; i < t->count; i++) {
			values[i] = t->samples[i].t3 - t->samples[i].t2;
		}
		fputs(", ", to);
		print_one("dwell", values, t->count, to);
		for (size_t i = 0; i < t->count; i++) {
			const struct load_sample *s = &t->samples[i];

			values[i] = (s->t4 - s->t1) - (s->t3 - s->t2);
		}
		fputs(", ", to);
		print_one("residue", values, t->count, to);
	}
	free(values);
}

void load_tally_dump(const struct load_tally *t, const char *path)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(t->samples, sizeof(*t->samples), t->count, f) != t->count || fclose(f)) {
		load_die(path);
	}
}
