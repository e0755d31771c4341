// SPDX-License-Identifier: BSD-2-Clause
/*
 * What an operator should hear of, found in the state and the totals of the reflector: each
 * change once. Pure: time is the number of calls, one a second.
 */
#pragma once

#include "daemon/reflector/reflector.h"

/* Stamps are back when all were as they should be for so long. */
#define HEALTH_CALM_S 60

enum health_change {
	HEALTH_CLOCK_LOST = 1 << 0, /* the clock follows nothing any more, or from the start */
	HEALTH_CLOCK_BACK = 1 << 1,
	HEALTH_STAMPS_LOST = 1 << 2, /* packets come without the kernel's timestamp */
	HEALTH_STAMPS_BACK = 1 << 3,
	HEALTH_SEGMENT_REFUSED = 1 << 4, /* the first time */
	HEALTH_HARDWARE_READY = 1 << 5, /* stamps of more network cards are used than ever before */
	HEALTH_HARDWARE_LOST = 1 << 6, /* of fewer, or some are not to be trusted */
	HEALTH_HARDWARE_BACK = 1 << 7,
};

struct health {
	bool clock_lost, stamps_lost, segment_refused, hardware_lost;
	unsigned calm_s;
	unsigned hardware_calm_s;
	uint64_t hardware_most; /* network cards in use at once, ever */
	/* as of the last call */
	uint64_t kernel_timestamps /* and of hardware */, user_timestamps, hardware_refused;
};

/** From these on: what is in them is known. @h is zero. */
void health_begin(struct health *h, const struct counters_values *t);

/**
 * @h             zeros at first
 * @kernel_stamps timestamps of the kernel are expected
 * Return changes since the last call, of enum health_change.
 */
unsigned health_update(struct health *h, const struct counters_values *t, bool synchronized,
		       bool kernel_stamps);
