// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whether the way from a client to here is worse than its class may have it (the group "watch" of
 * the settings): judged by what came since the last time, told once, and told again when it is
 * good. A limit counts as kept again when twice in a row no more than half of it was reached.
 * No clock: time is passed in.
 */
#pragma once

#include "daemon/control/policy.h"
#include "daemon/reflector/forward.h"

#define WATCH_PACKETS 100u /* are enough to judge 1 percent */
#define WATCH_PACKETS_SLOW 10u /* of a sender that is slow: what came in WATCH_SLOW_NS */
#define WATCH_SLOW_NS (60 * TS_NS_PER_S)
#define WATCH_CALM 2 /* in a row */

enum watch_limit { WATCH_LOSS, WATCH_PDV, WATCH_LIMITS };

/* Of a session. Zeros at first. */
struct watch {
	int64_t since_ns; /* begin of what is judged next; 0 = nothing was seen yet */
	uint64_t sent, lost, delays, above; /* until then */
	uint32_t limit_ms; /* what above was counted by */
	bool raised[WATCH_LIMITS]; /* was told, and is not good again */
	uint8_t calm[WATCH_LIMITS];
};

enum watch_news {
	WATCH_NOTHING,
	WATCH_BAD,
	WATCH_GOOD,
	WATCH_OFF, /* bad, and not watched any more */
};

/* What to tell. */
struct watch_find {
	enum watch_news news[WATCH_LIMITS];
	double loss_percent; /* of what was sent since the last time */
	double above_percent; /* of the delays: above the limit */
	double passed_s; /* since then */
};

/**
 * Look at a session.
 * @copy      forward_read()
 * @received  test packets so far
 * @now_ns    monotonic, more than 0
 * Return whether there are news.
 */
bool watch_look(struct watch *w, const struct policy *limits, const struct forward *copy,
		uint64_t received, int64_t now_ns, struct watch_find *out);
