// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the server asks of and sets in the kernel: its own addresses, TCP options.
 */
#pragma once

#include "daemon/control/address.h"

/** Is this an address of this host? Walks all of them. R-089 */
bool host_has(const struct address *a);

/** The first IPv4 address that is not loopback; zeros if there is none. For SIDs, C-085. */
void host_ipv4(uint8_t out[static 4]);

/**
 * Options of a control connection: answers at once, dead peers found while SERVWAIT is
 * suspended, the DSCP of the client's SYN. Failures do no harm.
 */
void host_tune_tcp(int fd);
