// SPDX-License-Identifier: BSD-2-Clause
/*
 * The data path: datagrams in, replies out, in bounded bursts. Never blocks, allocates,
 * locks or logs. RFC 5357 4.2; test packets T-020..T-049.
 */
#pragma once

#include "daemon/reflector/pool.h"

/* Packets of one socket per event: then it is the neighbours' turn. */
#define REFLECT_BURST 64

/* Of one read. */
#define REFLECT_BATCH 64

enum reflect_result {
	REFLECT_EMPTY, /* the socket has no more */
	REFLECT_MORE, /* it may have */
	REFLECT_LATE, /* a packet came after stop_at: everything behind it did, too */
};

/** Buffers of one thread. NULL without memory. */
struct reflect_scratch *reflect_scratch_new(void);
void reflect_scratch_free(struct reflect_scratch *s);

/* Where packets come from. */
struct reflect_source {
	int fd;
	bool names; /* who sent them is to be told: costs time with each */
	/* Whose the @n packets are, at most REFLECT_BATCH; NULL for nobody's. */
	void (*whose)(struct worker *w, void *context, struct mmsghdr *m, unsigned n,
		      struct udp_session **out);
	void *context;
	/* What was seen. */
	bool full; /* so much waited that the queue may have been full */
	bool late; /* a packet came after its session's time */
};

/** Answer what waits, up to REFLECT_BURST packets. Never REFLECT_LATE. */
enum reflect_result reflect_burst(struct worker *w, struct reflect_source *source);

/** The kernel has counted @now drops at the session's own socket (sock_drops). */
void reflect_drops(struct worker *w, struct udp_session *u, uint32_t now);
