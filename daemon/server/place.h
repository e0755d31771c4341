// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where sessions of ours reflect: address, port and device, found with one look. Sessions on a
 * shared port have one place together. Two of our own sessions must not get each other as
 * senders: one packet would go to and fro for ever.
 */
#pragma once

#include "base/hashmap.h"
#include "protocol/address.h"

struct place;

struct places {
	uint64_t seed[2];
	struct hashmap index;
};

void places_init(struct places *t);
void places_wipe(struct places *t); /* nobody has a place any more */

/** Memory for one, so that taking it cannot fail. NULL = there is none. place_drop if unused. */
NODISCARD struct place *place_new(struct places *t);
void place_drop(struct place *p);

/** A session is there now: its place, which may be that of others, too. @p is taken over. */
NODISCARD struct place *place_take(struct places *t, struct place *p, const struct address *at,
				   uint16_t port, uint32_t device);

/** The session has ended. NULL ok. */
void place_leave(struct places *t, struct place *p);

/** Is a session of ours there? On any device if @device is NULL, else on that one. */
bool place_is_taken(const struct places *t, const struct address *at, const uint32_t *device);
