// SPDX-License-Identifier: BSD-2-Clause
/*
 * The senders of a stateful reflector without control, each with the Sequence Number of its
 * next reply: a hash table of fixed size. When it is full the sender that was silent for
 * longest makes room, if that was long enough: nobody who is active is driven out by others. Keyed with a random seed, so that nobody can aim at one bucket.
 * RFC 5357 Appendix I, RFC 8762 4; T-072, T-082.
 */
#pragma once

#include "daemon/reflector/forward.h"
#include "protocol/ts.h"
#include "protocol/wire.h"

#include <stdint.h>

struct senders;

/* Addresses as in struct address; all octets count. RFC 8972 3: 4-tuple and SSID. */
struct senders_key {
	uint8_t remote[16], local[16];
	uint32_t scope;
	uint16_t port;
	uint16_t ssid;
};
_Static_assert(sizeof(struct senders_key) == 40, "no padding: it is hashed and compared as octets");

/* Memory of a sender, at most. */
#define SENDERS_OCTETS 640

/** @entries: at least 1. Return 0 or negative errno. */
NODISCARD int senders_new(struct senders **out, uint32_t entries);
void senders_free(struct senders *t);

/* What is known about a sender. */
struct senders_known {
	uint32_t seq; /* of its next reply, from 0 on */
	struct forward forward; /* what its packets tell */
	uint32_t rx_count; /* accepted packets, modulo 2^32: RFC 8972 4.5 */
	uint32_t tx_count; /* replies */
	uint32_t duplicates; /* of these packets */
	int64_t t3_ns; /* when the last reply left; 0 = there was none */
};

/* A sender that was silent for so long may make room. */
#define SENDERS_IDLE_NS (300 * TS_NS_PER_S)

/**
 * Of this sender, which is the newest from now on. It stays where it is for SENDERS_IDLE_NS.
 * @evicted is set if another sender had to make room. NULL: it is new, and there is no room.
 */
struct senders_known *senders_find(struct senders *t, const struct senders_key *key,
				   struct mono now, bool *evicted);

/* Copies of one of them. */
struct senders_row {
	struct senders_key key;
	uint64_t gaps;
	uint32_t rx_count, tx_count, duplicates;
	struct mono last; /* packet */
};

/**
 * Copy up to @n of them, from the place *@at on, which goes on behind them: who is there all the
 * while is copied once. Return how many; fewer than @n: there are no more.
 */
unsigned senders_copy(const struct senders *t, uint32_t *at, struct senders_row *rows, unsigned n);

struct carry;

/**
 * All senders, on the way to the next process; while nothing is answered. Those that are loaded come
 * to those that are there, as far as there is room. @t NULL: what is loaded is passed over.
 */
void senders_carry(struct carry *c, struct senders *t);
