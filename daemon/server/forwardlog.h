// SPDX-License-Identifier: BSD-2-Clause
/* What a session's packets told about the way to here, for the log. */
#pragma once

#include "daemon/log/log.h"
#include "daemon/reflector/forward.h"

#define FORWARDLOG_VALUE_LEN 32
#define FORWARDLOG_TEXT_LEN 500

/* Texts that log_args point to. */
struct forwardlog {
	char text[FORWARDLOG_TEXT_LEN];
	char loss[FORWARDLOG_VALUE_LEN];
	char p50[FORWARDLOG_VALUE_LEN], p95[FORWARDLOG_VALUE_LEN], p99[FORWARDLOG_VALUE_LEN];
	char max[FORWARDLOG_VALUE_LEN], jitter[FORWARDLOG_VALUE_LEN];
};

/**
 * Fill in the fields of the way; those that are not known stay NULL.
 * @n     counters of the session
 * @dscp  that the request asked for
 */
void forwardlog_put(struct forwardlog *l, const struct forward_view *v,
		    const struct counters_values *n, uint8_t dscp, struct log_args *a);
