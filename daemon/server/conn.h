// SPDX-License-Identifier: BSD-2-Clause
/*
 * One TCP connection: octets between the socket and control_feed(), and the carrying out of
 * the orders that come back. Also the sessions that it has opened, until they end.
 */
#pragma once

#include "daemon/reflector/reflector.h"

#include <sys/socket.h>

struct server;

/** Take over an accepted socket and greet. On any failure it is closed and counted. */
void conn_new(struct server *s, int fd, const struct sockaddr_storage *peer);

/** Tell all connections that the server stops; they flush and close. */
void conn_shutdown_all(struct server *s);

/** The settings changed: timers of connections may run out at another time. */
void conn_policy_changed(struct server *s);

/** Close and free all, now. */
void conn_free_all(struct server *s);

/** reflector_config.ended: a session is over; @context is the server. */
void conn_session_ended(void *context, void *owner, enum udp_end why,
			const struct udp_counters *counters);
