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

static unsigned watch_stamps(struct health *h, const struct reflector_totals *t)
{
	bool user = t->user_timestamps != h->user_timestamps;
	uint64_t stamped = t->kernel_timestamps + t->hardware_timestamps;
	bool kernel = stamped != h->kernel_timestamps;

	h->user_timestamps = t->user_timestamps;
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

static unsigned watch_hardware(struct health *h, const struct reflector_totals *t)
{
	bool refused = t->hardware_refused != h->hardware_refused;

	h->hardware_refused = t->hardware_refused;
	if (t->hardware_ready > h->hardware_most) {
		h->hardware_most = t->hardware_ready;
		return HEALTH_HARDWARE_READY;
	}
	if (refused || t->hardware_ready < h->hardware_most) {
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

unsigned health_update(struct health *h, const struct reflector_totals *t, bool synchronized,
		       bool kernel_stamps)
{
	unsigned changes = watch_clock(h, synchronized);

	if (kernel_stamps) {
		changes |= watch_stamps(h, t);
		changes |= watch_hardware(h, t);
	}
	if (t->segment_refusals && !h->segment_refused) {
		h->segment_refused = true;
		changes |= HEALTH_SEGMENT_REFUSED;
	}
	return changes;
}
