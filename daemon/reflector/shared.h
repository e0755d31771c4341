// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sessions that share a UDP port: told apart by the address that a packet was sent to and the
 * address and port that it came from (RFC 8545 5.1). Each reflector thread that serves such a port has
 * a socket for IPv4 and one for IPv6, and a table of its sessions that only it touches. A
 * session lives on one thread, so its packets must arrive there: each thread has a port of its
 * own. One port for all is served by one thread.
 *
 * A new session reaches its thread by a stack without lock, and is taken into the table at the
 * next wakeup, or before that when a packet comes that nobody else wants. It answers as soon as
 * udp_start has returned: the gate is in the session, not in a queue.
 */
#pragma once

#include "base/index.h"
#include "daemon/reflector/pool.h"

#include <netinet/in.h>

/* What tells sessions apart. Addresses as in struct address; all octets count. */
struct shared_key {
	uint8_t local[16], remote[16];
	uint32_t scope; /* of a remote link-local address */
	uint16_t port; /* of the sender */
	uint16_t family; /* AF_INET, AF_INET6 */
};
_Static_assert(sizeof(struct shared_key) == 40, "no padding: it is hashed and compared as octets");

#define SHARED_SHUT INT64_C(0)
#define SHARED_GONE INT64_C(-1)

/* Of a session: what is needed to find it comes first. */
struct shared_link {
	struct index_node node; /* its thread's */
	struct shared_key key;
	struct udp_session *session;
	/* struct mono when it was started; SHARED_SHUT, SHARED_GONE. Written by the main thread. */
	_Atomic int64_t since_ns;
	struct shared_link *next_new;
	struct index_node claim; /* main thread: of all sessions */
	struct msghdr to;
	struct sockaddr_in6 name; /* or sockaddr_in */
	uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))]
		__attribute__((aligned(16)));
};

struct shared_socket {
	struct worker *worker;
	uint32_t drops_seen; /* sock_new_drops */
	int fd; /* -1: this host does not have the family */
	ev_io io;
};

struct shared_worker {
	uint64_t seed[2];
	struct index sessions;
	struct shared_link *_Atomic fresh; /* not yet in sessions */
	uint16_t port;
	struct shared_socket v4, v6;
};

/* The main thread's. */
struct shared {
	uint64_t seed[2];
	struct index claims; /* sessions that hold their addresses on the port of their worker */
	struct sock_defaults buffers[2]; /* IPv4, IPv6 */
};

/** Open the sockets, before the threads run. Return 0 or negative errno; shared_free either way. */
NODISCARD int shared_new(struct reflector *r);

/** The threads are joined, and the sessions are gone. */
void shared_free(struct reflector *r);

/**
 * Find a port and thread for the session; u->fd, port, worker and run_octets are set. Return as
 * udp_open. To be taken back by shared_release, and known to the thread by shared_publish.
 */
NODISCARD int shared_open(struct reflector *r, const struct session_spec *spec,
			  struct udp_session *u);
void shared_publish(struct udp_session *u);

/** The addresses may be used again. */
void shared_release(struct udp_session *u);

/** From now on packets are answered. Keys are set. */
void shared_start(struct udp_session *u);

/** A session that was never started hears nothing any more. */
void shared_mute(struct udp_session *u);

/** Thread: take new sessions into the table. */
void shared_take_in(struct worker *w);

/** Thread: count what the queues had no room for. */
void shared_look(struct worker *w);

/** Thread: the session is to be found no longer. */
void shared_remove(struct worker *w, struct udp_session *u);

#define SHARED_FIND_MAX 64

/**
 * Thread: whose packets these are, NULL for nobody's. @m with addresses and control messages; @n at
 * most SHARED_FIND_MAX. What is found is on its way into the cache.
 */
void shared_find(struct worker *w, struct mmsghdr *m, unsigned n, struct udp_session **found);
