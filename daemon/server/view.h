// SPDX-License-Identifier: BSD-2-Clause
/*
 * The server as others may see it: copies, taken in the main thread, good for as long as one likes.
 * What there may be many of is read in pieces: view_begin(), then view_connection() and the like as
 * often as a turn of the loop has time for, and the next turn goes on where this one stopped. Who
 * goes meanwhile is not seen, who comes is not either. To steer it, and to live on its loop:
 * server.h (server_reload, server_drain, server_log_level), guests.h.
 *
 *   view_status()      one page: since when, settings, load, clock, timestamps, totals
 *   view_overload()    each measure with its value and limit
 *   view_listener()    TCP, by number; Light ports: light_walk() of view_reflector()
 *   view_class()       classes by number: what they hold, may hold, got and were refused
 *   view_tally()       accepted and refused since start, by code and reason, of the server
 *   view_recent()      refusals by reason in the last minutes
 *   walks              connections, sessions, clients, refusals; view_end_session()
 */
#pragma once

#include "base/roll.h"
#include "daemon/config/settings.h"
#include "daemon/control/control.h"
#include "daemon/reflector/class_sums.h"
#include "daemon/reflector/forward.h"
#include "daemon/server/refusals.h"
#include "daemon/server/reload_result.h"
#include "protocol/prefix.h"

struct forward; /* daemon/reflector/forward.h */
struct reflector;
struct server;

/* --- one page ------------------------------------------------------------------------- */

#define VIEW_CARDS_LEN 400

struct view_status {
	const char *config_path; /* lives as long as the process */
	struct wall started; /* this process */
	bool took_over; /* from the process before, when it started */
	bool draining, stopping, overloaded;
	bool drain_light; /* no port of light gives replies */
	struct reload_result reload;
	bool control_passed, light_passed; /* the service manager opened the sockets */
	uint32_t connections, max_connections; /* that are counted */
	uint32_t idle, refused; /* of no use so far; over a limit or about to be closed */
	uint32_t sessions, max_sessions;
	uint32_t clients; /* that are known */
	uint64_t descriptors, max_descriptors; /* about; 0 = without limit */
	size_t light_ports;
	bool synchronized; /* the clock */
	double clock_error_ms; /* negative = unknown */
	bool kernel_timestamps;
	unsigned cards_used; /* network cards whose stamps are used */
	char cards[VIEW_CARDS_LEN]; /* each that could be, and its state */
	struct counters_values totals, light; /* of sessions; of Light ports */
};

void view_status(const struct server *s, struct view_status *out);

/** The settings in force; good until the next turn of the loop, or while a reference is held. */
struct settings *view_settings(const struct server *s);

/** Those of the start: what only a restart changes holds as it is there. */
struct settings *view_started_settings(const struct server *s);

/** For its own readers (reflector.h, light.h). Lives as long as the server. */
struct reflector *view_reflector(const struct server *s);

struct view_measure {
	const char *key; /* "overload.loop_lag"; static */
	const char *unit; /* "ms", "percent", "per second"; static */
	double value; /* of the last second; negative = unknown */
	uint32_t limit; /* 0 = not looked at */
	bool above;
};
#define VIEW_MEASURES 6
void view_overload(const struct server *s, struct view_measure out[static VIEW_MEASURES]);

struct view_listener {
	struct address address; /* that is bound; as wanted, if it is absent */
	uint32_t device; /* 0 = none */
	bool absent; /* the host has not got the family */
};
/** False: there are no more. */
bool view_listener(const struct server *s, size_t i, struct view_listener *out);

/* --- classes -------------------------------------------------------------------------- */

struct view_class {
	char name[SETTINGS_CLASS_NAME_MAX + 1]; /* "none": what runs for clients in no class */
	uint32_t connections, sessions; /* that it holds */
	const struct policy *policy; /* what it may: as view_settings(); NULL for "none" */
	const struct settings_class *class; /* likewise */
	struct refusals_tally tally;
};
/** The classes of the settings in their order, the built-in "default", then "none". False: no more. */
bool view_class(const struct server *s, size_t i, struct view_class *out);

/** What the sessions of the class brought since the start, over restarts: as view_class. */
bool view_class_sums(const struct server *s, size_t i, struct class_sums_values *out);

/* --- refusals ------------------------------------------------------------------------- */

void view_tally(const struct server *s, struct refusals_tally *out);
uint64_t view_recent(const struct server *s, enum reason reason, unsigned minutes); /* 1..60 */

/* Who sends to a Light port without being one of its clients. */
struct view_denial {
	struct address sender; /* family 0: of all that are not followed one by one */
	uint16_t port; /* of ours; 0 with those */
	uint64_t packets; /* since it is followed: until it was silent for a minute */
	struct wall last;
};
/** False: there are no more. */
bool view_denial(const struct server *s, size_t i, struct view_denial *out);

/* --- walks ---------------------------------------------------------------------------- */

enum view_what {
	VIEW_CONNECTIONS = 1,
	VIEW_SESSIONS,
	VIEW_CLIENTS,
	VIEW_REFUSALS,
};

struct view_walk {
	struct roll_walk at;
	struct server *server;
	enum view_what what;
};

/** From the newest to the oldest. The caller's memory, which stays where it is until view_stop(). */
void view_begin(struct view_walk *w, struct server *s, enum view_what what);
void view_stop(struct view_walk *w); /* zeros ok, twice ok; before the server ends */

struct view_connection {
	struct address client, local;
	uint32_t device;
	enum control_state state;
	enum reason barred; /* REASON_OK = it may have sessions */
	bool counted; /* else it is over a limit, or about to be closed */
	uint32_t modes; /* 0 before the handshake */
	char class[SETTINGS_CLASS_NAME_MAX + 1]; /* "none" */
	uint8_t key_id[MSG_KEY_ID_LEN]; /* that is proved; zeros = none */
	uint32_t sessions; /* accepted, active or stopping */
	double age_s; /* since it came, or was taken over */
};

struct view_session {
	uint8_t sid[MSG_SID_LEN];
	enum session_state state;
	bool connected; /* its control connection is there */
	struct address client; /* the other end of that */
	struct address local; /* that reflects, with its port */
	struct address remote; /* the sender */
	struct address server; /* our end of the control connection, while that is there */
	uint32_t device, modes, padding;
	uint8_t dscp; /* of replies */
	int64_t timeout_ns, refwait_ns;
	char class[SETTINGS_CLASS_NAME_MAX + 1];
	uint8_t key_id[MSG_KEY_ID_LEN];
	struct wall accepted; /* goes on over a restart */
	int64_t idle_ns; /* since its last packet, or its start; negative = it was not started */
	struct counters_values n;
};

struct view_client {
	struct prefix client;
	char class[SETTINGS_CLASS_NAME_MAX + 1]; /* of its address; "none" */
	uint32_t connections, max_connections, sessions, max_sessions; /* max: of its class */
	double packets_per_s; /* pace.h */
	uint64_t refused, auth_failed;
	enum reason refused_last;
	struct wall refused_at; /* 0 = never */
	struct wall seen; /* it last connected; 0 = not since the start */
};

/** The next one; false: there are no more. */
bool view_connection(struct view_walk *w, struct view_connection *out);
bool view_session(struct view_walk *w, struct view_session *out);
bool view_client(struct view_walk *w, struct view_client *out);
bool view_refusal(struct view_walk *w, struct refusal *out);

/**
 * End the session that the walk gave last, as the operator's will: its counters follow in the log.
 * False if it is gone already.
 */
bool view_end_session(struct view_walk *w);

/** The same with the connection that the walk gave last. False if it is gone, or about to be. */
bool view_end_connection(struct view_walk *w);

/** What the packets of the session that the walk gave last tell of its way to here. False: gone. */
bool view_forward(const struct view_walk *w, struct forward *out);

/* What stood in the greeting, in the clear, and what is in the headers of its packets. */
struct view_greeting {
	uint32_t count;
	uint8_t salt[16], challenge[16];
	uint8_t dscp;
};

/** Of the connection that the walk gave last. False if it is gone already. */
bool view_greeting(const struct view_walk *w, struct view_greeting *out);
