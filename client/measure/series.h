// SPDX-License-Identifier: BSD-2-Clause
/*
 * The packets of one session as the sender sees them: which were sent, which reply counts,
 * and what it says about delay, loss, duplicates and order. Only packets whose reply can still
 * come are kept; what is known of the others is added up, so that a session may go on for ever.
 * Pure: times come in. RFC 5357 4.1.2 and 4.2.1: replies by T-060, T-062, T-063.
 */
#pragma once

#include "base/clock.h"
#include "client/measure/tally.h"
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
	SERIES_UNSENT, /* also what the system failed to send */
	SERIES_SENT,
	SERIES_ANSWERED,
	SERIES_LATE, /* the reply came after the timeout: lost */
};

/* What one reply said. */
struct series_reading {
	uint64_t index; /* of the packet, from 0 */
	uint32_t number; /* of the reflector */
	uint32_t epoch; /* between which of its restarts */
	struct clock_pair t4; /* when it came */
	bool known[SERIES_DELAYS]; /* delay_ns is valid */
	int64_t delay_ns[SERIES_DELAYS];
};

struct series_packet {
	ts_wire stamp; /* as the packet carries it */
	struct clock_pair t1; /* read before it was sent */
	int64_t departed_ns; /* how much later it left; 0 = not told */
	uint64_t ordinal; /* packets that were sent before it */
	uint32_t floor; /* highest number of the reflector that was known when it was sent */
	uint32_t epoch; /* of that floor; 0 = none was known */
	bool reordered; /* counted as such on the way out */
	enum series_state state;
	struct series_reading reading; /* valid if answered or late */
};

struct series_range {
	bool any;
	uint8_t min, max;
};

/* Replies whose figures cannot be right. Their packets are answered, the figures left out. */
enum series_odd {
	SERIES_ODD_NO_STAMP, /* T2 or T3 is zero: a reflector without a clock */
	SERIES_ODD_BACKWARDS, /* T3 before T2: swapped fields, or its clock was set */
	SERIES_ODD_DWELL, /* it says to have kept the packet for longer than the round trip took */
	SERIES_ODD_TTL, /* a Sender TTL of 0 cannot have arrived */
	SERIES_ODD_ESTIMATE, /* Multiplier 0 in the Error Estimate: a corrupt field */
	SERIES_ODD_STEP, /* the clock of this host was set meanwhile: no one-way figures */
};
#define SERIES_ODDS 6

/*
 * The numbers of a reflector between two of its restarts. It numbers what it receives, so that
 * their span tells how many packets reached it.
 */
struct series_epoch {
	bool any;
	uint64_t first, last; /* ordinals of packets: the lowest and highest answered */
	uint32_t low, high; /* numbers of the reflector */
	uint64_t replied; /* packets with a reply, in time or late */
	uint64_t doubled; /* packets that it numbered twice */
};

struct series_loss {
	uint64_t total; /* with those that this host dropped */
	uint64_t here; /* replies that came, and found the buffer of this host full */
	uint64_t out, in, unknown; /* the rest, by direction as far as that can be known */
	bool known; /* some direction is known */
};

struct series {
	struct series_packet *packets; /* ring: index modulo window */
	uint64_t window; /* a power of two */
	uint64_t next, tail; /* [tail, next): replies may still come in time */
	bool controlled; /* numbers begin at 0, and are the reflector's own. RFC 5357 4.2.1 */
	int64_t timeout_ns;
	struct tally delay[SERIES_DELAYS];
	uint64_t sent, answered, late;
	uint64_t expired; /* packets that were lost for sure */
	uint64_t duplicates_out, duplicates_in; /* by the way on which they were made */
	uint64_t reordered_out, reordered_in; /* RFC 4737 */
	uint64_t extent_out, extent_in; /* the farthest displacement, in packets */
	uint64_t run, longest_run, loss_periods; /* losses in a row: now, most, how often */
	uint64_t unknown_seq; /* replies to packets that were never sent */
	uint64_t stale; /* replies to packets of an earlier run: another Sender Timestamp */
	uint64_t not_copied; /* replies without the timestamp of their packet: matched by number */
	uint64_t odd[SERIES_ODDS];
	uint64_t scale_37; /* one-way figures of 36 to 38 s, either way: a clock in TAI */
	uint64_t own_drops; /* replies that this host dropped; told by the socket */
	uint64_t departures; /* packets whose departure was told */
	double departed_sum_ns;
	int64_t departed_max_ns;
	struct series_reading previous; /* the packet before the tail */
	bool previous_answered;
	struct series_epoch epoch;
	uint32_t epochs; /* 1 = no restart of the reflector was seen */
	uint64_t lost_out, lost_in, replied; /* of former epochs */
	bool numbers_odd; /* spans that cannot be: nothing is told from them */
	bool reflector_counts; /* its number differed from the sender's once: no stateless copy */
	bool reflector_unsynchronized; /* S = 0 in a reply */
	bool reflector_format[2]; /* by enum ts_format: used in a reply */
	int64_t reflector_error_ns; /* the largest seen; -1 = none */
	struct series_range sender_ttl, reply_ttl;
	bool holds; /* the delays of a reply wait for what the next one tells of it */
	struct series_held {
		bool any;
		uint64_t index;
		ts_wire t3;
		enum ts_format format;
	} held;
	uint64_t follow_ups; /* replies whose departure was told by a later one */
	double follow_up_sum_ns;
	int64_t follow_up_max_ns;
};

enum series_verdict {
	SERIES_COUNTED,
	SERIES_DUPLICATE,
	SERIES_TOO_LATE,
	SERIES_NEVER_SENT,
	SERIES_STALE,
};

/* When a reply came, as the socket tells it. */
struct series_arrival {
	bool stamped; /* t4 is the kernel's; else only @now counts */
	struct wall t4;
	struct clock_pair now; /* read after it */
	int ttl, tos; /* -1 = unknown */
	bool brief; /* it ends before the Sender TTL */
};

/** Room for @window packets at once, rounded up. 0 or -ENOMEM. */
NODISCARD int series_init(struct series *s, uint64_t window, int64_t timeout_ns, bool controlled);
void series_wipe(struct series *s);

/** Sequence Number of the next packet. Numbers wrap as the field does. */
static inline uint32_t series_next(const struct series *s)
{
	return (uint32_t)s->next;
}

/** It left at @t1, with @stamp in it; or the system failed to send it: its number is used up. */
void series_sent(struct series *s, ts_wire stamp, struct clock_pair t1);
void series_skipped(struct series *s);

/** The kernel says when packet @index left: @at, on the wall clock. */
void series_departed(struct series *s, uint64_t index, struct wall at);

/** A well-formed reply came. @to gets what it said if it is counted or too late. */
enum series_verdict series_reply(struct series *s, const struct pkt_reply *r,
				 const struct series_arrival *a, struct series_reading *to);

/**
 * The reply with @number of the reflector left at @t3: told by the next one, with the Follow-Up
 * Telemetry TLV. Needs s->holds; what is not the last reply is passed over.     S-250
 */
void series_followed_up(struct series *s, uint32_t number, ts_wire t3);

/** The delays of the reply that waits count as they are. */
void series_release(struct series *s);

/** What was sent more than the timeout before @now has no reply any more. */
void series_expire(struct series *s, struct mono now);

/** The end: nothing is waited for any more. */
void series_finish(struct series *s);

/** True when every packet that was sent is answered. */
static inline bool series_complete(const struct series *s)
{
	return s->answered + s->late >= s->sent;
}

/**
 * Loss by direction. A stateless reflector copies the number of the sender, from which no
 * direction follows: unless a server controls it, its numbers are its own only if one differed
 * from the sender's. Nothing can be known of packets after the last reply.       T-063
 */
struct series_loss series_loss(const struct series *s);

/** Directions of duplicates and of reordering are known. */
bool series_directions(const struct series *s);

/** Nanoseconds from @earlier to @later in @format, modulo the era of the field. T-037 T-038 */
int64_t series_between_ns(enum ts_format format, ts_wire earlier, ts_wire later);
