// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/histogram.h"

#include <stdlib.h>

#define PAGE_BITS 10

void histogram_init(struct histogram *h, int64_t base)
{
	*h = (struct histogram){ .base = base };
}

void histogram_wipe(struct histogram *h)
{
	for (unsigned side = 0; side < 2; side++) {
		for (unsigned i = 0; i < HISTOGRAM_PAGES; i++) {
			free(h->pages[side][i]);
		}
	}
	histogram_init(h, h->base);
}

/* Page and cell of a distance. */
static unsigned find_cell(uint64_t distance, unsigned *cell)
{
	unsigned top;

	if (distance < HISTOGRAM_CELLS) {
		*cell = (unsigned)distance;
		return 0;
	}
	top = 63u - (unsigned)__builtin_clzll(distance);
	*cell = (unsigned)(distance >> (top - PAGE_BITS)) - HISTOGRAM_CELLS;
	return top - PAGE_BITS + 1;
}

/* Smallest distance of a cell, and how many values it has. */
static uint64_t cell_start(unsigned page, unsigned cell, uint64_t *width)
{
	*width = page > 1 ? UINT64_C(1) << (page - 1) : 1;
	return page == 0 ? cell : ((uint64_t)cell + HISTOGRAM_CELLS) << (page - 1);
}

/* Modulo 2^64: right for any two values that are less than 2^63 apart. */
static uint64_t find_distance(const struct histogram *h, int64_t value, bool *above)
{
	*above = value >= h->base;
	return *above ? (uint64_t)value - (uint64_t)h->base : (uint64_t)h->base - (uint64_t)value;
}

static void add_many(struct histogram *h, int64_t value, uint64_t count)
{
	bool above;
	unsigned cell, page = find_cell(find_distance(h, value, &above), &cell);
	uint32_t **cells = &h->pages[above][page < HISTOGRAM_PAGES ? page : HISTOGRAM_PAGES - 1];

	if (!*cells) {
		*cells = calloc(HISTOGRAM_CELLS, sizeof(**cells));
	}
	if (!*cells || (*cells)[cell] > UINT32_MAX - count) {
		h->dropped += count;
		return;
	}
	(*cells)[cell] += (uint32_t)count;
	h->n += count;
}

static void widen(struct histogram *h, int64_t low, int64_t high)
{
	h->min = h->n == 0 || low < h->min ? low : h->min;
	h->max = h->n == 0 || high > h->max ? high : h->max;
}

void histogram_add(struct histogram *h, int64_t value)
{
	widen(h, value, value);
	add_many(h, value, 1);
}

static void add_cell(void *data, int64_t low, int64_t high, uint64_t count)
{
	add_many(data, low + (high - low) / 2, count);
}

void histogram_merge(struct histogram *to, const struct histogram *from)
{
	if (from->n > 0) {
		widen(to, from->min, from->max);
		histogram_walk(from, add_cell, to);
	}
	to->dropped += from->dropped;
}

/* From below: the far pages of the lower side first, and their cells from the end. */
struct walk {
	const struct histogram *h;
	unsigned at; /* 0 .. 2 * pages * cells - 1 */
};

#define PLACES (2u * HISTOGRAM_PAGES * HISTOGRAM_CELLS)

/* The next cell with something in it; 0 = no more. */
static uint64_t next_cell(struct walk *w, int64_t *low, int64_t *high)
{
	while (w->at < PLACES) {
		bool above = w->at >= PLACES / 2;
		unsigned place = above ? w->at - PLACES / 2 : PLACES / 2 - 1 - w->at;
		unsigned page = place / HISTOGRAM_CELLS, cell = place % HISTOGRAM_CELLS;
		const uint32_t *cells = w->h->pages[above][page];
		uint64_t start, width;

		if (!cells) {
			w->at += HISTOGRAM_CELLS;
			continue;
		}
		w->at++;
		if (cells[cell] == 0) {
			continue;
		}
		start = cell_start(page, cell, &width);
		*low = (int64_t)((uint64_t)w->h->base + (above ? start : -(start + width - 1)));
		*high = (int64_t)((uint64_t)*low + width - 1);
		return cells[cell];
	}
	return 0;
}

void histogram_walk(const struct histogram *h, histogram_cell *each, void *data)
{
	struct walk w = { .h = h };
	int64_t low, high;
	uint64_t count;

	while ((count = next_cell(&w, &low, &high)) > 0) {
		each(data, low, high, count);
	}
}

int64_t histogram_percentile(const struct histogram *h, double share)
{
	struct walk w = { .h = h };
	double wanted = share * (double)h->n - 1e-6; /* 0.95 of 100 is 95 */
	uint64_t seen = 0, count;
	int64_t low, high, value = h->max;

	if (wanted <= 1 || wanted > (double)(h->n - 1)) {
		return wanted <= 1 ? h->min : h->max;
	}
	while ((count = next_cell(&w, &low, &high)) > 0) {
		seen += count;
		if ((double)seen >= wanted) {
			value = low + (high - low) / 2;
			break;
		}
	}
	return value < h->min ? h->min : value > h->max ? h->max : value;
}
