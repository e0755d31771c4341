// SPDX-License-Identifier: BSD-2-Clause
/*
 * The replies to the datagrams that were read at once: built one after the other in memory,
 * stamped with T3 as late as can be, and sent with few system calls. A run of equal size and to the
 * same place leaves in one sendmsg that the kernel cuts up (UDP_SEGMENT); T3 is read once right
 * before it. The rest leaves in chunks, T3 read for each. What each costs is told in estimate.h. In
 * the encrypted mode T3 is sealed into the reply, so it is read before that, for each one.
 */
#pragma once

#include "daemon/reflector/dwell.h"
#include "daemon/reflector/party.h"

#include <sys/socket.h>

/* Datagrams and replies at once. */
#define BATCH_MAX 64

/* Of sendmmsg; the last of a chunk leaves about 10 us after the clock was read. */
#define BATCH_CHUNK 4

/* Replies of equal size, to be worth UDP_SEGMENT; and at most (64 is the kernel's limit).
 * Sealing takes some 250 ns each, and no reply leaves before the last is sealed. */
#define BATCH_RUN_MIN 2
#define BATCH_RUN_MAX 64
#define BATCH_RUN_MAX_SEALED 32

/* A run is one datagram to the kernel, until it is cut up. */
#define BATCH_RUN_OCTETS 65000

/* UDP_SEGMENT, and behind it source and DSCP where the socket has them not. */
#define BATCH_RUN_CONTROL 128

/* The largest datagram. */
#define BATCH_REPLY_OCTETS 65536

struct batch_reply {
	struct party *party;
	const struct msghdr *to; /* the same pointer: to the same place; NULL: the socket knows */
	uint8_t *octets;
	size_t len;
	struct wall t2;
	const struct mac_key *key; /* of STAMP's authenticated mode */
	int64_t *t3_ns; /* T3 goes here, too; or NULL */
	uint32_t code; /* of where it goes: party.h, refused */
};

struct batch {
	int fd; /* they leave by it */
	bool unsegmented; /* without UDP_SEGMENT */
	unsigned count;
	unsigned sealed; /* so many have their T3 for good */
	uint8_t *end; /* where the next one is built */
	struct counters *totals; /* of the thread */
	struct dwell dwell; /* likewise */
	struct batch_reply replies[BATCH_MAX];
	struct mmsghdr messages[BATCH_CHUNK];
	struct iovec vectors[BATCH_CHUNK];
	struct msghdr run;
	struct iovec run_vector;
	struct cmsghdr *run_header; /* in run_control; UDP_SEGMENT: the size of each */
	uint8_t run_control[BATCH_RUN_CONTROL] __attribute__((aligned(16)));
	uint8_t octets[BATCH_MAX][BATCH_REPLY_OCTETS];
};

void batch_init(struct batch *b);

/** The reply that was built at @b->end. At most BATCH_MAX. */
static inline void batch_add(struct batch *b, struct batch_reply reply)
{
	reply.octets = b->end;
	b->replies[b->count++] = reply;
	b->end += reply.len;
}

/**
 * Send them all and empty the batch. What the kernel does not take is counted as COUNTER_DROP_TX.
 * UDP_SEGMENT refused: the party remembers it, and nothing is lost by that.
 */
void batch_send(struct batch *b);
