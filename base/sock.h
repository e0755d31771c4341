// SPDX-License-Identifier: BSD-2-Clause
/*
 * UDP sockets for tests: options, what comes along with a datagram, replies that leave from where
 * it was sent to, and what the kernel drops. Linux's SO_TIMESTAMPING
 * (Documentation/networking/timestamping).
 */
#pragma once

#include "protocol/address.h"
#include "protocol/ts.h"
#include "protocol/wire.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/** Of AF_INET or AF_INET6 (then of no other family), nonblocking. Descriptor or negative errno. */
NODISCARD int sock_make(int family);

/* What a socket tells with each datagram beside its TTL; each costs time per packet. */
enum sock_tell {
	SOCK_TELL_TOS = 1,
	SOCK_TELL_LOCAL = 2, /* which address it was sent to */
};

/**
 * TTL and TOS of what it sends, fragments rather than silence, and what it tells.
 * @family  AF_INET or AF_INET6
 * Return 0 or negative errno.                                     T-027, T-047, C-077
 */
NODISCARD int sock_set(int fd, int family, uint8_t ttl, uint8_t tos, unsigned tell);

/** Have it tell the TOS from now on, or no more. Return 0 or negative errno. */
NODISCARD int sock_tell_tos(int fd, int family, bool on);

/**
 * Return 0 or negative errno; -EADDRINUSE leaves the socket usable for another port; -EADDRNOTAVAIL
 * whenever the address is at fault, and -EACCES when the port is.
 */
NODISCARD int sock_bind(int fd, const struct address *local, uint16_t port);

/** Let it be bound to an address that may come later. @family 4 or 6. Return 0 or negative errno. */
NODISCARD int sock_freebind(int fd, int family);

/** Throw away what waits in it. */
void sock_drain(int fd);

/** What tells it from every other socket of this host, ever; 0 if that cannot be told. */
uint64_t sock_cookie(int fd);

/**
 * The largest reply of a connected socket that goes into one packet, which is what UDP_SEGMENT
 * wants; 0 if the MTU of the route is not known.
 */
uint32_t sock_unfragmented(int fd);

/* --- timestamps --- */

/** Have the kernel stamp what arrives, in software. False if it refuses. */
bool sock_ask_stamps(int fd);

/**
 * Ask for the stamps of network cards as well. No packet costs more by that, unless its card
 * gave it a stamp. A kernel that cannot tell the interface gives none.
 */
void sock_ask_hardware(int fd);

/** The kernel was asked to stamp what arrives. */
bool sock_is_stamped(int fd);

/** True if a packet over loopback came back with a stamp between its sending and receiving. */
bool sock_prove_stamps(void);

/* --- drops --- */

/**
 * How many datagrams the kernel had to throw away so far because the receive queue of the socket was
 * full (or a checksum wrong), modulo 2^32. False if it does not say. SO_RXQ_OVFL would tell it with
 * each packet after the first drop: a control message more for each, when there are too many.
 */
bool sock_read_drops(int fd, uint32_t *now);

/** How many are new since @seen, which becomes @now; none if @now is the older one. */
uint32_t sock_new_drops(uint32_t *seen, uint32_t now);

/* --- control messages --- */

/** Room for the control messages of one datagram: stamps, TTL, TOS, address, and some to spare. */
#define SOCK_CONTROL_LEN 224

/* What came along with a datagram. */
struct sock_meta {
	struct wall stamp; /* valid if stamped */
	int64_t hardware_ns; /* what the clock of the network card showed; 0 = not told */
	int64_t phc_error_ns; /* not 0: stamp is the card's, carried over with this error */
	unsigned link; /* index of that card's interface; 0 = not told */
	bool stamped; /* by the kernel */
	bool unicast; /* it was sent to an address that a reply can come from */
	bool has_ttl, has_tos;
	uint8_t ttl; /* PKT_TTL_UNKNOWN if not told */
	uint8_t tos; /* 0 if not told */
	uint8_t family; /* of local: 4 or 6; 0 = not told */
	uint32_t arrival; /* the interface that it came in by */
	uint8_t local[16]; /* what it was sent to, as in struct address */
};

/** Read the control messages of a received datagram; what is missing or cut gets defaults. */
void sock_meta(struct msghdr *m, struct sock_meta *out);

/* A reply on its way back, where that is not the socket's. */
struct sock_return {
	struct msghdr to; /* address, and control messages; no octets */
	struct sockaddr_in6 name; /* of sock_answer_by */
	uint8_t control[72] __attribute__((aligned(16)));
};

/**
 * To who sent a packet (msg_name of @m, which stays in use), from the address that it was sent to,
 * with this TOS. Of @meta are needed local, family and arrival.            R-100, T-047, T-075
 */
void sock_answer(struct sock_return *out, const struct msghdr *m, const struct sock_meta *meta,
		 uint8_t tos);

struct tlvreply;

/**
 * The same, on top of it, where TLVs say how the reply travels: from another address of ours, to
 * another address, or through the interface that the packet came in by.  S-160, S-166, S-168
 */
void sock_answer_by(struct sock_return *out, const struct msghdr *m, const struct sock_meta *meta,
		    const struct tlvreply *how);

/** One more control message; msg_control has room for it, and msg_controllen says how much is used. */
static inline void sock_append(struct msghdr *m, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (void *)((char *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	m->msg_controllen += CMSG_SPACE(len);
}
