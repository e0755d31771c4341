// SPDX-License-Identifier: BSD-2-Clause
/*
 * Metrics as text, for those who scrape them: OpenMetrics 1.0, or the older text format of
 * Prometheus (0.0.4) for who does not ask for that. The text grows in memory; when there is none
 * the result is empty.
 */
#pragma once

#include "protocol/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exposition {
	bool open; /* OpenMetrics */
	bool failed; /* no memory */
	bool counter; /* so is the family */
	const char *family; /* the one that samples belong to */
	char *text;
	size_t len, size;
};

#define EXPOSITION_OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define EXPOSITION_OLD "text/plain; version=0.0.4; charset=utf-8"

enum exposition_type {
	EXPOSITION_GAUGE,
	EXPOSITION_COUNTER, /* its samples end with _total */
	EXPOSITION_HISTOGRAM,
};

/* A label: ended by one without a name. */
struct exposition_label {
	const char *name, *value;
};

#define EXPOSITION_LABELS(...) ((const struct exposition_label[]){ __VA_ARGS__, { 0 } })

void exposition_init(struct exposition *e, bool open);
void exposition_wipe(struct exposition *e);

/**
 * A family begins; all its samples follow at once.
 * @name  without _total; lives until the next one
 * @unit  what the name ends with: "seconds"; NULL = none
 */
void exposition_family(struct exposition *e, const char *name, enum exposition_type type,
		       const char *unit, const char *help);

/* A sample of a gauge or counter. @labels NULL ok. */
void exposition_number(struct exposition *e, const struct exposition_label *labels, uint64_t value);
void exposition_real(struct exposition *e, const struct exposition_label *labels, double value);

/**
 * All samples of one histogram.
 * @bounds  upper ones, rising; what is above the last is in +Inf
 * @counts  of each by itself, one more than @n
 */
void exposition_histogram(struct exposition *e, const struct exposition_label *labels,
			  const double *bounds, const uint64_t *counts, size_t n, double sum);

/** The last line. Return 0 or -ENOMEM. */
NODISCARD int exposition_end(struct exposition *e);
