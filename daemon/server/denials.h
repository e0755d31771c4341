// SPDX-License-Identifier: BSD-2-Clause
/*
 * Senders that a Light port does not answer since they are none of its clients, or since the HMAC of
 * their packets is wrong: told by address,
 * at once and then once a minute while it goes on.
 */
#pragma once

#include "daemon/log/log.h"
#include "protocol/address.h"
#include "protocol/ts.h"

struct reflector;

#define DENIALS 64 /* addresses that are followed; the packets of others are counted as one */

struct denials {
	struct denial {
		struct address who; /* family 0: nobody */
		uint16_t at; /* the Light port */
		bool forged; /* the HMAC is wrong */
		uint64_t packets; /* that were not told yet */
		uint64_t all; /* since it is followed */
		struct wall last;
		struct mono next; /* when they may be told */
	} table[DENIALS + 2]; /* the last ones are of others: no clients, and without the key */
};

/** Once a second. */
void denials_tick(struct denials *d, struct reflector *r, struct log *l, struct mono now);
