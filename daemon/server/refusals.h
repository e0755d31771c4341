// SPDX-License-Identifier: BSD-2-Clause
/*
 * What was refused to whom, whatever the log leaves out: the last refusals, those of one client for
 * one reason as one, and how many there were by reason. Fixed memory; main thread only.
 */
#pragma once

#include "base/roll.h"
#include "daemon/control/control.h"
#include "daemon/server/clients.h"
#include "daemon/server/reached.h"
#include "protocol/prefix.h"

#define REFUSALS_KEPT 1000u
#define REFUSALS_MINUTES 60u

enum refusals_kind {
	REFUSALS_CONNECTION = 1, /* Server-Start, or a greeting that offers no mode */
	REFUSALS_REQUEST,
	REFUSALS_START,
	REFUSALS_STOP,
};

struct refusal {
	struct roll_node node; /* the newest first */
	struct refusal *next; /* in its bucket */
	struct prefix client; /* what counts as one */
	enum refusals_kind kind;
	enum reason reason;
	enum accept_code code; /* ACCEPT_OK: none was sent, as the greeting offers no mode */
	/* as of the last one */
	char class[SETTINGS_CLASS_NAME_MAX + 1];
	uint8_t key_id[MSG_KEY_ID_LEN]; /* that the client sent, proved or not; zeros = none */
	struct reached reached; /* what is held, the limit, and where that stands */
	struct wall first, last;
	uint64_t count;
};

/* Since start: of the server, or of a class. */
struct refusals_tally {
	uint64_t connections; /* accepted */
	uint64_t requests[ACCEPT_COUNT]; /* for sessions, by the Accept code that they got */
	uint64_t refused[REASON_COUNT]; /* of every kind */
};

struct carry;
struct refusals;

/** For the next process: whatever is not 0, by the name of the reason. */
void refusals_tally_carry(struct carry *k, struct refusals_tally *t);

/** The tally of the server, not those that are known. */
void refusals_carry(struct carry *k, struct refusals *r);

NODISCARD struct refusals *refusals_new(void); /* NULL = no memory */
void refusals_free(struct refusals *r); /* NULL ok */

/** Take note of what one control_feed() reported. @of_class, @client  of the connection. */
void refusals_note(struct refusals *r, const struct control *c, const struct reached_rules *rules,
		   const struct control_out *out, struct refusals_tally *of_class,
		   struct client *client, struct wall now);

/** Once a second. */
void refusals_tick(struct refusals *r, struct mono now);

const struct refusals_tally *refusals_total(const struct refusals *r);

/** How many in the last @minutes (1..60), the one that runs included. */
uint64_t refusals_recent(const struct refusals *r, enum reason reason, unsigned minutes);

/** Those that are known, struct refusal: who comes again becomes the newest. */
struct roll *refusals_roll(struct refusals *r);
