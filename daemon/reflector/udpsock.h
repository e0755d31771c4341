// SPDX-License-Identifier: BSD-2-Clause
/* The UDP sockets of sessions, of Light ports and of shared ports: how they are opened, and their buffers. */
#pragma once

#include "base/sock.h"
#include "daemon/control/session.h"
#include "protocol/wire.h"

/* What the kernel gives a socket that asks for nothing. */
struct udpsock_defaults {
	int rcvbuf, sndbuf; /* as getsockopt reads them: doubled */
};

/**
 * A socket without address that holds kernel timestamping on. The kernel turns it on lazily
 * with the first socket that asks, so that the first packets of a lone session would have no
 * stamp. Return descriptor or negative errno.
 */
NODISCARD int udpsock_keeper(bool stamps, struct udpsock_defaults *defaults);

/**
 * 0 if a reply can leave from this address of ours: -EADDRNOTAVAIL for broadcast and multicast
 * addresses, which bind() would take. @keeper is used as a probe, or with a @device a socket
 * that is bound to that.                                                        R-240, T-047
 */
NODISCARD int udpsock_check_local(int keeper, const struct address *local, uint32_t device);

/**
 * A socket with all options, bound to nothing but spec.device. Its receive buffer is as small as can be
 * until udpsock_release, so that packets before Start-Sessions take no memory.
 * @rcvbuf  the value for udpsock_release
 * Return descriptor or negative errno: -EMSGSIZE if packets of the announced padding fit
 * neither into UDP nor into the buffers that the system allows.
 */
NODISCARD int udpsock_open(const struct session_spec *spec, bool stamps,
			   const struct udpsock_defaults *defaults, int *rcvbuf);

/**
 * A socket of a Light port, bound: several may share the port, it tells where packets were
 * sent to, and it takes the source and DSCP of a reply with the reply.
 * Return descriptor or negative errno.
 */
NODISCARD int udpsock_open_light(const struct address *local, uint32_t device, bool freebind,
				 bool stamps);

/**
 * Of the sockets that share its port this one is for the packets that arrive on @cpu; -1 = for any,
 * as the kernel's hash over their addresses has it. Those of a CPU that none is for go by the hash,
 * too.
 */
void udpsock_steer(int fd, int cpu);

/**
 * Give a bound socket, which somebody else opened, the options of udpsock_open_light. Its receive
 * buffer stays as it is if somebody chose it. @share: others of ours may have its port. Return 0
 * or negative errno.
 */
NODISCARD int udpsock_adopt_light(int fd, bool share, bool stamps,
				  const struct udpsock_defaults *defaults);

/** -EADDRINUSE if any socket has the port, even one that shares it; 0 or another error. */
NODISCARD int udpsock_probe_port(const struct address *local, uint32_t device, bool freebind);

/**
 * A socket for sessions that share @port, bound to every address of the family: packets tell
 * where they were sent to, replies come with source and DSCP, and the buffers are full.
 * @old      -1, or one that another process had for the same; taken over
 * @buffers  their sizes, as getsockopt reads them
 * Return descriptor or negative errno.
 */
NODISCARD int udpsock_open_shared(int family, uint16_t port, bool stamps, int old,
				  struct udpsock_defaults *buffers);

/** The same of a bound socket that somebody else opened. Return 0 or negative errno. */
NODISCARD int udpsock_adopt_shared(int fd, int family, bool stamps,
				   struct udpsock_defaults *buffers);

/**
 * Return 0 or negative errno; -EDESTADDRREQ for a broadcast address, -ENETUNREACH,
 * -EHOSTUNREACH, -ENETDOWN or -EINVAL without a route.
 */
NODISCARD int udpsock_connect(int fd, const struct session_spec *spec);

/* A pause of 10 ms at 500000 packets/s: the kernel takes 768 octets for a small one. */
#define UDPSOCK_RCVBUF (4 << 20)

/**
 * Throw away what waits in the socket, then give it its full buffer: at least @rcvbuf, and
 * as much of UDPSOCK_RCVBUF as net.core.rmem_max allows.
 * @dropped  how many packets came until now
 * @drops    of these, what sock_read_drops tells
 * Return 0 or negative errno.                                               T-041
 */
NODISCARD int udpsock_release(int fd, int rcvbuf, uint64_t *dropped, uint32_t *drops);
