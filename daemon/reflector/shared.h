// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sessions that share a UDP port: told apart by the address that a packet was sent to and the
 * address and port that it came from (RFC 8545 5.1). With ports.mode = "shared" each reflector
 * thread has such a port, or one thread has the only one, and all sessions are on these. Without,
 * the ports of reflector_also are such, each open while it has sessions.
 *
 * A port has a socket for IPv4 and one for IPv6, each served by one thread, with a table of its
 * sessions that only it touches. A session lives on one thread, so its packets must arrive there.
 *
 * A new session reaches its thread by a stack without lock, and is taken into the table at the
 * next wakeup, or before that when a packet comes that nobody else wants. It answers as soon as
 * udp_start has returned: the gate is in the session, not in a queue. Sockets reach their thread in
 * the same way; when nobody wants one any more the thread lets go of it, and the main thread closes
 * it or hands it over again.
 */
#pragma once

#include "base/siphash.h"
#include "daemon/reflector/port_ops.h"

static inline uint32_t shared_hash(const uint64_t seed[static 2], const struct udp_tuple *key)
{
	uint64_t words[sizeof(*key) / sizeof(uint64_t)];

	memcpy(words, key, sizeof(words));
	return (uint32_t)siphash(seed, words, sizeof(words) / sizeof(words[0]));
}

/* Of a session. */
struct shared_link {
	struct udp_session *session;
	struct shared_port *port; /* as long as the session is there */
	struct shared_link *next_new;
	struct hashmap_node claim; /* main thread: of all sessions */
};

/* A port of one family. */
struct shared_port {
	uint16_t port;
	uint8_t family; /* 4 or 6 */
	bool permanent; /* of ports.mode = "shared" */
	bool passed; /* the socket is one of light_fds, and not closed here */
	int fd;
	struct worker *worker;
	_Atomic bool wanted; /* by the main thread */
	_Atomic bool gone; /* its thread has let go of it */
	_Atomic bool tos_wanted; /* replies of a session tell it: for good, from the first one on */

	/* main thread */
	struct shared_port *next; /* all of them, oldest first */
	uint32_t sessions; /* that are not freed yet */
	struct udpsock_defaults buffers;

	/* thread */
	struct shared_port *next_fresh, *next_served;
	uint32_t drops_seen; /* sock_new_drops */
	bool tos_untold; /* the socket does not tell it now */
	ev_io io;
};

struct shared_worker {
	uint64_t seed[2];
	struct hashmap sessions;
	struct shared_link *_Atomic fresh; /* not yet in sessions */
	struct shared_port *_Atomic fresh_ports; /* not yet in served */
	struct shared_port *served;
};

/* The main thread's. */
struct shared {
	uint64_t seed[2];
	struct hashmap claims; /* sessions that hold their addresses on their port */
	struct shared_port *ports;
	struct {
		uint16_t port;
		bool told; /* that it could not be had */
	} also[REFLECTOR_ALSO_MAX];
	unsigned n_also;
};

/* --- ports (shared_ports.c) --------------------------------------------------------------- */

/**
 * Make room, and open the ports of ports.mode = "shared", before the threads run. Return 0 or
 * negative errno; shared_free either way.
 */
NODISCARD int shared_new(struct reflector *r);

/** The threads are joined, and the sessions are gone. */
void shared_free(struct reflector *r);

/** The open port, or NULL. */
struct shared_port *shared_port(const struct reflector *r, uint8_t family, uint16_t port);

/** Open one that is not. Return 0 or negative errno. */
NODISCARD int shared_port_open(struct reflector *r, struct worker *w, uint8_t family, uint16_t port,
			       struct shared_port **out);

/** Is this socket of light_fds one of these ports? */
bool shared_reads(const struct reflector *r, int fd);

/** One session more, or less. A port without any is closed if it is not permanent. */
void shared_port_join(struct shared_port *p);
void shared_port_leave(struct shared_port *p);

/** Close what the threads have let go of. */
void shared_sweep(struct reflector *r);

/** Thread: take new ports, let go of those that nobody wants any more. */
void shared_serve(struct worker *w);

/** Thread: count what the queues had no room for. */
void shared_look(struct worker *w);

/* --- sessions (shared.c, shared_find.c) -------------------------------------------------- */

/** Thread: take new sessions into the table. */
void shared_take_in(struct worker *w);

/** Thread: the session is to be found no longer. */
void shared_remove(struct worker *w, struct udp_session *u);

/** Thread: answer what waits at the port, up to REFLECT_BURST packets. Ends no session. */
enum reflect_result shared_burst(struct worker *w, struct shared_port *p);
