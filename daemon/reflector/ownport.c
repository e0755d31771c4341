// SPDX-License-Identifier: BSD-2-Clause
/* Sessions with a port and a socket of their own: the kernel keeps strangers away. */
#include "daemon/reflector/ownport.h"

#include "daemon/reflector/sessionpath.h"
#include "daemon/reflector/worker.h"

#include <errno.h>
#include <unistd.h>

/* So many bursts, and at its end, a backlog is looked at for what had no room. */
#define BACKLOG 64

#define TRIES_MAX 512 /* ports that may be found taken for one request: about a millisecond */

/* the wanted port, else any of the range that nobody else has. When others of
 * this host have very many, the next request goes on where this one gave up. In a VRF the ports of
 * reflector_also are such, too, and only one session has them. */
static int bind_port(struct reflector *r, int fd, const struct session_spec *spec, uint16_t first,
		     uint16_t last, uint16_t *out)
{
	uint16_t port = spec->local.port;
	struct portmap_search search;
	int error = -EADDRINUSE;

	if (((port >= first && port <= last) || portmap_is_reserved(&r->ports, port)) &&
	    !portmap_is_used(&r->ports, port)) {
		error = sock_bind(fd, &spec->local, port);
		error = error == -EACCES ? -EADDRINUSE : error; /* others may be allowed */
	}
	search = portmap_search(&r->ports, first, last);
	for (int i = 0; i < TRIES_MAX && error == -EADDRINUSE; i++) {
		port = portmap_next(&r->ports, &search);
		if (!port) {
			break;
		}
		portmap_pass(&r->ports, port);
		error = sock_bind(fd, &spec->local, port);
	}
	*out = port;
	return error;
}

static int open_socket(struct reflector *r, const struct session_spec *spec, uint16_t first,
		       uint16_t last, struct udp_session *u)
{
	int error = udpsock_check_local(r->keeper, &spec->local, spec->device);

	if (error) {
		return error;
	}
	u->fd = udpsock_open(spec, !r->config.user_timestamps, &r->defaults, &u->rcvbuf);
	if (u->fd < 0) {
		return u->fd;
	}
	if (r->phc) {
		sock_ask_hardware(u->fd);
	}
	error = bind_port(r, u->fd, spec, first, last, &u->port);
	if (!error) {
		error = udpsock_connect(u->fd, spec);
	}
	if (error) {
		close(u->fd);
		return error;
	}
	portmap_take(&r->ports, u->port);
	u->worker = udp_pick(r);
	return 0;
}

static int adopt(struct reflector *r, const struct session_spec *spec, uint16_t port, int fd,
		 struct udp_session *u)
{
	int error;

	if (!port || portmap_is_used(&r->ports, port)) {
		return -EADDRINUSE;
	}
	/* an older process had not asked for the TOS */
	error = sock_set(fd, spec->local.family == 4 ? AF_INET : AF_INET6, 255,
			 (uint8_t)(spec->dscp << 2), SOCK_TELL_TOS);
	if (error) {
		return error;
	}
	portmap_take(&r->ports, port);
	u->port = port;
	u->fd = fd;
	u->worker = udp_pick(r);
	u->party.run_octets = sock_unfragmented(fd);
	if (r->phc) {
		sock_ask_hardware(fd);
	}
	return 0;
}

static void publish(struct udp_session *u)
{
	/* its thread hears of it when it is started */
}

static int start(struct udp_session *u)
{
	uint64_t dropped = 0;
	int error = udpsock_release(u->fd, u->rcvbuf, &dropped, &u->drops_seen);

	u->party.run_octets = sock_unfragmented(u->fd);
	u->reflector->early += dropped;
	counters_add(&u->party.rare, COUNTER_DROP_EARLY, dropped);
	return error;
}

/* Never started: no thread knows it. R-108 */
static bool mute(struct udp_session *u)
{
	if (u->started) {
		return true;
	}
	if (worker_bury(u)) {
		close(u->fd);
		udp_release(u);
		ev_async_send(u->reflector->loop, &u->reflector->wakeup);
	}
	return false;
}

static void release(struct udp_session *u)
{
	portmap_release(&u->reflector->ports, u->port);
}

static void leave(struct udp_session *u)
{
	/* the socket is closed */
}

static int descriptor(const struct udp_session *u)
{
	return u->fd;
}

static void carry_buffer(struct carry *c, struct udp_session *u)
{
	CARRY(c, u->rcvbuf);
}

static void watch(struct worker *w, struct udp_session *u,
		  void (*readable)(struct ev_loop *loop, ev_io *io, int events))
{
	ev_io_init(&u->io, readable, u->fd, EV_READ);
	u->io.data = u;
	ev_io_start(w->loop, &u->io);
}

static void all_mine(struct worker *w, void *context, struct reflect_packet *p, unsigned n)
{
	struct udp_session *u = context;

	for (unsigned i = 0; i < n; i++) {
		p[i].party = &u->party;
	}
}

static const struct reflect_way own_way = {
	.whose = all_mine,
	.judge = sessionpath_judge,
	.number = sessionpath_number,
};

static void take_drops(struct udp_session *u)
{
	uint32_t drops;

	if (sock_read_drops(u->fd, &drops)) {
		sessionpath_drops(u, drops);
	}
}

/* The TOS costs some 60 ns a packet, and each tells much the same: while more of them come than are
 * read at once it is not asked for, unless replies tell it. */
static void tell_tos(struct udp_session *u, bool crowded)
{
	bool on = !crowded || u->party.rules.layout->tos;

	if (u->tos_untold == on &&
	    !sock_tell_tos(u->fd, u->tuple.scope == UDP_IPV4 ? AF_INET : AF_INET6, on)) {
		u->tos_untold = !on;
	}
}

enum reflect_result ownport_burst(struct worker *w, struct udp_session *u)
{
	struct reflect_source s = { .way = &own_way, .fd = u->fd, .context = u };
	enum reflect_result result = reflect_burst(w, &s);

	tell_tos(u, s.full);
	u->backlog += s.full;
	if (u->backlog && (result == REFLECT_EMPTY || u->backlog == BACKLOG)) {
		take_drops(u);
		u->backlog = 0;
	}
	return s.late ? REFLECT_LATE : result;
}

static void let_go(struct worker *w, struct udp_session *u)
{
	take_drops(u);
	ev_io_stop(w->loop, &u->io);
	close(u->fd);
}

const struct port_ops ownport_ops = {
	.open = open_socket,
	.adopt = adopt,
	.publish = publish,
	.start = start,
	.mute = mute,
	.release = release,
	.leave = leave,
	.descriptor = descriptor,
	.carry = carry_buffer,
	.watch = watch,
	.burst = ownport_burst,
	.let_go = let_go,
};
