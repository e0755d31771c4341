// SPDX-License-Identifier: BSD-2-Clause
/*
 * UDP sockets of sessions: options, addresses, buffers, and the proof that the kernel's
 * receive timestamps work.
 */
#pragma once

#include "daemon/control/session.h"
#include "protocol/wire.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* What the kernel gives a socket that asks for nothing. */
struct sock_defaults {
	int rcvbuf, sndbuf; /* as getsockopt reads them: doubled */
};

/**
 * A socket without address that holds kernel timestamping on. The kernel turns it on lazily
 * with the first socket that asks, so that the first packets of a lone session would have no
 * stamp. Return descriptor or negative errno.
 */
NODISCARD int sock_keeper(bool stamps, struct sock_defaults *defaults);

/** Have the kernel stamp what arrives, in software. False if it refuses. */
bool sock_ask_stamps(int fd);

/** True if a packet over loopback came back with a stamp between its sending and receiving. */
bool sock_prove_stamps(void);

/**
 * 0 if a reply can leave from this address of ours: -EADDRNOTAVAIL for broadcast and multicast
 * addresses, which bind() would take. @keeper is used as a probe, or with a @device a socket
 * that is bound to that.                                                        R-240, T-047
 */
NODISCARD int sock_check_local(int keeper, const struct address *local, uint32_t device);

/**
 * A socket with all options, bound to nothing but spec.device. Its receive buffer is as small as can be
 * until sock_release, so that packets before Start-Sessions take no memory.
 * @rcvbuf  the value for sock_release
 * Return descriptor or negative errno: -EMSGSIZE if packets of the announced padding fit
 * neither into UDP nor into the buffers that the system allows.
 */
NODISCARD int sock_open(const struct session_spec *spec, bool stamps,
			const struct sock_defaults *defaults, int *rcvbuf);

/**
 * A socket of a Light port, bound: several may share the port, it tells where packets were
 * sent to, and it takes the source and DSCP of a reply with the reply.
 * Return descriptor or negative errno.
 */
NODISCARD int sock_open_light(const struct address *local, uint32_t device, bool freebind,
			      bool stamps);

/**
 * Give a bound socket, which somebody else opened, the options of sock_open_light. Its receive
 * buffer stays as it is if somebody chose it. @share: others of ours may have its port. Return 0
 * or negative errno.
 */
NODISCARD int sock_adopt_light(int fd, bool share, bool stamps,
			       const struct sock_defaults *defaults);

/** The kernel was asked to stamp what arrives. */
bool sock_is_stamped(int fd);

/** Throw away what waits in it. */
void sock_drain(int fd);

/** What tells it from every other socket of this host, ever; 0 if that cannot be told. */
uint64_t sock_cookie(int fd);

/** -EADDRINUSE if any socket has the port, even one that shares it; 0 or another error. */
NODISCARD int sock_probe_port(const struct address *local, uint32_t device, bool freebind);

/** Let it be bound to an address that may come later. @family 4 or 6. Return 0 or negative errno. */
NODISCARD int sock_freebind(int fd, int family);

/**
 * A socket for sessions that share @port, bound to every address of the family: packets tell
 * where they were sent to, replies come with source and DSCP, and the buffers are full.
 * @old      -1, or one that another process had for the same; taken over
 * @buffers  their sizes, as getsockopt reads them
 * Return descriptor or negative errno.
 */
NODISCARD int sock_open_shared(int family, uint16_t port, bool stamps, int old,
			       struct sock_defaults *buffers);

/** The same of a bound socket that somebody else opened. Return 0 or negative errno. */
NODISCARD int sock_adopt_shared(int fd, int family, bool stamps, struct sock_defaults *buffers);

struct pkt_layout;

/** Have the TOS told if the layout has a place for it. @family AF_INET or AF_INET6. */
NODISCARD int sock_ask_tos(int fd, int family, const struct pkt_layout *l);

/**
 * Return 0 or negative errno; -EADDRINUSE leaves the socket usable for another port; -EADDRNOTAVAIL
 * whenever the address is at fault, and -EACCES when the port is.
 */
NODISCARD int sock_bind(int fd, const struct address *local, uint16_t port);

/**
 * Return 0 or negative errno; -EDESTADDRREQ for a broadcast address, -ENETUNREACH,
 * -EHOSTUNREACH, -ENETDOWN or -EINVAL without a route.
 */
NODISCARD int sock_connect(int fd, const struct session_spec *spec);

/* A pause of 10 ms at 500000 packets/s: the kernel takes 768 octets for a small one. */
#define SOCK_RCVBUF (4 << 20)

/**
 * Throw away what waits in the socket, then give it its full buffer: at least @rcvbuf, and
 * as much of SOCK_RCVBUF as net.core.rmem_max allows.
 * @dropped  how many packets came until now
 * @drops    of these, what sock_read_drops tells
 * Return 0 or negative errno.                                               T-041
 */
NODISCARD int sock_release(int fd, int rcvbuf, uint64_t *dropped, uint32_t *drops);

/**
 * The largest reply of a connected socket that goes into one packet, which is what UDP_SEGMENT
 * wants; 0 if the MTU of the route is not known.
 */
uint32_t sock_unfragmented(int fd);

/**
 * Ask for the stamps of network cards as well. No packet costs more by that, unless its card
 * gave it a stamp. A kernel that cannot tell the interface gives none.
 */
void sock_ask_hardware(int fd);

/**
 * How many datagrams the kernel had to throw away so far because the receive queue of the socket was
 * full (or a checksum wrong), modulo 2^32. False if it does not say. SO_RXQ_OVFL would tell it with
 * each packet after the first drop: a control message more for each, when there are too many.
 */
bool sock_read_drops(int fd, uint32_t *now);

/** How many are new since @seen, which becomes @now; none if @now is the older one. */
uint32_t sock_new_drops(uint32_t *seen, uint32_t now);

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
	uint8_t ttl; /* PKT_TTL_UNKNOWN if not told */
	uint8_t tos; /* 0 if not told */
	uint8_t family; /* of local: 4 or 6; 0 = not told */
	uint32_t arrival; /* IPv6: the interface that it came in by */
	uint8_t local[16]; /* what it was sent to, as in struct address */
};

/** Read the control messages of a received datagram; what is missing or cut gets defaults. */
void sock_meta(struct msghdr *m, struct sock_meta *out);

/* A reply on its way back, where that is not the socket's. */
struct sock_return {
	struct msghdr to; /* address, and control messages; no octets */
	uint8_t control[72] __attribute__((aligned(16)));
};

/**
 * To who sent a packet (msg_name of @m, which stays in use), from the address that it was sent to,
 * with this TOS. Of @meta are needed local, family and arrival.            R-100, T-047, T-075
 */
void sock_answer(struct sock_return *out, const struct msghdr *m, const struct sock_meta *meta,
		 uint8_t tos);

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
