// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who sends to a Light port without being one of its clients, or without having its key: the addresses with most packets of
 * the last second, noted by one reflector thread, read by the main thread. Fixed memory; no lock:
 * the thread writes into one of two tables while the other one is read.
 */
#pragma once

#include "protocol/address.h"

#include <stdatomic.h>
#include <stdbool.h>

#define STRANGERS 16 /* of a thread and a period */

struct strangers_table {
	_Atomic uint64_t turn; /* odd while the thread is at it */
	_Atomic uint64_t period; /* that it is about */
	_Atomic uint64_t others; /* packets of those that found no place, or made room */
	struct {
		_Atomic uint64_t ip[2], rest, packets; /* rest: family and the Light port */
	} entries[STRANGERS];
};

/* All zero at first. */
struct strangers {
	_Atomic uint64_t period; /* the main thread's */
	struct strangers_table tables[2];
};

/** A packet of @who, which is not answered, came to the port @at. The thread's. */
void strangers_note(struct strangers *s, const struct address *who, uint16_t at);

struct stranger {
	struct address who; /* family 0: of others; port 0 */
	uint16_t at;
	bool forged; /* a client, but the HMAC is wrong */
	uint64_t packets;
};

/**
 * The main thread's, once a period: what the one before the last had. @out has STRANGERS + 1.
 * Return how many.
 */
unsigned strangers_take(struct strangers *s, struct stranger *out);
