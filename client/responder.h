// SPDX-License-Identifier: BSD-2-Clause
/*
 * twamp responder: a TWAMP Light or STAMP reflector in the foreground, for a test between two
 * hosts without a server. Answers this host only unless told whom else.
 * RFC 5357 Appendix I, RFC 8762.
 */
#pragma once

#include "client/options.h"

/** Run until SIGINT or SIGTERM, then print the counters. The exit status. */
int responder_run(const struct options *o);
