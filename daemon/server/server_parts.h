// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the server consists of: only for those who put it together, change its settings, tell of it
 * or hand it over (server.c, start.c, reload.c, handover.c, status.c, announce.c, view.c,
 * foresee.c). All others get the part that they need.
 */
#pragma once

#include "daemon/server/conns.h"
#include "daemon/server/denials.h"
#include "daemon/server/inherited.h"
#include "daemon/server/listener.h"
#include "daemon/server/meter.h"
#include "daemon/server/patrol.h"
#include "daemon/server/reflector_setup.h"
#include "daemon/server/reload_result.h"
#include "daemon/server/server_load.h"

#define SERVER_TROUBLE_LEN 800

struct guests;

struct server {
	const char *config_path;
	const struct guests *guests;
	struct conns conns; /* with loop, log, reflector and the settings in force */
	struct listeners listeners;
	struct reflector_setup setup;
	struct inherited inherited;
	struct settings *started; /* those of the start: what holds until a restart */
	struct notify *notify; /* the service manager */
	struct denials denials; /* of Light ports */
	struct server_load load;
	struct patrol patrol;
	struct meter meter;
	struct reload_result reload_result;
	char trouble[SERVER_TROUBLE_LEN]; /* with the files; empty = they are in force */
	bool absent_said; /* in the log: a family that the host has not got */
	bool ready; /* and said so */
	bool stopping;
	bool taken_over; /* from the process before: to be removed from the store */
	bool handing_over; /* to the next process, when the loop has come to rest */
	bool stuck; /* said already */
	uint64_t watchdog_us; /* 0 = no watchdog */
	ev_signal hup, term, interrupt, drain, resume, handover;
	ev_timer second; /* housekeeping */
	ev_timer grace;
};
