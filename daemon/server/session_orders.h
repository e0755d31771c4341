// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the control side orders, carried out: keys derived, ports opened, sessions started,
 * stopped and ended. Sessions outlive their connection while they are stopping.
 */
#pragma once

#include "base/roll.h"
#include "daemon/control/control.h"
#include "daemon/reflector/reflector.h"
#include "daemon/server/pace.h"
#include "daemon/server/watch.h"

struct conn;
struct conns;
struct inherited;
struct standing;

/* A session of ours: as the control side has it, and what carries it out. */
struct order_session {
	struct session session; /* first: control hands out pointers to it */
	struct roll_node node; /* conns.sessions, while there is udp */
	struct conns *conns;
	struct conn *conn; /* NULL when that is gone */
	struct standing *standing; /* of the connection: where it is counted */
	struct udp_session *udp;
	struct place *place; /* while there is udp */
	struct watch watch; /* patrol.h */
	struct pace_seen pace;
};

/** Of a node of conns.sessions. */
struct order_session *session_orders_of(struct roll_node *n);

/** Order DERIVE. False: the answer comes later. True: @in is the answer. */
bool session_orders_derive(struct conn *c, struct control_in *in);

/** kdf_done: the answer that came later. @owner is the connection. */
void session_orders_derived(void *owner, const struct crypt_keys *keys, bool known);

/** Order OPEN; @in becomes the answer. */
void session_orders_open(struct conn *c, struct control_in *in);

/** The todo list. */
void session_orders_carry_out(struct conn *c);

/** The connection goes: its sessions must not remember it. */
void session_orders_forget(struct conn *c);

/** The settings changed, and the classes were found anew: so are the rates that sessions share. */
void session_orders_recount(struct conns *cs);

/** reflector_config.ended: a session is over. */
void session_orders_session_ended(struct conns *cs, void *owner, enum udp_end why,
				  const struct counters_values *counters);

/** For the next process: the sessions of a connection, or those of none if @c is NULL. */
void session_orders_carry(struct carry *k, const struct conns *cs, const struct conn *c);

struct session_orders_to {
	struct conns *conns;
	struct inherited *from; /* their sockets */
};

struct session_orders_tally {
	uint32_t taken;
	uint32_t lost; /* their sockets or ports are not there, or there is no memory */
};

/**
 * Go on with these.
 * @st  NULL: the connection of each was gone already
 * @c   NULL: it is lost, and what was not stopping ends at once, with its event
 */
void session_orders_adopt(struct carry *k, const struct session_orders_to *to, struct standing *st,
			  struct conn *c, struct session_orders_tally *t);
