// SPDX-License-Identifier: BSD-2-Clause
/*
 * Rates for each sender of a Light port, which anybody can forge: nothing is remembered of a
 * sender but where it falls in a few rows of meters (as of police.h), so memory is fixed and
 * nobody makes room for anybody. What falls on the same meters in all rows counts as one. A
 * forger with random addresses spreads over all of them: it keeps others out only when it sends
 * some thousand times the rate. With a random seed nobody can aim at a sender's meters but by its
 * own address.
 *
 * All threads of a port share it: each packet moves meters by itself, without a lock. Where several
 * have packets of one sender in the same instant a few more may pass.
 */
#pragma once

#include "daemon/reflector/police.h"
#include "protocol/address.h"
#include "protocol/wire.h"

#define THROTTLE_ROWS 4
#define THROTTLE_METERS 4096 /* in a row */

struct throttle;

struct throttle_rates {
	uint32_t packet_rate, octet_rate; /* per second; 0 = unlimited */
};

/** Return 0 or negative errno. */
NODISCARD int throttle_new(struct throttle **out);
void throttle_free(struct throttle *t);

/**
 * Take a packet of @octets from this address, or for IPv6 from its network of 64 bits, which one
 * host can have for itself. False: drop it, and nothing is charged.
 */
bool throttle_take(struct throttle *t, const struct address *sender,
		   const struct throttle_rates *rates, size_t octets, struct mono now);
