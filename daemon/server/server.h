// SPDX-License-Identifier: BSD-2-Clause
/*
 * The shell around the pure parts: main loop, listeners, signals, reload, systemd. The only
 * root of the daemon's state. What may run on the main loop, and what it may wait for:
 * docs/loops.md.
 */
#pragma once

#include "base/roll.h"
#include "base/vault.h"
#include "daemon/config/settings.h"
#include "daemon/control/admit.h"
#include "daemon/control/overload.h"
#include "daemon/log/log.h"
#include "daemon/reflector/reflector.h"
#include "daemon/server/class_use.h"
#include "daemon/server/clients.h"
#include "daemon/server/denials.h"
#include "daemon/server/evict.h"
#include "daemon/server/guests.h"
#include "daemon/server/host.h"
#include "daemon/server/inherited.h"
#include "daemon/server/listener.h"
#include "daemon/server/place.h"
#include "daemon/server/refusals.h"
#include "daemon/server/reload.h"
#include "daemon/server/server_load.h"
#include "daemon/server/standing.h"

#include <ev.h>

#define SERVER_TROUBLE_LEN 800

struct conn;
struct server;

struct server_options {
	const char *config_path;
	enum log_target log_target;
	struct guests guests;
};

struct server {
	struct ev_loop *loop;
	const struct server_options *options;
	const char *config_path;
	struct settings *settings;
	struct policy keyed_policy; /* of clients in no class: modes that need a key, or none */
	struct log *log;
	struct ends *ends; /* of sessions, for the log */
	struct denials denials; /* of Light ports */
	struct notify *notify; /* the service manager */
	struct reflector *reflector;
	bool shared_ports; /* a session needs no descriptor */
	struct clients *clients;
	struct kdf *kdf;
	struct vault keyed; /* struct control_keyed of connections */
	uint8_t *scratch; /* answers of control_feed */
	size_t scratch_octets;
	struct inherited inherited;
	struct listener *listeners;
	struct listener *leaving; /* leaving.h */
	bool absent_said; /* in the log: a family that the host has not got */
	struct settings *running; /* those of the start: what holds until a restart */
	struct admit_total admit;
	struct class_uses class_uses;
	struct standing *standings; /* of all connections and sessions */
	struct places places; /* of sessions */
	struct host host;
	struct server_load load;
	struct cgroup *cgroup;
	struct roll conns, sessions; /* all of them, the newest first: conn.h, session_orders.h */
	struct refusals *refusals;
	struct reload_result reload_result;
	struct evict_queue idlers; /* counted, without a Set-Up-Response */
	struct evict_queue refused; /* not counted: over a limit, or about to be closed */
	char trouble[SERVER_TROUBLE_LEN]; /* with the files; empty = they are in force */
	ts_wire start_time;
	uint8_t host_ipv4[4]; /* for SIDs; zero if there is none */
	bool ready; /* and said so */
	bool stopping;
	bool taken_over; /* from the process before: to be removed from the store */
	bool handing_over; /* to the next process, when the loop has come to rest */
	bool stuck; /* said already */
	uint64_t watchdog_us; /* 0 = no watchdog */
	ev_signal hup, term, interrupt, drain, resume, handover;
	ev_timer second; /* housekeeping */
	ev_timer grace;
	ev_timer accept_pause;
};

#define SERVER_EXIT_CONFIG 2 /* somebody has to correct the settings, or the command line */

/** Run until told to stop. Return the exit status. */
int server_run(const struct server_options *o);

/** Signals that are for server_run() wait until they can be handled. */
void server_hold_signals(bool hold);

/** While they are held: sleep, but no longer than until one comes. */
void server_await_signal(unsigned seconds);

/** From now on they are handled, and housekeeping is done. */
void server_listen_to_signals(struct server *s);

/** Log an event that is about nobody in particular. @detail NULL ok. */
void server_say(struct server *s, enum log_event e, const char *detail);

/** SIGUSR1: take nothing new, let what runs finish; SIGUSR2: as before. Says so, if it is news. */
void server_drain(struct server *s, bool on);

/**
 * As SIGHUP. Return true, or false with @why: then the settings are as they were, as view_status()
 * tells, too.
 */
bool server_reload(struct server *s, char *why, size_t size);

/** Log what is as important as @level (enum settings_level), until the next reload. */
void server_log_level(struct server *s, int level);

/** For guests. */
struct ev_loop *server_loop(const struct server *s);
struct log *server_log(const struct server *s);

/** The socket that the service manager passed for twampctl; -1 = none. It stays the server's. */
int server_admin_socket(const struct server *s);

/** READY=1 with live figures. */
void server_tell_ready(struct server *s);

/** Monotonic now; wall now. */
struct mono server_mono(void);
struct wall server_wall(void);

/** Stop accepting for a second: no descriptors. */
void server_pause_accept(struct server *s, int error);

/** Called by conn.c for each connection that is gone. */
void server_conn_gone(struct server *s);
