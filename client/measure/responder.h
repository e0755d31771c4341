// SPDX-License-Identifier: BSD-2-Clause
/*
 * twamp responder: a TWAMP Light or STAMP reflector in the foreground, for a test between two
 * hosts without a server. Answers this host only unless told whom else.
 * RFC 5357 Appendix I, RFC 8762.
 */
#pragma once

#include "client/measure/plan.h"
#include "protocol/prefix.h"

#define RESPONDER_MAX_ALLOW 64u

struct responder_plan {
	bool stateful;
	struct prefix allow[RESPONDER_MAX_ALLOW];
	uint32_t allow_count; /* 0 = this host only */
};

/**
 * Run until SIGINT or SIGTERM, then print the counters.
 * @plan  host "" = all addresses; port, family and stamp count
 * The exit status.
 */
int responder_run(const struct plan *plan, const struct responder_plan *who, bool quiet);
