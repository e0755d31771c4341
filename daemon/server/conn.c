// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/conn.h"

#include "base/device.h"
#include "daemon/reflector/sock.h"
#include "daemon/server/host.h"
#include "daemon/server/memory.h"
#include "daemon/server/report.h"
#include "daemon/server/server.h"
#include "daemon/server/session_orders.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define CROWD_LOW 32 /* unused or refused connections while memory is short */
#define LINGER_S 2. /* for a client to take the last answer before the socket is closed */

struct conn *conn_first(const struct server *s)
{
	return (struct conn *)(void *)s->conns.first; /* its first member */
}

struct conn *conn_next(const struct conn *c)
{
	return (struct conn *)(void *)c->node.next;
}
_Static_assert(offsetof(struct conn, node) == 0, "conn_first");

/* --- the end -------------------------------------------------------------------------- */

static void free_conn(struct conn *c)
{
	struct server *s = c->server;

	session_orders_forget(c);
	control_wipe(&c->control);
	ev_io_stop(s->loop, &c->io);
	ev_timer_stop(s->loop, &c->timer);
	roll_remove(&s->conns, &c->node);
	if (c->control.counted) {
		admit_connection_end(&s->admit, c->control.charged, c->control.client);
	}
	evict_leave(c);
	c->standing->conn = NULL;
	standing_put(s, c->standing);
	stream_close(&c->stream);
	vault_give(&s->keyed, c->control.keyed);
	free(c);
	server_conn_gone(s);
}

/* A client that still has octets under way would get a reset and lose the last answer: say
 * FIN, and read to the end for a short while. */
static void linger(struct conn *c)
{
	if (c->eof || shutdown(c->stream.fd, SHUT_WR) < 0) {
		free_conn(c);
		return;
	}
	c->lingering = true;
	c->deadline.ns = server_mono().ns + (int64_t)(LINGER_S * 1e9);
	ev_timer_stop(c->server->loop, &c->timer);
	ev_timer_set(&c->timer, LINGER_S, 0.);
	ev_timer_start(c->server->loop, &c->timer);
	ev_io_stop(c->server->loop, &c->io);
	ev_io_set(&c->io, c->stream.fd, EV_READ);
	ev_io_start(c->server->loop, &c->io);
}

/* --- output --------------------------------------------------------------------------- */

static void watch(struct conn *c, int events)
{
	if (events == (c->io.events & (EV_READ | EV_WRITE)) && ev_is_active(&c->io)) {
		return;
	}
	ev_io_stop(c->server->loop, &c->io);
	ev_io_set(&c->io, c->stream.fd, events);
	if (events) {
		ev_io_start(c->server->loop, &c->io);
	}
}

/* --- feeding -------------------------------------------------------------------------- */

static void set_deadline(struct conn *c, struct mono deadline, struct mono now)
{
	bool running = ev_is_active(&c->timer);
	bool sooner = deadline.ns < c->deadline.ns;

	c->deadline = deadline;
	if (deadline.ns == CONTROL_NEVER || (running && !sooner)) {
		return;
	}
	ev_timer_stop(c->server->loop, &c->timer);
	ev_timer_set(&c->timer, (double)(deadline.ns - now.ns) / 1e9, 0.);
	ev_timer_start(c->server->loop, &c->timer);
}

const struct policy *conn_policy(const struct conn *c)
{
	const struct settings_class *class = c->standing->class;

	return class ? &class->policy : &c->server->keyed_policy;
}

/*
 * Room for the answers to the next event: one buffer for all connections. It can fail only for a
 * message of the peer (conn_prepare has the rest), so that no event of ours is ever lost: who is
 * not told that a session has ended would look at its memory for ever.
 */
static bool fit_scratch(struct server *s, size_t room)
{
	uint8_t *more;

	if (room <= s->scratch_octets) {
		return true;
	}
	more = realloc(s->scratch, room);
	if (!more) {
		return false;
	}
	s->scratch = more;
	s->scratch_octets = room;
	return true;
}

/* The orders that are answered by an event: false if there is none. */
static bool order(struct conn *c, const struct control_out *out, struct control_in *in)
{
	if (out->open) {
		session_orders_open(c, in);
		return true;
	}
	if (out->start) {
		in->kind = CONTROL_STARTED;
		return true;
	}
	return out->derive && session_orders_derive(c, in);
}

int conn_prepare(struct server *s)
{
	return fit_scratch(s, CONTROL_ROOM_USUAL) ? 0 : -ENOMEM;
}

static void report(struct conn *c, const struct control_out *out)
{
	const struct server *s = c->server;
	const struct reached_rules rules = { s->settings, c->standing->class, conn_policy(c) };

	report_control(s->log, &c->control, &rules, out);
	refusals_note(s->refusals, &c->control, &rules, out, &c->standing->use->tally,
		      c->standing->client, server_wall());
}

void conn_feed(struct conn *c, struct control_in *in)
{
	struct control_out out = { 0 };
	struct mono now;

	do {
		if (!fit_scratch(c->server, control_room(&c->control, in->kind))) {
			c->closing = c->eof = true; /* finish() says so to the control side */
			return;
		}
		out.octets = c->server->scratch;
		out.size = c->server->scratch_octets;
		now = server_mono();
		control_feed(&c->control, conn_policy(c), in, now, &out);
		evict_sort(c);
		session_orders_carry_out(c);
		if (out.len && !stream_push(&c->stream, out.octets, out.len)) {
			c->closing = c->eof = true; /* no memory */
		}
		report(c, &out);
		c->closing |= out.close || out.abort;
		c->eof |= out.abort;
	} while (order(c, &out, in));
	set_deadline(c, out.deadline, now);
}

static void feed_kind(struct conn *c, enum control_kind kind)
{
	struct control_in in = { .kind = kind };

	conn_feed(c, &in);
}

/* Feed all complete messages that are there. */
static void digest(struct conn *c)
{
	struct control_in in = { .kind = CONTROL_OCTETS };
	size_t used = 0, want;

	server_load_measure(c->server);

	while ((want = control_want(&c->control)) && want <= c->stream.in_len - used &&
	       !c->closing) {
		in.kind = CONTROL_OCTETS;
		in.octets = c->stream.in + used;
		in.len = want;
		used += want;
		conn_feed(c, &in);
	}
	stream_consume(&c->stream, used);
	if (want && c->stream.in_len && !c->closing) {
		feed_kind(c, CONTROL_ARRIVED);
	}
	if (!stream_fit(&c->stream, want)) {
		c->closing = c->eof = true;
	}
}

/* After everything: send, and wait for what comes next. May free the connection. */
static void finish(struct conn *c)
{
	bool flushed = stream_flush(&c->stream);

	if (flushed && c->control.blocked) {
		feed_kind(c, CONTROL_FLUSHED);
		digest(c);
		flushed = stream_flush(&c->stream);
	}
	if (!flushed && !c->control.blocked) {
		feed_kind(c, CONTROL_BLOCKED);
	}
	if (c->closing && c->control.state != CONTROL_CLOSING && c->control.state != CONTROL_DEAD) {
		feed_kind(c, CONTROL_PEER_GONE);
	}
	if (c->closing && (flushed || c->control.state == CONTROL_DEAD)) {
		linger(c);
		return;
	}
	if (c->eof && flushed) {
		free_conn(c);
		return;
	}
	/* Read only where there is room: none may be left while an answer is waited for. */
	watch(c, !flushed ? EV_WRITE : c->stream.in_len < c->stream.in_size ? EV_READ : 0);
}

void conn_go_on(struct conn *c)
{
	digest(c);
	finish(c);
}

static void discard(struct conn *c)
{
	ssize_t n = recv(c->stream.fd, c->stream.in, c->stream.in_size, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
		free_conn(c);
	}
}

static void on_io(struct ev_loop *loop, ev_io *w, int events)
{
	struct conn *c = w->data;

	if (c->lingering) {
		discard(c);
		return;
	}
	if ((events & EV_READ) && !stream_read(&c->stream)) {
		digest(c);
		c->eof = true;
		feed_kind(c, CONTROL_PEER_GONE);
	} else if (events & EV_READ) {
		digest(c);
	}
	finish(c);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct conn *c = w->data;
	struct mono now = server_mono();

	if (c->lingering) {
		free_conn(c);
		return;
	}
	if (c->deadline.ns == CONTROL_NEVER) {
		return;
	}
	if (now.ns < c->deadline.ns) { /* it was put off meanwhile */
		ev_timer_set(w, (double)(c->deadline.ns - now.ns) / 1e9, 0.);
		ev_timer_start(loop, w);
		return;
	}
	feed_kind(c, CONTROL_DEADLINE);
	conn_go_on(c);
}

/* --- the beginning -------------------------------------------------------------------- */

/* C-085: an IPv4 address of this host, for IPv6 without one the end of its address. */
static void choose_sid_address(struct control *c, const struct server *s)
{
	static const uint8_t none[4];

	if (c->local.family == 4 && c->local.ip[0] != 127) {
		memcpy(c->sid_ipv4, c->local.ip, 4);
	} else if (memcmp(s->host_ipv4, none, 4) != 0) {
		memcpy(c->sid_ipv4, s->host_ipv4, 4);
	} else {
		memcpy(c->sid_ipv4, c->local.family == 4 ? c->local.ip : c->local.ip + 12, 4);
	}
}

/*
 * Who takes a place and does nothing with it must not keep others out. What has come meanwhile is
 * answered first; false if that shows that the place is used after all.
 */
static bool evict(struct conn *c)
{
	if (!c->lingering && stream_read(&c->stream)) {
		digest(c);
		if (!c->closing && c->control.state != CONTROL_GREETED) {
			finish(c);
			return false;
		}
		(void)stream_flush(&c->stream);
	}
	report_crowded(c->server->log, &c->control.remote);
	free_conn(c);
	return true;
}

/* Two for one, so that there is an end to it when they are too many. */
static void make_way(const struct conn *c)
{
	for (int i = 0; i < 2; i++) {
		struct conn *surplus;

		server_load_measure(c->server);
		surplus = evict_surplus(c);
		if (!surplus || !evict(surplus)) {
			return;
		}
	}
}

bool conn_make_room(struct server *s)
{
	struct conn *c = evict_any(s);

	return c && evict(c);
}

static bool prepare(struct conn *c, const struct address *remote)
{
	struct server *s = c->server;
	struct address local;

	if (endpoint_bound(c->stream.fd, &local)) {
		return false;
	}
	control_init(&c->control, &local, remote, &s->admit, &c->standing->client->admit);
	c->control.start_time = s->start_time;
	choose_sid_address(&c->control, s);
	host_tune_tcp(c->stream.fd);
	return true;
}

void conn_enlist(struct conn *c)
{
	struct server *s = c->server;

	standing_join(c->standing, c);
	/* The kernel binds a connection between link-local addresses to their interface, which
	 * their scope says already. */
	c->device = address_is_link_local(&c->control.remote) ? 0 : device_of(c->stream.fd);
	c->deadline.ns = CONTROL_NEVER;
	ev_init(&c->timer, on_timer);
	ev_io_init(&c->io, on_io, c->stream.fd, EV_READ);
	c->timer.data = c->io.data = c;
	c->since = server_mono();
	roll_add(&s->conns, &c->node);
}

static struct conn *allocate(struct server *s, const struct address *remote)
{
	struct conn *c = NULL;

	do {
		struct standing *standing = standing_new(s, remote);

		if (standing) {
			c = calloc(1, sizeof *c);
		}
		if (c) {
			c->standing = standing;
		} else {
			standing_put(s, standing);
		}
	} while (!c && memory_lend());
	return c;
}

bool conn_new(struct server *s, int fd, const union endpoint *peer)
{
	struct control_in opened = { .kind = CONTROL_OPENED };
	struct address remote = endpoint_address(peer);
	struct conn *c;

	if (memory_is_low() && s->idlers.n + s->refused.n >= CROWD_LOW) {
		(void)conn_make_room(s);
	}
	c = allocate(s, &remote);
	if (!c) {
		report_crowded(s->log, &remote);
		goto fail;
	}
	c->server = s;
	c->standing->client->seen = server_wall();
	stream_init(&c->stream, fd);
	if (getrandom(opened.random, sizeof opened.random, 0) != sizeof opened.random ||
	    !prepare(c, &remote)) {
		goto fail;
	}
	conn_enlist(c);
	make_way(c);
	evict_sort(c);
	server_load_measure(s);
	conn_feed(c, &opened);
	finish(c);
	return !s->admit.descriptors_low && s->admit.connections < s->admit.max_connections;
fail:
	if (c) {
		standing_put(s, c->standing);
	}
	free(c);
	close(fd);
	return false;
}

void conn_shutdown_all(struct server *s)
{
	for (struct conn *c = conn_first(s), *next; c; c = next) {
		next = conn_next(c);
		if (c->lingering) {
			continue;
		}
		feed_kind(c, CONTROL_SHUTDOWN);
		c->eof = true; /* do not linger */
		finish(c);
	}
}

void conn_settings_changed(struct server *s)
{
	standing_recount(s);
	session_orders_recount(s);
	for (struct conn *c = conn_first(s); c; c = conn_next(c)) {
		if (!c->lingering) {
			c->control.barred = standing_judge(s, c);
			feed_kind(c, CONTROL_POLICY);
		}
	}
}

void conn_free_all(struct server *s)
{
	for (struct conn *c = conn_first(s), *next; c; c = next) {
		next = conn_next(c);
		free_conn(c);
	}
}

bool conn_at_rest(const struct conn *c)
{
	return !c->lingering && !c->closing && !c->eof && c->control.state < CONTROL_CLOSING;
}
