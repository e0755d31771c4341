// SPDX-License-Identifier: BSD-2-Clause
/*
 * What came back: samples of the four times, their percentiles, and what was wrong.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Wall ns; also the format of --dump, in host order. */
struct load_sample {
	int64_t t1, t2, t3, t4;
};

struct load_tally {
	uint64_t sent, received;
	uint64_t own_drops; /* replies that came and that the generator had no room for */
	uint64_t checked, bad; /* replies looked into; wrong ones among them */
	uint64_t unstamped; /* without the kernel's T4 */
	struct load_sample *samples;
	size_t count, room;
};

void load_tally_room(struct load_tally *t, size_t room);
void load_tally_add(struct load_tally *t, const struct load_sample *s);
void load_tally_reset(struct load_tally *t);

/** "dwell": {...}, "residue": {...} in ns, without braces around it. */
void load_tally_print(const struct load_tally *t, FILE *to);

/** Write all samples to a file, or end the program. */
void load_tally_dump(const struct load_tally *t, const char *path);
