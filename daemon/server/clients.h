// SPDX-License-Identifier: BSD-2-Clause
/*
 * What is known of each client: how much it holds and how fast it asks. A client is an IPv4
 * address or an IPv6 prefix. Entries live while something is held, or until their bucket is
 * full again; idle ones are bounded in number.
 */
#pragma once

#include "base/roll.h"
#include "daemon/control/admit.h"
#include "daemon/server/pace.h"
#include "protocol/address.h"
#include "protocol/prefix.h"

struct clients;

struct client {
	struct roll_node node; /* of all, the newest first */
	struct admit_client admit;
	struct client *next; /* in its bucket */
	struct client *newer, *older; /* idle ones, by age */
	uint32_t holders; /* connections and sessions that point here */
	/* for who looks: main thread */
	enum reason refused_last;
	uint64_t refused; /* how often, whatever it wanted */
	uint64_t auth_failed; /* how often */
	struct wall refused_at, seen; /* the last time */
	struct pace_sum pace;
	struct prefix key;
};

/** @ipv6_bits  of an address that are one client. NULL when there is no memory. */
struct clients *clients_new(unsigned ipv6_bits);
void clients_free(struct clients *t); /* NULL ok; no holder may be left */

/** The entry of an address, with one more holder; NULL = no memory. */
struct client *clients_get(struct clients *t, const struct address *a, struct mono now);

/** The entry of an address as it is, for who only looks; NULL = there is none. */
const struct client *clients_look(struct clients *t, const struct address *a);

/** One more holder of an entry that is already held. */
struct client *clients_ref(struct client *c);
void clients_put(struct clients *t, struct client *c);

/**
 * From now on another prefix is one client. False if it is the same. Who holds something is to be
 * counted anew, with clients_get for each.
 */
bool clients_set_prefix(struct clients *t, unsigned ipv6_bits);

/** All entries, idle ones as well: struct client. */
struct roll *clients_roll(struct clients *t);

/** How many entries there are. */
uint32_t clients_number(const struct clients *t);

/** Forget idle entries whose bucket is full. */
void clients_sweep(struct clients *t, struct mono now);
