// SPDX-License-Identifier: BSD-2-Clause
/*
 * An event as it will be written: strings "NAME=value" for the journal, the first of which is the
 * line for people. Whatever peers and files brought into it can be read on a terminal.
 */
#pragma once

#include "daemon/log/log.h"

#define RECORD_OCTETS 3072
#define RECORD_FIELDS 36

struct record {
	int level;
	enum log_event event;
	struct wall when;
	unsigned n;
	uint16_t at[RECORD_FIELDS]; /* start of each string; [0] is MESSAGE= */
	size_t used;
	char text[RECORD_OCTETS];
};

/** Name of an event, its level and what it is drawn on. */
const char *record_event_name(enum log_event e);
int record_level(enum log_event e);
enum budget_lane record_lane(enum log_event e);

void record_fill(struct record *r, enum log_event e, const struct log_args *a);

/** The line for people. */
const char *record_text(const struct record *r);

/** To the journal, or as a line to stderr. May block. */
void record_write(const struct record *r, bool journal);
