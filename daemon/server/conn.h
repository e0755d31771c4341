// SPDX-License-Identifier: BSD-2-Clause
/*
 * One TCP connection: octets between the socket and control_feed().
 */
#pragma once

#include "base/endpoint.h"
#include "base/roll.h"
#include "daemon/control/control.h"
#include "daemon/server/evict.h"
#include "daemon/server/kdf.h"
#include "daemon/server/stream.h"

#include <ev.h>

struct server;

struct conn {
	struct roll_node node; /* first: of all connections */
	struct server *server;
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

/** Before the first connection. Return 0 or negative errno. */
NODISCARD int conn_prepare(struct server *s);

/**
 * Take over an accepted socket and greet. On any failure it is closed.
 * False if places are short: before the next is taken, those who are in should be heard.
 */
bool conn_new(struct server *s, int fd, const union endpoint *peer);

/** For lack of memory or descriptors: end one that did nothing with its place. False = none. */
bool conn_make_room(struct server *s);

/** What holds for this client now. */
const struct policy *conn_policy(const struct conn *c);

/** One event, and those that its orders lead to. Frees nothing. */
void conn_feed(struct conn *c, struct control_in *in);

/** After events from elsewhere: take up what was read meanwhile, send. May free @c. */
void conn_go_on(struct conn *c);

/** The settings changed: classes, and the timers of connections that there are. */
void conn_settings_changed(struct server *s);

/** Tell all connections that the server stops; they flush and close. */
void conn_shutdown_all(struct server *s);

/** It can go on in another process: it is not about to end. */
bool conn_at_rest(const struct conn *c);

/** It has a client, a socket and a state: one of the server's connections from now on. */
void conn_enlist(struct conn *c);

/** The newest one, and the one that came before @c; NULL = no more. */
struct conn *conn_first(const struct server *s);
struct conn *conn_next(const struct conn *c);

/** Close and free all, now. */
void conn_free_all(struct server *s);
