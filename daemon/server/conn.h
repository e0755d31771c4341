// SPDX-License-Identifier: BSD-2-Clause
/*
 * One TCP connection: octets between the socket and control_feed().
 */
#pragma once

#include <stdbool.h>

struct conn;
struct conns;
struct control_in;
union endpoint;

/**
 * Take over an accepted socket and greet. On any failure it is closed.
 * False if places are short: before the next is taken, those who are in should be heard.
 */
bool conn_new(struct conns *cs, int fd, const union endpoint *peer);

/** For lack of memory or descriptors: end one that did nothing with its place. False = none. */
bool conn_make_room(struct conns *cs);

/** One event, and those that its orders lead to. Frees nothing. */
void conn_feed(struct conn *c, struct control_in *in);

/** After events from elsewhere: take up what was read meanwhile, send. May free @c. */
void conn_go_on(struct conn *c);

/** The settings changed: classes, and the timers of connections that there are. */
void conn_settings_changed(struct conns *cs);

/** Tell a connection that this server ends it; it flushes and closes. May free @c. */
void conn_end(struct conn *c);

/** Tell all connections that the server stops; they flush and close. */
void conn_shutdown_all(struct conns *cs);

/** It can go on in another process: it is not about to end. */
bool conn_at_rest(const struct conn *c);

/** It has a client, a socket and a state: one of the server's connections from now on. */
void conn_enlist(struct conn *c);

/** Close and free all, now. */
void conn_free_all(struct conns *cs);
