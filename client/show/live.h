// SPDX-License-Identifier: BSD-2-Clause
/* What a person sees while a measurement runs: one line that is written anew, and notes. */
#pragma once

#include "client/measure/watcher.h"

#include <stdbool.h>

struct live {
	struct watcher watcher; /* to be given to measure_init */
	bool terminal; /* the line is shown only there */
	bool drawn;
	uint64_t sent, answered; /* packets of all sessions until now */
};

void live_init(struct live *l);

/** Take the line away before the result is printed. */
void live_end(struct live *l);
