// SPDX-License-Identifier: BSD-2-Clause
/*
 * How much a delay is above the least there was, although it is measured between two clocks:
 * their offset is part of each delay and falls out, and their drift is a line through the least
 * delays of the last windows of time, below all of them. Windows last a second at first and up to
 * 64 s later, so that the line looks back for up to six minutes. When the way becomes longer, the
 * line follows after as long.
 *
 * Before there are four windows the line is level: what the clock drifts in four seconds is then
 * part of the delays. A delay that falls below the line moves the line. A drift of more than 500 ppm is none of a
 * clock. Pure, no allocation. One thread writes, with share.h.
 */
#pragma once

#include "daemon/reflector/share.h"

#include <stdbool.h>
#include <stdint.h>

#define BASELINE_POINTS 6
#define BASELINE_FIT 4 /* so many make a line */
#define BASELINE_SHIFT_MAX 6
#define BASELINE_DRIFT_MAX 500e-6f
#define BASELINE_WILD_MAX 3

/* The least delay of a window; relative to the origin. */
struct baseline_point {
	float t_s, d_ns;
};

struct baseline {
	int64_t t_ns, d_ns; /* origin: begin of the window, and the line there */
	struct baseline_point least; /* of the window */
	float above_ns; /* so far is the least above the line; < 0 = none yet */
	float slope; /* seconds in a second */
	uint8_t n; /* points */
	uint8_t shift; /* a window lasts 2^shift s */
	uint8_t wild; /* how often the line was steeper than that of any clock */
	bool fitted; /* the slope is that of the points */
	struct baseline_point points[BASELINE_POINTS]; /* oldest first */
};

/** Begin anew with a delay that is the least. */
void baseline_begin(struct baseline *b, int64_t t_ns, int64_t d_ns);

/** The line at @t_ns. At most an hour after the origin. */
int64_t baseline_at(const struct baseline *b, int64_t t_ns);

/**
 * A delay @d_ns that was seen at @t_ns, within an hour after the origin: how much it is above the
 * line, which it may have moved. At least 0.
 */
int64_t baseline_take(struct baseline *b, int64_t t_ns, int64_t d_ns);

/** The sender's clock has a rate that no clock has. */
static inline bool baseline_is_wild(const struct baseline *b)
{
	return b->wild >= BASELINE_WILD_MAX;
}

/**
 * In a copy: how much the sender's clock is slower than ours, in ppm, and how much that may be off
 * by what the least delays differ. False while that is not known to 100 ppm.
 */
bool baseline_drift(const struct baseline *b, double *ppm, double *error_ppm);
