// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sockets of the responder: what arrives with the address that it was sent to, its TTL, TOS
 * and the kernel's timestamp, and replies that leave from that address.
 */
#pragma once

#include "base/endpoint.h"
#include "protocol/ts.h"

/* The address of this host that a packet was sent to. */
struct responder_local {
	uint8_t ip[16];
	uint32_t link; /* interface, IPv6 link-local only */
};

struct responder_packet {
	size_t octets;
	union endpoint from;
	struct responder_local local;
	bool unicast;
	struct wall t2; /* the kernel's, if it has one */
	uint8_t ttl; /* PKT_TTL_UNKNOWN if not told */
	uint8_t tos;
};

/** Return descriptor or negative errno. */
NODISCARD int responder_sock_open(const union endpoint *local);

/** Return 0 or negative errno. */
NODISCARD int responder_sock_receive(int fd, uint8_t *to, size_t size, struct responder_packet *p);

/** To the sender of @p, with its DSCP (T-075). Return 0 or negative errno. */
NODISCARD int responder_sock_send(int fd, const struct responder_packet *p, const uint8_t *from,
				  size_t n);
