// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/conn.h"

#include "base/clock.h"
#include "base/device.h"
#include "base/endpoint.h"
#include "daemon/server/conns.h"
#include "daemon/server/evict.h"
#include "daemon/server/host.h"
#include "daemon/server/memory.h"
#include "daemon/server/report.h"
#include "daemon/server/session_orders.h"
#include "daemon/server/standing.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define IDLE_LOW 32 /* unused or refused connections while memory is short */
#define LINGER_S 2. /* for a client to take the last answer before the socket is closed */

/* --- the end -------------------------------------------------------------------------- */

static void free_conn(struct conn *c)
{
	struct conns *cs = c->conns;

	session_orders_forget(c);
	control_wipe(&c->control);
	ev_io_stop(cs->loop, &c->io);
	ev_timer_stop(cs->loop, &c->timer);
	roll_remove(&cs->all, &c->node);
	if (c->control.counted) {
		admit_connection_end(&cs->admit, c->control.charged, c->control.client);
	}
	evict_leave(c);
	c->standing->conn = NULL;
	standing_put(cs, c->standing);
	stream_close(&c->stream);
	vault_give(&cs->keyed, c->control.keyed);
	free(c);
	if (cs->gone) {
		cs->gone(cs->context);
	}
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
	c->deadline.ns = clock_mono().ns + (int64_t)(LINGER_S * 1e9);
	ev_timer_stop(c->conns->loop, &c->timer);
	ev_timer_set(&c->timer, LINGER_S, 0.);
	ev_timer_start(c->conns->loop, &c->timer);
	ev_io_stop(c->conns->loop, &c->io);
	ev_io_set(&c->io, c->stream.fd, EV_READ);
	ev_io_start(c->conns->loop, &c->io);
}

/* --- output --------------------------------------------------------------------------- */

static void watch(struct conn *c, int events)
{
	if (events == (c->io.events & (EV_READ | EV_WRITE)) && ev_is_active(&c->io)) {
		return;
	}
	ev_io_stop(c->conns->loop, &c->io);
	ev_io_set(&c->io, c->stream.fd, events);
	if (events) {
		ev_io_start(c->conns->loop, &c->io);
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
	ev_timer_stop(c->conns->loop, &c->timer);
	ev_timer_set(&c->timer, (double)(deadline.ns - now.ns) / 1e9, 0.);
	ev_timer_start(c->conns->loop, &c->timer);
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

static void report(struct conn *c, const struct control_out *out)
{
	const struct conns *cs = c->conns;
	const struct reached_rules rules = { cs->settings, c->standing->class, standing_policy(c) };

	report_control(cs->log, &c->control, &rules, out);
	refusals_note(cs->refusals, &c->control, &rules, out, &c->standing->use->tally,
		      c->standing->client, clock_wall());
}

void conn_feed(struct conn *c, struct control_in *in)
{
	struct control_out out = { 0 };
	struct mono now;

	do {
		if (!conns_fit_scratch(c->conns, control_room(&c->control, in->kind))) {
			c->closing = c->eof = true; /* finish() says so to the control side */
			return;
		}
		out.octets = c->conns->scratch;
		out.size = c->conns->scratch_octets;
		now = clock_mono();
		control_feed(&c->control, standing_policy(c), in, now, &out);
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

	conns_measure(c->conns);

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
	struct mono now = clock_mono();

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
static void choose_sid_address(struct control *c, const struct conns *cs)
{
	static const uint8_t none[4];

	if (c->local.family == 4 && c->local.ip[0] != 127) {
		memcpy(c->sid_ipv4, c->local.ip, 4);
	} else if (memcmp(cs->host_ipv4, none, 4) != 0) {
		memcpy(c->sid_ipv4, cs->host_ipv4, 4);
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
	report_crowded(c->conns->log, &c->control.remote);
	free_conn(c);
	return true;
}

/* Two for one, so that there is an end to it when they are too many. */
static void make_way(const struct conn *c)
{
	for (int i = 0; i < 2; i++) {
		struct conn *surplus;

		conns_measure(c->conns);
		surplus = evict_surplus(c);
		if (!surplus || !evict(surplus)) {
			return;
		}
	}
}

bool conn_make_room(struct conns *cs)
{
	struct conn *c = evict_any(cs);

	return c && evict(c);
}

static bool prepare(struct conn *c, const struct address *remote)
{
	struct conns *cs = c->conns;
	struct address local;

	if (endpoint_bound(c->stream.fd, &local)) {
		return false;
	}
	control_init(&c->control, &local, remote, &cs->admit, &c->standing->client->admit);
	c->control.start_time = cs->start_time;
	choose_sid_address(&c->control, cs);
	host_tune_tcp(c->stream.fd);
	return true;
}

void conn_enlist(struct conn *c)
{
	struct conns *cs = c->conns;

	standing_join(c->standing, c);
	/* The kernel binds a connection between link-local addresses to their interface, which
	 * their scope says already. */
	c->device = address_is_link_local(&c->control.remote) ? 0 : device_of(c->stream.fd);
	c->deadline.ns = CONTROL_NEVER;
	ev_init(&c->timer, on_timer);
	ev_io_init(&c->io, on_io, c->stream.fd, EV_READ);
	c->timer.data = c->io.data = c;
	c->since = clock_mono();
	roll_add(&cs->all, &c->node);
}

static struct conn *allocate(struct conns *cs, const struct address *remote)
{
	struct conn *c = NULL;

	do {
		struct standing *standing = standing_new(cs, remote);

		if (standing) {
			c = calloc(1, sizeof *c);
		}
		if (c) {
			c->standing = standing;
		} else {
			standing_put(cs, standing);
		}
	} while (!c && memory_lend());
	return c;
}

bool conn_new(struct conns *cs, int fd, const union endpoint *peer)
{
	struct control_in opened = { .kind = CONTROL_OPENED };
	struct address remote = endpoint_address(peer);
	struct conn *c;

	if (memory_is_low() && cs->idlers.n + cs->refused.n >= IDLE_LOW) {
		(void)conn_make_room(cs);
	}
	c = allocate(cs, &remote);
	if (!c) {
		report_crowded(cs->log, &remote);
		goto fail;
	}
	c->conns = cs;
	c->standing->client->seen = clock_wall();
	stream_init(&c->stream, fd);
	if (getrandom(opened.random, sizeof opened.random, 0) != sizeof opened.random ||
	    !prepare(c, &remote)) {
		goto fail;
	}
	conn_enlist(c);
	make_way(c);
	evict_sort(c);
	conns_measure(cs);
	conn_feed(c, &opened);
	finish(c);
	return !cs->admit.descriptors_low && cs->admit.connections < cs->admit.max_connections;
fail:
	if (c) {
		standing_put(cs, c->standing);
	}
	free(c);
	close(fd);
	return false;
}

void conn_end(struct conn *c)
{
	if (!c->lingering) {
		feed_kind(c, CONTROL_SHUTDOWN);
		c->eof = true; /* do not linger */
		finish(c);
	}
}

void conn_shutdown_all(struct conns *cs)
{
	for (struct conn *c = conns_first(cs), *next; c; c = next) {
		next = conns_next(c);
		conn_end(c);
	}
}

void conn_settings_changed(struct conns *cs)
{
	standing_recount(cs);
	session_orders_recount(cs);
	for (struct conn *c = conns_first(cs); c; c = conns_next(c)) {
		if (!c->lingering) {
			c->control.barred = standing_judge(cs, c);
			feed_kind(c, CONTROL_POLICY);
		}
	}
}

void conn_free_all(struct conns *cs)
{
	for (struct conn *c = conns_first(cs), *next; c; c = next) {
		next = conns_next(c);
		free_conn(c);
	}
}

bool conn_at_rest(const struct conn *c)
{
	return !c->lingering && !c->closing && !c->eof && c->control.state < CONTROL_CLOSING;
}
