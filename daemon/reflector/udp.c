// SPDX-License-Identifier: BSD-2-Clause
#include "base/clock.h"
#include "daemon/reflector/estimate.h"
#include "daemon/reflector/port_ops.h"
#include "daemon/reflector/worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

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

struct udp_tuple udp_tuple_of(const struct session_spec *spec)
{
	struct udp_tuple t = { .port = htons(spec->remote.port) };

	memcpy(t.local, spec->local.ip, sizeof(t.local));
	memcpy(t.remote, spec->remote.ip, sizeof(t.remote));
	if (spec->local.family == 4) {
		t.scope = UDP_IPV4;
	} else if (address_is_link_local(&spec->remote)) {
		t.scope = spec->remote.scope ? spec->remote.scope : spec->local.scope;
	}
	return t;
}

/* The shared sockets are bound to no device: in a VRF a session has a port of its own. */
static int open_any(struct reflector *r, const struct session_spec *spec, uint16_t first,
		    uint16_t last, struct udp_session *u)
{
	int error = -ENOENT;

	if (!spec->device) {
		u->ops = &shared_ops;
		error = u->ops->open(r, spec, first, last, u);
	}
	if (error == -ENOENT) {
		u->ops = &ownport_ops;
		error = u->ops->open(r, spec, first, last, u);
	}
	return error;
}

void udp_release(struct udp_session *u)
{
	if (!u->port) {
		return;
	}
	u->ops->release(u);
	u->port = 0;
	u->reflector->open--;
	u->worker->sessions--;
}

void udp_free(struct udp_session *u)
{
	u->ops->leave(u);
	vault_give(&u->reflector->vault, u->party.rules.crypt);
	free(u);
}

/* Memory for a session of @spec, nothing opened. */
static int allocate(struct reflector *r, struct udp_session **out, const struct session_spec *spec,
		    void *owner)
{
	struct crypt_test *crypt = NULL;
	struct udp_session *u;
	void *octets;

	if (posix_memalign(&octets, UDP_LINE, sizeof(*u))) {
		return -ENOMEM;
	}
	u = memset(octets, 0, sizeof(*u));
	if (spec->modes & (MODE_AUTHENTICATED | MODE_ENCRYPTED)) {
		crypt = vault_take(&r->vault);
		if (!crypt) {
			free(u);
			return -ENOMEM;
		}
	}
	u->reflector = r;
	u->party.rules = reflection_session(spec->modes, crypt);
	u->party.tos = (uint8_t)((spec->dscp & 0x3f) << 2);
	u->refwait_ns = spec->refwait_ns;
	u->party.hot.police.packet_rate = spec->packet_rate;
	u->party.hot.police.octet_rate = spec->octet_rate;
	u->owner = owner;
	u->ops = &ownport_ops; /* until it has another */
	u->tuple = udp_tuple_of(spec);
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
	u->party.sums = &u->worker->totals;
	u->tuple.at = u->port;
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
	u->ops->publish(u);
	return 0;
}

void udp_police(struct udp_session *u, struct police_total *total)
{
	atomic_store_explicit(&u->party.total, total, memory_order_release);
}

void udp_class(struct udp_session *u, struct class_sums *sums)
{
	struct class_row *row = sums ? class_sums_row(sums,
						      (unsigned)(u->worker - u->reflector->workers))
				     : NULL;

	atomic_store_explicit(&u->party.class, row, memory_order_release);
}

int udp_start(struct udp_session *u, const struct crypt_keys *keys,
	      const uint8_t sid[static MSG_SID_LEN])
{
	int error;

	if (u->started) {
		return -EALREADY;
	}
	if (u->party.rules.crypt) {
		crypt_test_init(u->party.rules.crypt, keys, sid);
	}
	error = u->ops->start(u);
	if (error) {
		return error;
	}
	u->started = true;
	worker_order(u, WORKER_START, (struct mono){ 0 });
	return 0;
}

/* --- for the next process ------------------------------------------------------------- */

static void carry_counters(struct carry *c, struct udp_session *u)
{
	struct counters_values v = { 0 };

	if (c->way != CARRY_LOAD) {
		udp_read(u, &v);
	}
	counters_carry(c, &v);
	if (c->way == CARRY_LOAD) {
		party_add(&u->party, &v);
	}
}

void udp_carry(struct carry *c, struct udp_session *u)
{
	if (u->party.rules.crypt) {
		CARRY(c, u->party.rules.crypt->keys.aes);
		CARRY(c, u->party.rules.crypt->keys.hmac);
	}
	CARRY(c, u->drops_seen);
	u->started = carry_small(c, u->started, 1);
	u->party.hot.stopping = carry_small(c, u->party.hot.stopping, 1);
	CARRY(c, u->party.hot.last_packet.ns);
	CARRY(c, u->party.hot.stop_at.ns);
	CARRY(c, u->party.hot.seq);
	forward_carry(c, &u->forward);
	carry_counters(c, u);
	u->ops->carry(c, u);
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
	return u->ops->descriptor(u);
}

static void resume(struct udp_session *u)
{
	struct crypt_keys own;
	uint32_t drops;

	/* Its port has another socket than before, which counts from 0 on. */
	if (sock_read_drops(u->fd, &drops) && drops - u->drops_seen > INT32_MAX) {
		u->drops_seen = drops;
	}

	if (u->party.rules.crypt) {
		own = u->party.rules.crypt->keys;
		crypt_test_resume(u->party.rules.crypt, &own);
		crypt_keys_wipe(&own);
	}
	u->ops->publish(u);
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
		u->ops = fd >= 0 ? &ownport_ops : &shared_ops;
		error = u->ops->adopt(r, spec, port, fd, u);
	}
	if (!error) {
		udp_carry(c, u);
		if (c->bad) {
			u->ops->release(u);
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
	u->party.total = total;
	enlist(r, u);
	resume(u);
	*out = u;
	return 0;
}

void udp_stop(struct udp_session *u, int64_t timeout_ns)
{
	struct mono at = clock_mono();

	if (!u->started) {
		udp_end(u);
		return;
	}
	if (__builtin_add_overflow(at.ns, timeout_ns > 0 ? timeout_ns : 0, &at.ns)) {
		at.ns = INT64_MAX - 1;
	}
	worker_order(u, WORKER_STOP, at);
}

void udp_end(struct udp_session *u)
{
	bool known = u->ops->mute(u);

	u->started = true;
	if (known) {
		worker_order(u, WORKER_END, (struct mono){ 0 });
	}
}

void udp_read(const struct udp_session *u, struct counters_values *out)
{
	party_read(&u->party, out);
	out->n[COUNTER_LAST_SEQ] = __atomic_load_n(&u->forward.flow.last, __ATOMIC_RELAXED);
	out->n[COUNTER_MAX_SEQ] = __atomic_load_n(&u->forward.flow.max, __ATOMIC_RELAXED);
}

void udp_counters(const struct udp_session *u, struct counters_values *out)
{
	udp_read(u, out);
}

struct mono udp_last_packet(const struct udp_session *u)
{
	return (struct mono){ __atomic_load_n(&u->party.hot.last_packet.ns, __ATOMIC_RELAXED) };
}

void udp_forward(const struct udp_session *u, struct forward *out)
{
	forward_read(&u->forward, out);
}
