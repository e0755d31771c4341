// SPDX-License-Identifier: BSD-2-Clause
/*
 * The addresses of this host, kept up to date by what the kernel tells (rtnetlink(7)): whether an
 * address is one of them is a look into a table, however many there are. An address may be there
 * several times, on several devices; it goes with the last of them. In which VRF it can be used,
 * bind(2) says.
 *
 * Where nothing is told, or something was missed and is not made up for yet, the kernel is asked
 * about the one address, which takes a few system calls.
 */
#pragma once

#include "protocol/address.h"
#include "protocol/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct localaddr;

/** Knows all addresses when it returns, if the kernel tells them. Return 0 or -ENOMEM. */
NODISCARD int localaddr_new(struct localaddr **out);
void localaddr_free(struct localaddr *l); /* NULL ok */

/** To be watched for reading; -1 = nothing will be told. */
int localaddr_fd(const struct localaddr *l);

/** Take some of what the kernel told: bounded work, and there may be more. */
void localaddr_read(struct localaddr *l);

/** Once a second: ask for all of them where something was missed; forget what is gone. */
void localaddr_refresh(struct localaddr *l);

/** The port does not count. @device  that the socket in question is bound to, 0 = to none: for when the kernel is asked */
bool localaddr_has(struct localaddr *l, const struct address *a, uint32_t device);

/** Goes up with each address that comes or goes. */
uint64_t localaddr_changes(const struct localaddr *l);

/** Call @each for up to @most of them. The same one may come twice, from two devices. */
void localaddr_each(const struct localaddr *l, unsigned most,
		    void (*each)(void *context, const struct address *a), void *context);

/** The table is complete: the kernel need not be asked. */
bool localaddr_is_complete(const struct localaddr *l);

/** The first IPv4 address that is not loopback, as far as is known; zeros if there is none. */
void localaddr_ipv4(const struct localaddr *l, uint8_t out[static 4]);

/** What the kernel told, messages of rtnetlink(7). For localaddr_read, and for tests. */
void localaddr_take(struct localaddr *l, const uint8_t *messages, size_t n);
