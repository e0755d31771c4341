// SPDX-License-Identifier: BSD-2-Clause
/* Who looks on while a measurement runs: shown live, or not at all. */
#pragma once

#include <stdint.h>

struct watcher {
	void *data;
	/* Several times a second: packets of all sessions until now, of @total in the end. */
	void (*tick)(void *data, uint64_t sent, uint64_t answered, uint64_t total);
	/* What changes no result, but is worth a line: "..., retry 1 of 3 in 1 s". */
	void (*note)(void *data, const char *text);
};
