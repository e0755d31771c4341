// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/health.h"

static unsigned watch_clock(struct health *h, bool synchronized)
{
	if (h->clock_lost != synchronized) {
		return 0;
	}
	h->clock_lost = !synchronized;
	return synchronized ? HEALTH_CLOCK_BACK : HEALTH_CLOCK_LOST;
}

static unsigned watch_stamps(struct health *h, const struct counters_values *t)
{
	bool user = t->n[COUNTER_USER_TIMESTAMPS] != h->user_timestamps;
	uint64_t stamped = t->n[COUNTER_KERNEL_TIMESTAMPS] + t->n[COUNTER_HARDWARE_TIMESTAMPS];
	bool kernel = stamped != h->kernel_timestamps;

	h->user_timestamps = t->n[COUNTER_USER_TIMESTAMPS];
	h->kernel_timestamps = stamped;
	if (user) {
		bool fresh = !h->stamps_lost;

		h->stamps_lost = true;
		h->calm_s = 0;
		return fresh ? HEALTH_STAMPS_LOST : 0;
	}
	if (!h->stamps_lost || !kernel || ++h->calm_s < HEALTH_CALM_S) {
		return 0;
	}
	h->stamps_lost = false;
	return HEALTH_STAMPS_BACK;
}

static unsigned watch_hardware(struct health *h, const struct counters_values *t)
{
	bool refused = t->n[COUNTER_HARDWARE_REFUSED] != h->hardware_refused;

	h->hardware_refused = t->n[COUNTER_HARDWARE_REFUSED];
	if (t->n[COUNTER_HARDWARE_READY] > h->hardware_most) {
		h->hardware_most = t->n[COUNTER_HARDWARE_READY];
		return HEALTH_HARDWARE_READY;
	}
	if (refused || t->n[COUNTER_HARDWARE_READY] < h->hardware_most) {
		bool fresh = !h->hardware_lost;

		h->hardware_lost = true;
		h->hardware_calm_s = 0;
		return fresh ? HEALTH_HARDWARE_LOST : 0;
	}
	if (!h->hardware_lost || ++h->hardware_calm_s < HEALTH_CALM_S) {
		return 0;
	}
	h->hardware_lost = false;
	return HEALTH_HARDWARE_BACK;
}

void health_begin(struct health *h, const struct counters_values *t)
{
	h->user_timestamps = t->n[COUNTER_USER_TIMESTAMPS];
	h->kernel_timestamps = t->n[COUNTER_KERNEL_TIMESTAMPS] + t->n[COUNTER_HARDWARE_TIMESTAMPS];
	h->hardware_refused = t->n[COUNTER_HARDWARE_REFUSED];
	h->segment_refused = t->n[COUNTER_SEGMENT_REFUSALS] > 0;
}

unsigned health_update(struct health *h, const struct counters_values *t, bool synchronized,
		       bool kernel_stamps)
{
	unsigned changes = watch_clock(h, synchronized);

	if (kernel_stamps) {
		changes |= watch_stamps(h, t);
		changes |= watch_hardware(h, t);
	}
	if (t->n[COUNTER_SEGMENT_REFUSALS] && !h->segment_refused) {
		h->segment_refused = true;
		changes |= HEALTH_SEGMENT_REFUSED;
	}
	return changes;
}
