// SPDX-License-Identifier: BSD-2-Clause
/*
 * The distribution of any number of values in little memory: cells whose width grows with the
 * distance from a base, at most 2^-10 of it, so that a percentile is off by less than 0.05 % of
 * its distance. Distances below 2048 are exact. Pages of cells come into being where values
 * are: 4 KiB for each octave.
 */
#pragma once

#include "protocol/wire.h"

#include <stdint.h>

#define HISTOGRAM_CELLS 1024u /* of a page */
#define HISTOGRAM_PAGES 54u /* [0, 1024), [1024, 2048), [2048, 4096), ... */

struct histogram {
	int64_t base;
	uint64_t n;
	int64_t min, max; /* valid if n > 0; exact */
	uint64_t dropped; /* values for whose page there was no memory; not in n */
	uint32_t *pages[2][HISTOGRAM_PAGES]; /* below the base, and from it on */
};

/** @base  where precision is needed most; 0 for what cannot be negative */
void histogram_init(struct histogram *h, int64_t base);
void histogram_wipe(struct histogram *h);

void histogram_add(struct histogram *h, int64_t value);

/** All of @from; the cells of another base are taken as values in their middle. */
void histogram_merge(struct histogram *to, const struct histogram *from);

/**
 * The smallest value that at least @share of all do not exceed, 0 < @share <= 1; from min to
 * max. n > 0.                                                      RFC 2330 11.3
 */
int64_t histogram_percentile(const struct histogram *h, double share);

/** A cell that is not empty: values from @low to @high, both included, in rising order. */
typedef void histogram_cell(void *data, int64_t low, int64_t high, uint64_t count);
void histogram_walk(const struct histogram *h, histogram_cell *each, void *data);
