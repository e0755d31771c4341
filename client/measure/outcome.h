// SPDX-License-Identifier: BSD-2-Clause
/*
 * How a run ended, if not by a measurement: refused by an Accept code, without any Accept,
 * without any reply, or for reasons of this host; with the text for people and the exit
 * status. R-318, server-side codes in protocol/accept.h.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

enum outcome_kind {
	OUTCOME_OK = 0,
	OUTCOME_REFUSED, /* a message carried Accept != 0 */
	OUTCOME_NO_ACCEPT, /* no message carried an Accept that counts */
	OUTCOME_INCOMPLETE, /* accepted, but no reply came, or the test was cut short */
	OUTCOME_LOCAL, /* usage, configuration or this host */
};

enum outcome_exit {
	OUTCOME_EXIT_OK = 0,
	OUTCOME_EXIT_INCOMPLETE = 1,
	OUTCOME_EXIT_REFUSED = 10, /* plus the code: 11..15 */
	OUTCOME_EXIT_NO_ACCEPT = 20,
	OUTCOME_EXIT_LOCAL = 30,
};

struct outcome {
	enum outcome_kind kind;
	uint8_t accept; /* as it stood on the wire */
	unsigned category; /* NO_ACCEPT: the code whose meaning is nearest, 1 or 3 */
	const char *carrier; /* REFUSED: name of the message */
	char text[256]; /* what happened */
	char hint[512]; /* what to do; may be empty */
};

/** A message carried Accept != 0. Returns OUTCOME_REFUSED. */
int outcome_refused(struct outcome *o, const char *carrier, uint8_t accept);

/** Any other end; hint may be set afterwards with outcome_hint. Returns @kind. */
__attribute__((format(printf, 4, 5))) int outcome_set(struct outcome *o, enum outcome_kind kind,
						      unsigned category, const char *format, ...);
__attribute__((format(printf, 2, 3))) void outcome_hint(struct outcome *o, const char *format, ...);

/** The code 1..5 that the outcome stands for: Accept > 5 reads as 1; 0 if there is none. */
unsigned outcome_code(const struct outcome *o);

/** "refused", "no-accept", ...: for machines. */
const char *outcome_name(enum outcome_kind kind);

int outcome_exit(const struct outcome *o);

/** Code, name, meaning, causes and remedy for people. Nothing for OUTCOME_OK. */
void outcome_print(const struct outcome *o, FILE *to);
