// SPDX-License-Identifier: BSD-2-Clause
/*
 * Lists of any length: a walk through the server's, a piece at each turn of the loop, with an item
 * for each that the filter takes. The result says how many.
 */
#pragma once

#include "daemon/admin/filter.h"
#include "daemon/server/view.h"

struct listing;

struct listing_kind {
	enum view_what what;
	/* The next one; false = there are no more. *item stays NULL where the filter does not take it. */
	bool (*next)(struct listing *l, json_t **item);
	/* There is one at most, which is the result; this is the error if there is none. NULL: a list. */
	const char *none;
};

struct listing {
	const struct listing_kind *kind;
	struct view_walk walk;
	struct filter filter;
	struct wall since; /* what was before is not wanted */
	uint64_t seen, shown;
};

/** To be returned by a command. */
enum task_next listing_begin(struct task *t, const struct listing_kind *kind);
