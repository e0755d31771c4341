// SPDX-License-Identifier: BSD-2-Clause
/*
 * Inside of the reflector: what the main thread, the reflector threads and a session are
 * made of, and who may touch what.
 */
#pragma once

#include "base/hashmap.h"
#include "base/vault.h"
#include "daemon/reflector/census.h"
#include "daemon/reflector/dwell.h"
#include "daemon/reflector/estimate.h"
#include "daemon/reflector/forward.h"
#include "daemon/reflector/party.h"
#include "daemon/reflector/portmap.h"
#include "daemon/reflector/reflector.h"
#include "daemon/reflector/udpsock.h"

#include <pthread.h>
#include <stddef.h>

struct phc;
struct port_ops;
struct reflect_scratch;
struct light_view;
struct light_worker;
struct shared;
struct shared_link;
struct shared_worker;

/* Orders of the main thread to a reflector thread; several may wait for one session. */
enum worker_order {
	WORKER_START = 1u << 0,
	WORKER_STOP = 1u << 1,
	WORKER_END = 1u << 2,
};

/* Whose packets these are. Addresses as in struct address; all octets count. */
struct udp_tuple {
	uint8_t local[16], remote[16];
	uint32_t scope; /* of a remote link-local address; UDP_IPV4 */
	uint16_t port; /* of the sender, as on the wire */
	uint16_t at; /* ours */
};
_Static_assert(sizeof(struct udp_tuple) == 40, "no padding: it is hashed and compared as octets");

#define UDP_IPV4 UINT32_MAX /* no interface has this index */
#define UDP_SHUT INT64_C(0)
#define UDP_GONE INT64_C(-1)

struct udp_session {
	/* what is needed to find it among many comes first */
	struct hashmap_node node; /* its thread's; of shared ports */
	struct udp_tuple tuple; /* fixed once it has a port */
	/* Struct mono when it was started; UDP_SHUT, UDP_GONE. Written by the main thread. */
	_Atomic int64_t since_ns;

	/* what a packet reads and changes; crypt: set up before WORKER_START */
	struct party party;
	struct forward forward; /* what the sender's packets tell */

	/* fixed at opening */
	const struct port_ops *ops;
	struct reflector *reflector;
	struct worker *worker;
	int64_t refwait_ns;
	void *owner;
	int fd; /* the main thread's until WORKER_START, then its worker's; or shared by many */
	struct shared_link *link; /* of shared ports */

	/* main thread */
	struct udp_session *next, *prev; /* all sessions */
	uint16_t port; /* 0 = released */
	int rcvbuf;
	bool started;

	/* worker->lock */
	unsigned orders; /* queued if not 0 */
	struct mono stop_order; /* with WORKER_STOP */
	struct udp_session *next_order, *prev_order;
	struct udp_session *next_ended;
	enum udp_end why;
	bool ended; /* on the list for the main thread: its worker does not know it any more */

	/* worker */
	uint32_t drops_seen; /* sock_new_drops: its socket's, or those of the shared one */
	ev_io io;
	ev_timer timer;
	bool tos_untold; /* its own socket does not tell the TOS now */
	unsigned backlog; /* bursts since it was seen what had no room */
};
#define UDP_LINE 64 /* it begins with a cache line */
_Static_assert(offsetof(struct udp_session, party) == UDP_LINE, "found by one line");
_Static_assert(offsetof(struct party, hot) == UDP_LINE, "another one for what stays");

struct worker {
	struct reflector *reflector;
	struct ev_loop *loop;
	pthread_t thread;
	bool running;
	int cpu; /* that it is to be bound to; -1 = none */
	uint32_t sessions; /* main thread: open ones */

	pthread_mutex_t lock; /* taken for orders and ends, never for packets */
	struct udp_session *orders, *last_order; /* a queue */
	struct udp_session *ended; /* for the main thread */
	bool quit;

	int64_t cpu_ns, cpu_at_ns; /* main thread: CPU time at the last reflector_busy() */

	_Atomic int64_t beat_ns; /* struct mono: the thread was alive then */
	_Atomic bool unsegmented; /* the main thread's: no UDP_SEGMENT */
	_Atomic bool synchronized; /* the clock, when it was last asked */

	/* thread */
	ev_async wakeup;
	ev_timer beat;
	unsigned beats;
	struct estimate estimate;
	struct forward_clock clock;
	struct reflect_scratch *scratch;
	struct light_worker *light; /* lightpath.h */
	struct shared_worker *shared; /* sessions that share ports */
	struct counters totals; /* sums over its sessions, for ever */
};

/** Its local.port is not in it. */
struct udp_tuple udp_tuple_of(const struct session_spec *spec);

/** Main thread: the thread with the fewest sessions. */
struct worker *udp_pick(struct reflector *r);

/** Main thread: its port and addresses are free again. */
void udp_release(struct udp_session *u);

/** A copy of its counters. Any thread. */
void udp_read(const struct udp_session *u, struct counters_values *out);

/** Main thread: the last of a session, its secrets wiped. */
void udp_free(struct udp_session *u);

struct reflector {
	struct ev_loop *loop; /* the main one */
	ev_async wakeup; /* a session has ended */
	struct reflector_config config;
	struct reflector_faults faults;
	struct portmap ports;
	struct udpsock_defaults defaults;
	struct vault vault; /* struct crypt_test of sessions */
	struct udp_session *sessions;
	struct counters_values past; /* totals of the processes before */
	struct dwell_values past_dwell;
	uint64_t early; /* dropped before Start-Sessions, all of them */
	uint32_t open; /* sessions with a socket */
	int keeper;
	bool kernel_stamps;
	struct phc *phc; /* NULL = no network card that stamps, or not wanted */
	unsigned count;
	struct worker *workers;
	bool halted;
	struct shared *shared; /* ports that many sessions share */

	/* reflectors without control: lightpath.h */
	struct light_view *light_view; /* the newest */
	struct light_view *light_oldest; /* first of those that a thread may look at */
	ev_async light_wakeup; /* a thread has adopted a view */
	struct ownhost *hosts; /* our addresses, for TLVs */
	struct counters_values light_past; /* of Light ports that have ended */
	struct census census; /* who sends to them */
	_Atomic enum light_drain draining; /* which ports are silent */
};

/* Beginning and end of the Light side; all threads are joined before the latter. */
void light_init(struct reflector *r);
void light_wipe(struct reflector *r);
