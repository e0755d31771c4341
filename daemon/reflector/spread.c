// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/spread.h"

int64_t spread_from_ns(unsigned cell)
{
	unsigned octave = cell / 4 + 1;
	uint64_t units = cell < 4 ? cell : (uint64_t)(4 + cell % 4) << (octave - 2);

	return (int64_t)(units << SPREAD_UNIT_SHIFT);
}

uint64_t spread_count(const struct spread *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SPREAD_CELLS; i++) {
		n += s->cells[i];
	}
	return n;
}

int64_t spread_quantile_ns(const struct spread *s, unsigned per_mille, int64_t max_ns)
{
	uint64_t n = spread_count(s), rank = (n * per_mille + 999) / 1000, seen = 0;
	int64_t middle;

	for (unsigned i = 0; n && i < SPREAD_CELLS; i++) {
		seen += s->cells[i];
		if (!s->cells[i] || seen < rank) {
			continue;
		}
		middle = (spread_from_ns(i) + spread_from_ns(i + 1)) / 2;
		return i == SPREAD_CELLS - 1 || middle > max_ns ? max_ns : middle;
	}
	return -1;
}
