// SPDX-License-Identifier: BSD-2-Clause
/* Addresses as sockets have them: an IPv4 or IPv6 address with a port. */
#pragma once

#include "protocol/address.h"
#include "protocol/wire.h"

#include <netinet/in.h>
#include <sys/socket.h>

union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
};

/** With its port, and the scope of a link-local one. */
union endpoint endpoint_of(const struct address *a);

/** IPv4-mapped becomes IPv4; a scope is kept for link-local addresses only. */
struct address endpoint_address(const union endpoint *e);

socklen_t endpoint_len(const union endpoint *e);
uint16_t endpoint_port(const union endpoint *e);
void endpoint_set_port(union endpoint *e, uint16_t port);

#define ENDPOINT_TEXT_LEN 72

/** "192.0.2.1" or "[fe80::1%eth0]:862" with @port; returns buf. */
const char *endpoint_text(const union endpoint *e, bool port, char buf[static ENDPOINT_TEXT_LEN]);

/** True if address and port are the same. */
bool endpoint_equal(const union endpoint *a, const union endpoint *b);

/** What a socket is bound to; all zero but for the family, 4, if that fails. 0 or negative errno. */
NODISCARD int endpoint_bound(int fd, struct address *out);
