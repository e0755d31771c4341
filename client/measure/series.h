// SPDX-License-Identifier: BSD-2-Clause
/*
 * The packets of one session as the sender sees them: which were sent, which reply counts,
 * and what it says about delay, loss, duplicates and order. Pure: times come in.
 * RFC 5357 4.1.2 and 4.2.1: replies by T-060, T-062, T-063.
 */
#pragma once

#include "protocol/pkt.h"

#include <stdbool.h>
#include <stdint.h>

enum series_delay {
	SERIES_OUTBOUND, /* T2 - T1 */
	SERIES_INBOUND, /* T4 - T3 */
	SERIES_ROUND_TRIP, /* (T4 - T1) - (T3 - T2) */
	SERIES_DWELL, /* T3 - T2, inside the reflector */
};
#define SERIES_DELAYS 4

enum series_state {
	SERIES_UNSENT,
	SERIES_SENT,
	SERIES_ANSWERED,
	SERIES_LATE, /* the reply came after the timeout: lost */
};

struct series_sample {
	int64_t delay_ns[SERIES_DELAYS];
	struct wall t1;
	uint32_t reflector_seq;
	enum series_state state;
	bool timed; /* delay_ns is valid */
};

struct series_range {
	bool any;
	uint8_t min, max;
};

struct series {
	struct series_sample *samples; /* indexed by the sender's sequence number */
	uint8_t *seen; /* a bit per reflector sequence number below seen_count */
	uint32_t capacity;
	uint32_t seen_count;
	int64_t timeout_ns;
	uint32_t sent, answered, late;
	uint32_t duplicates_out, duplicates_in; /* by the way on which they were made */
	uint32_t reordered_in;
	uint32_t unknown_seq; /* replies to packets that were never sent */
	uint32_t corrupt; /* Multiplier 0 in a reply: received, but no delays taken */
	uint32_t reflector_max;
	bool reflector_any; /* reflector_max is valid */
	bool reflector_odd; /* a sequence number that no reflector can have reached */
	bool reflector_counts; /* its number differed from the sender's once: no stateless copy */
	bool reflector_unsynchronized; /* S = 0 in a reply */
	bool reflector_format[2]; /* by enum ts_format: used in a reply */
	int64_t reflector_error_ns; /* the largest seen; -1 = none */
	struct series_range sender_ttl, reply_ttl;
};

enum series_verdict {
	SERIES_COUNTED,
	SERIES_DUPLICATE,
	SERIES_TOO_LATE,
	SERIES_NEVER_SENT,
};

struct series_loss {
	uint32_t total;
	uint32_t out, in; /* valid if known */
	bool known;
};

/** Room for @capacity packets. 0 or -ENOMEM. */
NODISCARD int series_init(struct series *s, uint32_t capacity, int64_t timeout_ns);
void series_wipe(struct series *s);

/** Packet @seq left at @t1. */
void series_sent(struct series *s, uint32_t seq, struct wall t1);

/** A well-formed reply came at @t4 with TTL @ttl, -1 if that is unknown. */
enum series_verdict series_reply(struct series *s, const struct pkt_reply *r, struct wall t4,
				 int ttl);

/**
 * Loss by direction. A stateless reflector copies the number of the sender, from which no
 * direction follows: with @stateful (a TWAMP-Control session) its numbers are taken as its own,
 * else only if one differed from the sender's.                T-063
 */
struct series_loss series_loss(const struct series *s, bool stateful);

/** Nanoseconds from @earlier to @later in @format, modulo the era of the field. T-037 T-038 */
int64_t series_between_ns(enum ts_format format, ts_wire earlier, ts_wire later);
