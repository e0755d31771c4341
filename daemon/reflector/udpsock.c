// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/udpsock.h"

#include "base/device.h"
#include "base/endpoint.h"
#include "base/sockopt.h"
#include "protocol/pkt.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <unistd.h>

/* The tiny buffer of a session that is not started holds a few packets at most: this many
 * reads empty it of all that came before, whatever arrives meanwhile. */
#define DRAIN_MAX 64

int udpsock_keeper(bool stamps, struct udpsock_defaults *defaults)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error;

	if (fd < 0 && errno == EAFNOSUPPORT) {
		fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	}
	if (fd < 0) {
		return -errno;
	}
	if (stamps) {
		(void)sock_ask_stamps(fd); /* sock_prove_stamps tells what that brought */
	}
	error = sockopt_get(fd, SOL_SOCKET, SO_RCVBUF, &defaults->rcvbuf);
	if (!error) {
		error = sockopt_get(fd, SOL_SOCKET, SO_SNDBUF, &defaults->sndbuf);
	}
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

/* Only a socket with SO_BROADCAST may connect to a broadcast address. */
static int probe_broadcast(int fd, const struct address *local)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	union endpoint e = endpoint_of(local);
	int result;

	endpoint_set_port(&e, 9);
	result = connect(fd, &e.any, endpoint_len(&e)) && errno == EACCES ? -EADDRNOTAVAIL : 0;

	/* Undone at once: the probe must not keep a port. */
	(void)connect(fd, &none, sizeof(none));
	return result;
}

int udpsock_check_local(int keeper, const struct address *local, uint32_t device)
{
	int fd, result;

	if (address_is_unusable(local)) {
		return -EADDRNOTAVAIL;
	}
	if (local->family != 4) {
		return 0; /* IPv6 has no broadcast, and bind() takes no other multicast */
	}
	if (!device) {
		return probe_broadcast(keeper, local);
	}
	/* What is a broadcast address is another matter in each VRF, and the keeper is bound to
	 * none: that could not be undone without a capability. */
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -errno;
	}
	result = device_bind(fd, device);
	result = result ? result : probe_broadcast(fd, local);
	close(fd);
	return result;
}

/* Room for two packets, counting as much again for what the kernel keeps with them. */
static int size_buffer(int fd, int name, size_t packet_octets, int present, int *value)
{
	int need = (int)packet_octets * 4;
	int error;

	*value = present;
	if (need <= present) {
		return 0;
	}
	/* the kernel doubles what is asked for, and silently takes less than that */
	error = sockopt_set(fd, SOL_SOCKET, name, need);
	if (!error) {
		error = sockopt_get(fd, SOL_SOCKET, name, value);
	}
	return error ? error : *value < need ? -EMSGSIZE : 0;
}

static int size_buffers(int fd, const struct session_spec *spec,
			const struct udpsock_defaults *defaults, int *rcvbuf)
{
	size_t octets = pkt_send_len(pkt_layout(spec->modes), spec->padding);
	int sndbuf, error;

	if (octets > (spec->local.family == 4 ? PKT_MAX_PAYLOAD_V4 : PKT_MAX_PAYLOAD_V6)) {
		return -EMSGSIZE;
	}
	error = size_buffer(fd, SO_SNDBUF, octets, defaults->sndbuf, &sndbuf);
	if (!error) {
		error = size_buffer(fd, SO_RCVBUF, octets, defaults->rcvbuf, rcvbuf);
	}
	return error ? error : sockopt_set(fd, SOL_SOCKET, SO_RCVBUF, 1);
}

int udpsock_open(const struct session_spec *spec, bool stamps,
		 const struct udpsock_defaults *defaults, int *rcvbuf)
{
	int family = spec->local.family == 4 ? AF_INET : AF_INET6;
	int fd = sock_make(family);
	int error;

	if (fd < 0) {
		return fd;
	}
	error = device_bind(fd, spec->device);
	error = error ? error
		      : sock_set(fd, family, 255, (uint8_t)(spec->dscp << 2), SOCK_TELL_TOS);
	error = error ? error : size_buffers(fd, spec, defaults, rcvbuf);
	if (error) {
		close(fd);
		return error;
	}
	if (stamps) {
		(void)sock_ask_stamps(fd); /* each packet tells whether it has one */
	}
	return fd;
}

int udpsock_adopt_light(int fd, bool share, bool stamps, const struct udpsock_defaults *defaults)
{
	int family, rcvbuf;
	int error = sockopt_get(fd, SOL_SOCKET, SO_DOMAIN, &family);

	error = error ? error : sock_set(fd, family, 255, 0, SOCK_TELL_TOS | SOCK_TELL_LOCAL);
	error = error || !share ? error : sockopt_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	error = error ? error : sockopt_get(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf);
	if (error) {
		return error;
	}
	if (rcvbuf == defaults->rcvbuf) { /* nobody chose another */
		(void)sockopt_set(fd, SOL_SOCKET, SO_RCVBUF, UDPSOCK_RCVBUF / 2);
	}
	if (stamps) {
		(void)sock_ask_stamps(fd);
	}
	return 0;
}

int udpsock_open_light(const struct address *local, uint32_t device, bool freebind, bool stamps)
{
	int family = local->family == 4 ? AF_INET : AF_INET6;
	int fd = sock_make(family);
	int error;

	if (fd < 0) {
		return fd;
	}
	error = device_bind(fd, device);
	error = error ? error : sock_set(fd, family, 255, 0, SOCK_TELL_TOS | SOCK_TELL_LOCAL);
	error = error ? error : sockopt_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	error = error || !freebind ? error : sock_freebind(fd, local->family);
	error = error ? error : sock_bind(fd, local, local->port);
	if (error) {
		close(fd);
		return error;
	}
	(void)sockopt_set(fd, SOL_SOCKET, SO_RCVBUF,
			  UDPSOCK_RCVBUF / 2); /* as much as the system allows */
	if (stamps) {
		(void)sock_ask_stamps(fd);
	}
	return fd;
}

void udpsock_steer(int fd, int cpu)
{
	(void)sockopt_set(fd, SOL_SOCKET, SO_INCOMING_CPU, cpu);
}

int udpsock_probe_port(const struct address *local, uint32_t device, bool freebind)
{
	int fd = sock_make(local->family == 4 ? AF_INET : AF_INET6);
	int error;

	if (fd < 0) {
		return fd;
	}
	error = device_bind(fd, device);
	error = error || !freebind ? error : sock_freebind(fd, local->family);
	error = error ? error : sock_bind(fd, local, local->port);
	close(fd);
	return error;
}

int udpsock_connect(int fd, const struct session_spec *spec)
{
	struct address remote = spec->remote;
	union endpoint e;

	if (address_is_link_local(&remote) && !remote.scope) {
		remote.scope = spec->local.scope;
	}
	e = endpoint_of(&remote);
	if (!connect(fd, &e.any, endpoint_len(&e))) {
		return 0;
	}
	return errno == EACCES || errno == EPERM ? -EDESTADDRREQ : -errno;
}

int udpsock_release(int fd, int rcvbuf, uint64_t *dropped, uint32_t *drops)
{
	int error;

	*dropped = *drops = 0;
	for (int i = 0; i < DRAIN_MAX; i++) {
		if (recv(fd, NULL, 0, MSG_TRUNC) >= 0) {
			++*dropped;
		} else if (errno == EAGAIN) {
			break;
		} /* else an ICMP error, reported once: T-041 */
	}
	/* the kernel doubles both, and cuts what is above its limit */
	error = sockopt_set(fd, SOL_SOCKET, SO_RCVBUF, rcvbuf / 2);
	if (!error && rcvbuf < UDPSOCK_RCVBUF) {
		error = sockopt_set(fd, SOL_SOCKET, SO_RCVBUF, UDPSOCK_RCVBUF / 2);
	}
	if (sock_read_drops(fd, drops)) {
		*dropped += *drops; /* did not fit into the small buffer */
	}
	return error;
}

/* --- shared ports ------------------------------------------------------------------------- */

#define LARGEST_OCTETS 65535

/* As much as the system allows. */
static int fill_buffers(int fd, struct udpsock_defaults *buffers)
{
	int error = sockopt_set(fd, SOL_SOCKET, SO_RCVBUF, UDPSOCK_RCVBUF / 2);

	error = error ? error : sockopt_get(fd, SOL_SOCKET, SO_RCVBUF, &buffers->rcvbuf);
	error = error ? error : sockopt_get(fd, SOL_SOCKET, SO_SNDBUF, &buffers->sndbuf);
	if (!error && buffers->sndbuf < LARGEST_OCTETS * 4) {
		error = sockopt_set(fd, SOL_SOCKET, SO_SNDBUF, LARGEST_OCTETS * 2);
		error = error ? error : sockopt_get(fd, SOL_SOCKET, SO_SNDBUF, &buffers->sndbuf);
	}
	return error;
}

int udpsock_adopt_shared(int fd, int family, bool stamps, struct udpsock_defaults *buffers)
{
	int error = sock_set(fd, family == 4 ? AF_INET : AF_INET6, 255, 0,
			     SOCK_TELL_TOS | SOCK_TELL_LOCAL);

	error = error ? error : fill_buffers(fd, buffers);
	if (!error && stamps) {
		(void)sock_ask_stamps(fd);
	}
	return error;
}

int udpsock_open_shared(int family, uint16_t port, bool stamps, int old,
			struct udpsock_defaults *buffers)
{
	struct address any = { .family = (uint8_t)family };
	int fd = old >= 0 ? old : sock_make(family == 4 ? AF_INET : AF_INET6);
	int error = 0;

	if (fd < 0) {
		return fd;
	}
	error = udpsock_adopt_shared(fd, family, stamps, buffers);
	if (!error && old < 0) {
		error = sock_bind(fd, &any, port);
	}
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}
