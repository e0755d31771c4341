// SPDX-License-Identifier: BSD-2-Clause
/*
 * The Session-Reflector: threads, each with its own event loop, that own the UDP sockets of
 * started sessions and answer test packets. Opening, starting and ending are called from the
 * main thread; packets never leave their reflector thread. RFC 5357 4.2.
 */
#pragma once

#include "daemon/control/session.h"
#include "daemon/reflector/counters.h"
#include "daemon/reflector/police.h"
#include "protocol/carry.h"
#include "protocol/crypt.h"
#include "protocol/wire.h"

#include <ev.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct class_sums; /* class_sums.h */
struct forward; /* forward.h */
struct reflector; /* the threads */
struct light_info; /* light.h */
struct phc_source; /* phc.h */
struct udp_session; /* one session's socket and counters */

enum light_drain { /* light.h */
		   LIGHT_DRAIN_NONE,
		   LIGHT_DRAIN_SET, /* ports with the setting "drain" */
		   LIGHT_DRAIN_ALL,
};

enum udp_end {
	UDP_END_TIMEOUT = 1, /* Stop and Timeout */
	UDP_END_REFWAIT,
	UDP_END_ORDERED, /* udp_end() */
	UDP_END_HANDED_OVER, /* another process goes on with it */
};

struct reflector_config {
	unsigned threads; /* 0 = one per CPU of cpus, or of the affinity mask; at most 64 */
	cpu_set_t cpus; /* each thread is bound to one of these in turn; none = not bound */
	int priority; /* SCHED_FIFO 1..99; 0 = as other threads */
	bool halted; /* begin as after reflector_halt */
	bool user_timestamps; /* do not ask the kernel for T2 */
	bool hardware_timestamps; /* use those of network cards where they can be had */
	const struct phc_source *cards; /* NULL = the system's; copied */
	/* Sessions share ports: one for each thread from port_first to port_last on, or @port
	 * for all of them, which one thread then serves. */
	struct reflector_shared {
		bool on;
		uint16_t port; /* 0 = one for each thread */
		uint16_t port_first, port_last;
	} shared;
	/* Called when a port of reflector_also could not be had, once for each until it can. NULL ok. */
	void (*also_refused)(void *context, uint16_t port, int error);
	/* UDP sockets for Light ports that were opened for us: bound, of one family. The caller's;
	 * they stay open and in place. */
	const int *light_fds;
	size_t n_light_fds;
	/* A socket for many clients that another process had bound to this, or negative: -EEXIST
	 * if one of its sockets has the port at other addresses. It is taken over. NULL ok. */
	int (*old)(void *context, const struct address *bound, uint32_t device);
	/* Called in @loop's thread when a session has ended and its socket is closed, never from
	 * within udp_stop or udp_end. @counters are final; the session
	 * is freed after it. May open and end sessions, but not free the reflector. */
	void (*ended)(void *context, void *owner, enum udp_end why,
		      const struct counters_values *counters);
	/* Called in @loop's thread when a Light port has ended; the counters are final. NULL ok. */
	void (*light_ended)(void *context, const struct light_info *info);
	void *context;
};

/**
 * Start the threads. @loop: the main loop, for `ended`. Return 0 or negative errno; -ERANGE if
 * there are fewer shared ports than threads.
 */
NODISCARD int reflector_new(struct reflector **out, struct ev_loop *loop,
			    const struct reflector_config *config);

/**
 * Ends all sessions (with `ended` for each), stops and joins the threads. While halted another
 * process has the sessions: they go without a trace on the wire. NULL ok.
 */
void reflector_free(struct reflector *r);

#define REFLECTOR_ALSO_MAX 16

/**
 * Ports that udp_open grants besides, when they are asked for: many sessions share each, told apart
 * by their addresses and the sender's port. A port is open while it has sessions. Those that run on
 * a port which is not among them any more go on.
 */
void reflector_also(struct reflector *r, const uint16_t *ports, unsigned n);

/** May runs of replies leave with UDP_SEGMENT? At first they may. At any time. */
void reflector_segment(struct reflector *r, bool on);

/**
 * Open the socket of a session: bound to spec.local (or to a free port of the range),
 * connected to spec.remote, DSCP and TTL 255 set, kernel timestamps on, and silent until
 * udp_start. Receiver Port 862 and other ports outside the range give an alternate port.
 * @owner is handed back in `ended`. *port is the bound port. refwait_ns <= 0: no REFWAIT.
 * Return 0; -EADDRINUSE when the range is used up; -EADDRNOTAVAIL when spec.local is not an
 * address of this host that can send; -EDESTADDRREQ when spec.remote is a broadcast address;
 * -ENETUNREACH and the like when there is no route to it; -EMSGSIZE when packets with spec.padding do not fit into the buffers that the system allows; any other
 * negative errno as the kernel gave it.
 * Where ports are shared, it is one of these, whatever the range: the wanted one, else that of
 * the thread with the fewest sessions. Sessions on one port differ in their addresses or in the
 * sender's port; -EEXIST when no port is left for such a pair: see udp_rival. With a spec.device
 * the session has a socket of its own all the same.
 *                                                                     R-100..R-109, R-122
 */
NODISCARD int udp_open(struct reflector *r, const struct session_spec *spec, uint16_t port_first,
		       uint16_t port_last, void *owner, struct udp_session **out, uint16_t *port);

/**
 * Whose session is in the way of @spec, with the same addresses on a shared port that it may have:
 * the first, or the one after @u; NULL at the end.
 */
struct udp_session *udp_rival(const struct reflector *r, const struct session_spec *spec,
			      const struct udp_session *u);

/**
 * Police the packets of a session also by what its class may have in total. At any time.
 * The rates of its own are in the spec. @total lives longer than the session.
 */
void udp_police(struct udp_session *u, struct police_total *total);

/** Sums for a class whose sessions are here. NULL = no memory. */
struct class_sums *reflector_class(const struct reflector *r);

/** What its packets bring counts for a class, too, from now on. NULL = for none. At any time. */
void udp_class(struct udp_session *u, struct class_sums *sums);

/**
 * Packets that arrived before are dropped; from now on each is answered. The socket is ready
 * when this returns (what arrives then waits in the kernel with its true T2). R-142, T-041
 * @keys, @sid: in the authenticated and encrypted modes; not used in the others
 * Return 0 or negative errno.
 */
NODISCARD int udp_start(struct udp_session *u, const struct crypt_keys *keys,
			const uint8_t sid[static MSG_SID_LEN]);

/**
 * Answer what arrives within @timeout_ns from now, then end. Of several calls the earliest
 * end counts. A session never started ends like with udp_end. RFC 5357 3.5
 */
void udp_stop(struct udp_session *u, int64_t timeout_ns);

/**
 * End as soon as its thread sees it; `ended` follows. Of a session never started, or one on a shared
 * port, port and addresses are free again when this returns.
 */
void udp_end(struct udp_session *u);

/* --- for the next process ------------------------------------------------------------- */

/**
 * Halt the threads: packets wait in the sockets, with the kernel's time of arrival. Sessions that
 * ended before are reported. Then everything of a session may be read here.
 */
void reflector_halt(struct reflector *r);

/** Go on after all. Return 0 or negative errno. */
NODISCARD int reflector_go_on(struct reflector *r);

/** The first session, or the one after @u; NULL at the end. */
struct udp_session *udp_next(const struct reflector *r, const struct udp_session *u);
void *udp_owner(const struct udp_session *u);

/** Its socket; -1 where ports are shared. */
int udp_fd(const struct udp_session *u);

/** The @i-th shared socket; -1 = no more. */
int reflector_shared_fd(const struct reflector *r, unsigned i);

/** While halted: what goes to the other process besides the socket. Way COUNT or SAVE. */
void udp_carry(struct carry *c, struct udp_session *u);

/**
 * While halted, after the sessions: what the queues of sockets that many use had dropped when that
 * was counted last, so that the next process tells what they drop meanwhile. Sockets that are not
 * among ours are skipped.
 */
void reflector_carry(struct carry *c, struct reflector *r);

/**
 * Go on with a session of another process, as it was: numbers, counters, times. @spec and @port
 * as they were for udp_open; @fd is its socket, or -1 for one on a shared port, which is opened if
 * it is not among ours. @fd is taken over in any case. Return 0 or negative errno.
 */
NODISCARD int udp_adopt(struct reflector *r, const struct session_spec *spec, uint16_t port, int fd,
			struct carry *c, void *owner, struct police_total *total,
			struct udp_session **out);

/** A copy of its counters, until `ended` has returned. Any thread. */
void udp_counters(const struct udp_session *u, struct counters_values *out);

/** When its last packet came, or it was started; 0 = neither. As udp_counters. */
struct mono udp_last_packet(const struct udp_session *u);

/** What its packets tell about the way to here (forward.h): a copy. As udp_counters. */
void udp_forward(const struct udp_session *u, struct forward *out);

/** How long packets were here, of sessions and Light ports; it goes on over a restart. */
struct dwell_values;
void reflector_dwell(const struct reflector *r, struct dwell_values *out);

/** Totals over all threads, since start, over restarts: those of COUNTERS_THREAD and COUNTERS_TOTAL. */
void reflector_totals(const struct reflector *r, struct counters_values *t);

/**
 * True if kernel receive timestamps were seen to work at start (a real packet was tried over
 * loopback). If not, packets that have one all the same still use it; user_timestamps tells.
 */
bool reflector_kernel_timestamps(const struct reflector *r);

/**
 * Network interfaces that stamp all packets in hardware, and whose clock can be read; their
 * stamps are used seconds later, when the clocks were compared often enough. @text: each
 * interface that could, and its state; empty if there is none.
 */
unsigned reflector_hardware(const struct reflector *r, char *text, size_t size);

/** What was asked for the threads and could not be had: 0 or negative errno. They run without. */
struct reflector_faults {
	int cpus, priority;
};
struct reflector_faults reflector_faults(const struct reflector *r);

/** The clock follows a reference (the S bit of replies), as last asked, a second ago at most. */
bool reflector_synchronized(const struct reflector *r);

/**
 * CPU time of the busiest reflector thread since the last call, in percent of a CPU; -1 at the
 * first call. Main thread.
 */
double reflector_busy(struct reflector *r);

/** CPU time of each thread in seconds, at most @most of them. Return how many. */
unsigned reflector_cpu(const struct reflector *r, double *seconds, unsigned most);

/** How many UDP ports sessions hold that have one of their own. */
uint32_t reflector_ports(const struct reflector *r);

/** Seconds since the slowest thread last went round its loop: fed to the watchdog. */
double reflector_lag_s(const struct reflector *r);
