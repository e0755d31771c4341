// SPDX-License-Identifier: BSD-2-Clause
/*
 * A page of a long list: of all objects that pass by, those that are wanted are kept, in the order
 * of one of their members, or as they came. Holds no more than what comes before the end of the
 * page.
 */
#pragma once

#include "protocol/wire.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shelf {
	uint32_t offset, limit;
	const char *sort; /* the member; "" = as they come; lives as long as this */
	bool rising;
	bool unknown; /* an object had no such member */
	bool failed; /* no memory */
	uint64_t passed; /* how many came by */
	struct shelf_item {
		json_t *object;
		uint64_t number; /* of those that came by: the earlier one wins */
	} * items; /* a heap: the first one is the next to go */
	size_t n, size;
};

/** One passes by; its reference is taken over. */
void shelf_take(struct shelf *s, json_t *object);

/** The page as an array. NULL = no memory. The shelf is empty then. */
json_t *shelf_page(struct shelf *s);

void shelf_wipe(struct shelf *s);
