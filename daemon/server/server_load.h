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

struct cgroup;
struct conns;

struct server_load {
	struct conns *conns; /* whose admission is told */
	struct cgroup *cgroup;
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

/** With @conns and @cgroup set. */
void server_load_start(struct server_load *l);

/** conns.memory_short: said in the log. */
void server_load_memory_short(struct server_load *l);

/** What has been counted up to now is no news: the process before did it. */
void server_load_forget(struct server_load *l);

/** Look, once a second at most. */
void server_load_look(struct server_load *l);
