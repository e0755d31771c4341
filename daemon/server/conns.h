// SPDX-License-Identifier: BSD-2-Clause
/*
 * All connections of the server, and what they share: clients and classes with what they hold,
 * admission, sessions, room for answers. What holds for a connection is here; what happens to it is
 * in conn.h, standing.h, evict.h and session_orders.h.
 */
#pragma once

#include "base/roll.h"
#include "base/vault.h"
#include "daemon/config/settings.h"
#include "daemon/control/control.h"
#include "daemon/log/log.h"
#include "daemon/reflector/reflector.h"
#include "daemon/server/class_use.h"
#include "daemon/server/clients.h"
#include "daemon/server/ends.h"
#include "daemon/server/host.h"
#include "daemon/server/kdf.h"
#include "daemon/server/place.h"
#include "daemon/server/refusals.h"
#include "daemon/server/stream.h"

#include <ev.h>

struct conn;
struct conns;
struct standing;

/* Connections that hold a place and are worth it least, by age: evict.h */
struct evict_queue {
	struct conn *oldest, *newest;
	uint32_t n;
};

struct evict_link {
	struct evict_queue *in; /* NULL = in none */
	struct conn *older, *newer;
};

struct conn {
	struct roll_node node; /* first: of all */
	struct conns *conns;
	struct mono since; /* it was accepted, or taken over */
	struct evict_link evict;
	struct standing *standing; /* its class and client */
	struct kdf_job *job; /* that is waited for */
	struct control control;
	ev_io io;
	ev_timer timer;
	struct mono deadline;
	bool eof, closing, lingering;
	uint32_t device; /* that the socket is bound to: a VRF; 0 = none */
	struct stream stream;
};

struct conns {
	/* The server's, set by it; @settings by conns_use(). */
	struct ev_loop *loop;
	struct log *log;
	struct ends *ends; /* of sessions, for the log */
	struct reflector *reflector;
	struct kdf *kdf;
	struct host host;
	struct settings *settings; /* that hold */
	bool drain_light; /* the drain includes all ports of light */
	bool shared_ports; /* a session needs no descriptor */
	ts_wire start_time;
	uint8_t host_ipv4[4]; /* for SIDs; zero if there is none */
	void (*gone)(void *context); /* a connection is */
	void (*memory_short)(void *context); /* it was not before */
	void *context;

	struct policy keyed_policy; /* of clients in no class: modes that need a key, or none */
	struct roll all, sessions; /* the newest first; of sessions: session_orders.h */
	struct admit_total admit;
	struct clients *clients;
	struct class_uses class_uses;
	struct standing *standings; /* of all connections and sessions */
	struct places places; /* of sessions */
	struct refusals *refusals;
	struct vault keyed; /* struct control_keyed of connections */
	struct evict_queue idlers; /* counted, without a Set-Up-Response */
	struct evict_queue refused; /* not counted: over a limit, or about to be closed */
	uint8_t *scratch; /* answers of control_feed */
	size_t scratch_octets;
};

/** @cs is zero. Return 0 or -ENOMEM; then, too, conns_wipe(). */
NODISCARD int conns_init(struct conns *cs);

/** Nothing is left that runs. Zeros ok. */
void conns_wipe(struct conns *cs);

/** These hold from now on, after class_use_prepare(). The reference stays the caller's. */
void conns_use(struct conns *cs, struct settings *now);

/** The newest one, and the one that came before @c; NULL = no more. */
struct conn *conns_first(const struct conns *cs);
struct conn *conns_next(const struct conn *c);

/**
 * Room for the answers to the next event: one buffer for all connections. It can fail only for a
 * message of the peer (conns_init has the rest), so that no event of ours is ever lost: who is not
 * told that a session has ended would look at its memory for ever.
 */
bool conns_fit_scratch(struct conns *cs, size_t room);

/** Descriptors in use, about, and how many there may be (0 = without limit). */
uint64_t conns_descriptors(const struct conns *cs, uint64_t *most);

/** What is left of descriptors and memory, at once: sets the flags of admit. R-122 */
void conns_measure(struct conns *cs);
