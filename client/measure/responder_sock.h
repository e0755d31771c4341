// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sockets of the responder: what arrives with the address that it was sent to, its TTL, TOS
 * and the kernel's timestamp, and replies that leave from that address.
 */
#pragma once

#include "base/endpoint.h"
#include "base/sock.h"

struct responder_packet {
	size_t octets;
	union endpoint from;
	struct sock_meta meta;
	struct wall t2; /* the kernel's, if it has one */
};

/** Return descriptor or negative errno. */
NODISCARD int responder_sock_open(const union endpoint *local);

/** Return 0 or negative errno. */
NODISCARD int responder_sock_receive(int fd, uint8_t *to, size_t size, struct responder_packet *p);

/** To the sender of @p, with its DSCP (T-075). Return 0 or negative errno. */
NODISCARD int responder_sock_send(int fd, struct responder_packet *p, const uint8_t *from,
				  size_t n);
