// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/estimate.h"
#include "daemon/reflector/shared.h"
#include "daemon/reflector/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define TRIES_MAX 512 /* ports that may be found taken for one request: about a millisecond */

/* the wanted port, else any of the range that nobody else has. When others of
 * this host have very many, the next request goes on where this one gave up. In a VRF the ports of
 * reflector_also are such, too, and only one session has them. */
static int bind_port(struct reflector *r, int fd, const struct session_spec *spec, uint16_t first,
		     uint16_t last, uint16_t *out)
{
	uint16_t port = spec->local.port;
	struct port_search search;
	int error = -EADDRINUSE;

	if (((port >= first && port <= last) || port_is_reserved(&r->ports, port)) &&
	    !port_is_used(&r->ports, port)) {
		error = sock_bind(fd, &spec->local, port);
		error = error == -EACCES ? -EADDRINUSE : error; /* others may be allowed */
	}
	search = port_search(&r->ports, first, last);
	for (int i = 0; i < TRIES_MAX && error == -EADDRINUSE; i++) {
		port = port_next(&r->ports, &search);
		if (!port) {
			break;
		}
		port_pass(&r->ports, port);
		error = sock_bind(fd, &spec->local, port);
	}
	*out = port;
	return error;
}

struct worker *udp_pick(struct reflector *r)
{
	struct worker *best = &r->workers[0];

	for (unsigned i = 1; i < r->count; i++) {
		if (r->workers[i].sessions < best->sessions) {
			best = &r->workers[i];
		}
	}
	return best;
}

static int open_socket(struct reflector *r, const struct session_spec *spec, uint16_t first,
		       uint16_t last, struct udp_session *u)
{
	int error = sock_check_local(r->keeper, &spec->local, spec->device);

	if (error) {
		return error;
	}
	u->fd = sock_open(spec, !r->config.user_timestamps, &r->defaults, &u->rcvbuf);
	if (u->fd < 0) {
		return u->fd;
	}
	if (r->phc) {
		sock_ask_hardware(u->fd);
	}
	error = bind_port(r, u->fd, spec, first, last, &u->port);
	if (!error) {
		error = sock_connect(u->fd, spec);
	}
	if (error) {
		close(u->fd);
		return error;
	}
	port_take(&r->ports, u->port);
	u->worker = udp_pick(r);
	return 0;
}

/* The shared sockets are bound to no device: in a VRF a session has a port of its own. */
static int open_any(struct reflector *r, const struct session_spec *spec, uint16_t first,
		    uint16_t last, struct udp_session *u)
{
	int error = spec->device ? -ENOENT : shared_open(r, spec, u);

	return error == -ENOENT ? open_socket(r, spec, first, last, u) : error;
}

static void leave_place(struct udp_session *u)
{
	if (u->link) {
		shared_release(u);
	} else {
		port_release(&u->reflector->ports, u->port);
	}
	u->port = 0;
}

void udp_release(struct udp_session *u)
{
	if (!u->port) {
		return;
	}
	leave_place(u);
	u->reflector->open--;
	u->worker->sessions--;
}

void udp_free(struct udp_session *u)
{
	shared_leave(u);
	vault_give(&u->reflector->vault, u->crypt);
	free(u->link);
	free(u);
}

/* Memory for a session of @spec, nothing opened. */
static int allocate(struct reflector *r, struct udp_session **out, const struct session_spec *spec,
		    void *owner)
{
	struct udp_session *u = calloc(1, sizeof(*u));

	if (!u) {
		return -ENOMEM;
	}
	u->reflector = r;
	u->encrypted = spec->modes & MODE_ENCRYPTED;
	u->keyed = u->encrypted || (spec->modes & MODE_AUTHENTICATED);
	if (u->keyed) {
		u->crypt = vault_take(&r->vault);
	}
	if (u->keyed && !u->crypt) {
		free(u);
		return -ENOMEM;
	}
	u->layout = pkt_layout(spec->modes);
	u->format = spec->modes & MODE_PTP ? TS_PTP : TS_NTP;
	u->refwait_ns = spec->refwait_ns;
	u->police.packet_rate = spec->packet_rate;
	u->police.octet_rate = spec->octet_rate;
	u->owner = owner;
	*out = u;
	return 0;
}

/* It has a thread and a port: one of the reflector's sessions from now on. */
static void enlist(struct reflector *r, struct udp_session *u)
{
	u->next = r->sessions;
	if (u->next) {
		u->next->prev = u;
	}
	r->sessions = u;
	r->open++;
	u->worker->sessions++;
}

int udp_open(struct reflector *r, const struct session_spec *spec, uint16_t port_first,
	     uint16_t port_last, void *owner, struct udp_session **out, uint16_t *port)
{
	struct udp_session *u;
	int error;

	if (!port_first || port_first > port_last || spec->local.family != spec->remote.family) {
		return -EINVAL;
	}
	error = allocate(r, &u, spec, owner);
	if (error) {
		return error;
	}
	error = open_any(r, spec, port_first, port_last, u);
	if (error) {
		udp_free(u);
		return error;
	}
	enlist(r, u);
	*out = u;
	*port = u->port;
	if (u->link) {
		(void)sock_read_drops(u->fd, &u->drops_seen);
		shared_publish(u);
	}
	return 0;
}

void udp_police(struct udp_session *u, struct police_total *total)
{
	atomic_store_explicit(&u->total, total, memory_order_release);
}

int udp_start(struct udp_session *u, const struct crypt_keys *keys,
	      const uint8_t sid[static MSG_SID_LEN])
{
	uint64_t dropped = 0;
	int error = 0;

	if (u->started) {
		return -EALREADY;
	}
	if (!u->link) {
		error = sock_release(u->fd, u->rcvbuf, &dropped, &u->drops_seen);
		u->run_octets = sock_unfragmented(u->fd);
		u->reflector->early += dropped;
		counters_add(&u->counters, COUNTER_RECEIVED, dropped);
		counters_add(&u->counters, COUNTER_DROP_EARLY, dropped);
	}
	if (error) {
		return error;
	}
	if (u->keyed) {
		crypt_test_init(u->crypt, keys, sid);
	}
	u->started = true;
	if (u->link) {
		shared_start(u);
	}
	worker_order(u, WORKER_START, (struct mono){ 0 });
	return 0;
}

/* --- for the next process ------------------------------------------------------------- */

void udp_carry(struct carry *c, struct udp_session *u)
{
	int64_t since_ns = u->link ? atomic_load(&u->link->since_ns) : SHARED_SHUT;

	if (u->keyed) {
		CARRY(c, u->crypt->keys.aes);
		CARRY(c, u->crypt->keys.hmac);
	}
	CARRY(c, u->rcvbuf);
	CARRY(c, u->drops_seen);
	u->started = carry_small(c, u->started, 1);
	u->stopping = carry_small(c, u->stopping, 1);
	CARRY(c, u->last_packet.ns);
	CARRY(c, u->stop_at.ns);
	CARRY(c, u->seq);
	CARRY(c, since_ns);
	flow_carry(c, &u->flow);
	counters_carry(c, &u->counters);
	if (u->link) {
		atomic_store(&u->link->since_ns, since_ns);
	}
}

struct udp_session *udp_next(const struct reflector *r, const struct udp_session *u)
{
	return u ? u->next : r->sessions;
}

void *udp_owner(const struct udp_session *u)
{
	return u->owner;
}

int udp_fd(const struct udp_session *u)
{
	return u->link ? -1 : u->fd;
}

/* The place that it had. */
static int take_place(struct reflector *r, const struct session_spec *spec, uint16_t port, int fd,
		      struct udp_session *u)
{
	if (fd >= 0) {
		if (!port || port_is_used(&r->ports, port)) {
			return -EADDRINUSE;
		}
		port_take(&r->ports, port);
		u->port = port;
		u->fd = fd;
		u->worker = udp_pick(r);
		u->run_octets = sock_unfragmented(fd);
		return 0;
	}
	return shared_adopt(r, spec, port, u);
}

static void resume(struct udp_session *u)
{
	struct crypt_keys own;
	uint32_t drops;

	/* Its port has another socket than before, which counts from 0 on. */
	if (sock_read_drops(u->fd, &drops) && drops - u->drops_seen > INT32_MAX) {
		u->drops_seen = drops;
	}

	if (u->keyed) {
		own = u->crypt->keys;
		crypt_test_resume(u->crypt, &own);
		crypt_keys_wipe(&own);
	}
	if (u->link) {
		shared_publish(u);
	}
	if (u->started) {
		worker_order(u, WORKER_START, (struct mono){ 0 });
	}
}

int udp_adopt(struct reflector *r, const struct session_spec *spec, uint16_t port, int fd,
	      struct carry *c, void *owner, struct police_total *total, struct udp_session **out)
{
	struct udp_session *u = NULL;
	int error = allocate(r, &u, spec, owner);

	if (!error) {
		error = take_place(r, spec, port, fd, u);
	}
	if (!error) {
		udp_carry(c, u);
		if (c->bad) {
			leave_place(u);
			error = -EINVAL;
		}
	}
	if (error) {
		if (u) {
			udp_free(u);
		}
		if (fd >= 0) {
			close(fd);
		}
		return error;
	}
	if (fd >= 0 && r->phc) {
		sock_ask_hardware(fd);
	}
	u->total = total;
	enlist(r, u);
	resume(u);
	*out = u;
	return 0;
}

/* Never started: no thread knows it, or all that it knows is to drop its packets. */
static void bury(struct udp_session *u)
{
	u->started = true;
	if (u->link) {
		shared_mute(u);
		udp_release(u); /* at once */
		worker_order(u, WORKER_END, (struct mono){ 0 });
		return;
	}
	if (worker_bury(u)) {
		close(u->fd);
		udp_release(u);
		ev_async_send(u->reflector->loop, &u->reflector->wakeup);
	}
}

void udp_stop(struct udp_session *u, int64_t timeout_ns)
{
	struct mono at = estimate_mono();

	if (!u->started) {
		bury(u);
		return;
	}
	if (__builtin_add_overflow(at.ns, timeout_ns > 0 ? timeout_ns : 0, &at.ns)) {
		at.ns = INT64_MAX - 1;
	}
	worker_order(u, WORKER_STOP, at);
}

void udp_end(struct udp_session *u)
{
	if (!u->started) {
		bury(u);
		return;
	}
	if (u->link) {
		shared_mute(u);
		udp_release(u);
	}
	worker_order(u, WORKER_END, (struct mono){ 0 });
}

void udp_counters(const struct udp_session *u, struct counters_values *out)
{
	counters_read(&u->counters, out);
}
