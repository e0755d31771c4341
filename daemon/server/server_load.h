// SPDX-License-Identifier: BSD-2-Clause
/*
 * How much the server has to bear: measured once a second, told to admission (Accept 5 before
 * it is too late) and to the log, together with changes of clock and timestamps.
 */
#pragma once

#include "daemon/control/overload.h"
#include "daemon/reflector/health.h"
#include "protocol/ts.h"

#include <ev.h>

struct server;

struct server_load {
	ev_timer timer; /* beats, to see how late the main loop comes */
	double worst_lag_ms; /* of the main loop, since the last look */
	struct mono beat; /* the last one */
	struct mono looked; /* when */
	struct server_load_drops {
		uint64_t tx, rcvbuf;
	} drops; /* until then */
	struct overload_marks marks;
	struct overload_sample sample; /* that they come from */
	struct health health;
};

void server_load_start(struct server *s);

/** What is left of descriptors and memory, at once: sets the flags of admit. R-122 */
void server_load_measure(struct server *s);

/** Descriptors in use, about, and how many there may be (0 = without limit). */
uint64_t server_load_descriptors(const struct server *s, uint64_t *most);

/** Look, once a second at most. */
void server_load_look(struct server *s);
