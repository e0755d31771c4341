// SPDX-License-Identifier: BSD-2-Clause
/*
 * The data path: datagrams in, replies out, in bounded bursts. Never blocks, allocates,
 * locks or logs. RFC 5357 4.2; test packets T-020..T-049.
 */
#pragma once

#include "daemon/reflector/pool.h"

/* Packets of one session per event: then it is the neighbours' turn. */
#define REFLECT_BURST 64

enum reflect_result {
	REFLECT_EMPTY, /* the socket has no more */
	REFLECT_MORE, /* it may have */
	REFLECT_LATE, /* a packet came after stop_at: everything behind it did, too */
};

struct shared_port;

/** Buffers of one thread. NULL without memory. */
struct reflect_scratch *reflect_scratch_new(void);
void reflect_scratch_free(struct reflect_scratch *s);

/**
 * Answer what waits in a shared socket of the thread, up to REFLECT_BURST packets. Ends no session.
 * Never REFLECT_LATE.
 */
enum reflect_result reflect_shared(struct worker *w, const struct shared_port *p);

/** The kernel has counted @now drops at the session's own socket (sock_drops). */
void reflect_drops(struct worker *w, struct udp_session *u, uint32_t now);

/** Answer what waits in the session's socket, up to REFLECT_BURST packets. */
enum reflect_result reflect_burst(struct worker *w, struct udp_session *u);
