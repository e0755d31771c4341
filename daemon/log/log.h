// SPDX-License-Identifier: BSD-2-Clause
/*
 * Events for people: to the journal with fields, or to stderr as text. Written by a thread
 * of its own from a bounded queue, so that a slow journal delays nothing; what does not fit, or is
 * more than budget.h allows, is counted and said later. ERR = the operator must act; WARNING = may; NOTICE = a
 * peer was refused, reload, start, stop; INFO = sessions. Never a line per packet.
 */
#pragma once

#include "daemon/log/budget.h"
#include "daemon/reflector/counters.h"
#include "protocol/ts.h"
#include "protocol/wire.h"

#include <stdbool.h>
#include <syslog.h>

enum log_event {
#define X(name, level, id, lane, text, help) LOG_EVENT_##name,
#include "daemon/log/events.def"
#undef X
	LOG_EVENT_COUNT
};

enum log_target {
	LOG_TARGET_AUTO, /* journal when systemd connected stderr to it */
	LOG_TARGET_JOURNAL,
	LOG_TARGET_STDERR,
};

/* What an event is about; NULL = not given. The texts are the rows of fields.def. */
struct log_args {
	const struct address *client; /* who caused it: no field, its budget pays */
#define X(name, journal, meaning) const char *name;
#include "daemon/log/fields.def"
#undef X
	const struct counters_values *counters;
	unsigned tell; /* which of them: enum counters_who */
};

struct log;

/** Return 0 or negative errno. */
NODISCARD int log_new(struct log **out, enum log_target target);

/**
 * Waits up to 2 s for the queue to empty. NULL ok. Return false when its thread is stuck in a write:
 * then nothing was freed, and it may be called again.
 */
bool log_free(struct log *l);

/** Events less important than @level (syslog's numbers) are left out; never that it is ready. */
void log_set_level(struct log *l, int level);

/** Of this client, an address or prefix, log what is as important as @level; NULL = as of all. */
void log_set_client_level(struct log *l, const struct prefix *who, int level);

/** What a client is: so many bits of an IPv6 address. */
void log_set_prefix(struct log *l, unsigned ipv6_bits);

/** What counts as the client that an address belongs to. */
struct prefix log_client(const struct log *l, const struct address *a);

/**
 * Log an event; never blocks. Main thread only.
 * Return false if it was left out. What is drawn on BUDGET_END the caller keeps, and tries again.
 */
bool log_event(struct log *l, enum log_event e, const struct log_args *args);

/** An event that is about nobody in particular. @detail NULL ok. */
void log_say(struct log *l, enum log_event e, const char *detail);

/**
 * The process ends: from now on nothing is left out for its rate, and a full queue is waited
 * for, a second at most.
 */
void log_be_patient(struct log *l);

/* One that was logged, as a line for people. */
struct log_line {
	struct wall at;
	int level; /* as syslog */
	const char *event; /* its name */
	const char *text;
};

/**
 * The @i-th of those that were logged last, the newest is 0, whether it is written already or not.
 * False: no more are known. Good until the next event.
 */
bool log_recent(const struct log *l, unsigned i, struct log_line *out);

/** Once a second: say how much the rate limits held back. */
void log_tick(struct log *l);

/** Events that were left out since the start, for their rate or because the log was slow. */
uint64_t log_left_out(const struct log *l);

/** One line on stderr, before there is a log and for --check-config. */
void log_early(const char *format, ...) __attribute__((format(printf, 1, 2)));
