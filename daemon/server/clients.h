// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is known of each client: how much it holds and how fast it asks. A client is an IPv4
 * address or an IPv6 /64. Entries live while something is held, or until their bucket is
 * full again; idle ones are bounded in number.
 */
#pragma once

#include "daemon/control/address.h"
#include "daemon/control/admit.h"

#define CLIENT_KEY_LEN 9

struct clients;

struct client {
	struct admit_client admit;
	uint32_t holders; /* connections and sessions that point here */
	struct client *next; /* in its bucket */
	struct client *newer, *older; /* idle ones, by age */
	uint8_t key[CLIENT_KEY_LEN]; /* family, then 4 or 8 octets of address */
};

/** NULL when there is no memory. */
struct clients *clients_new(void);
void clients_free(struct clients *t); /* NULL ok; no holder may be left */

/** The entry of an address, with one more holder; NULL = no memory. */
struct client *clients_get(struct clients *t, const struct address *a, struct mono now);

/** One more holder of an entry that is already held. */
struct client *clients_ref(struct client *c);
void clients_put(struct clients *t, struct client *c);

/** How many entries there are. */
uint32_t clients_number(const struct clients *t);

/** Forget idle entries whose bucket is full. */
void clients_sweep(struct clients *t, struct mono now);
