// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the server asks of and sets in the kernel: its own addresses, TCP options.
 */
#pragma once

#include "protocol/address.h"
#include "protocol/wire.h"

#include <ev.h>

struct host {
	struct ev_loop *loop;
	struct localaddr *addresses;
	ev_io io;
	uint64_t told; /* localaddr_changes, when host_changed was asked last */
};

/** Know the addresses of this host, and keep them up to date. Return 0 or -ENOMEM. */
NODISCARD int host_init(struct host *h, struct ev_loop *loop);
void host_wipe(struct host *h); /* zeros ok */

/** Once a second. */
void host_tick(struct host *h);

/** The addresses, if some came or went since this was asked last; else NULL. */
const struct localaddr *host_changed(struct host *h);

/** Is this an address of this host? @device  of the socket that is asked for; 0 = none. R-089 */
bool host_has(struct host *h, const struct address *a, uint32_t device);

/** An IPv4 address that is not loopback; zeros if there is none. For SIDs, C-085. */
void host_ipv4(const struct host *h, uint8_t out[static 4]);

/**
 * Options of a control connection: answers at once, dead peers found while SERVWAIT is
 * suspended, the DSCP of the client's SYN. Failures do no harm.
 */
void host_tune_tcp(int fd);
