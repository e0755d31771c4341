// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/shared.h"
#include "base/clock.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

static struct shared_link *link_of_claim(struct hashmap_node *n)
{
	return (struct shared_link *)(void *)((char *)n - offsetof(struct shared_link, claim));
}

/* What the kernel thinks of the two addresses, and the largest reply that needs no fragments. */
static int probe(const struct session_spec *spec, uint32_t *run_octets)
{
	int fd = socket(spec->local.family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0) {
		return -errno;
	}
	error = sock_bind(fd, &spec->local, 0);
	error = error ? error : udpsock_connect(fd, spec);
	*run_octets = error ? 0 : sock_unfragmented(fd);
	close(fd);
	return error;
}

static int check_size(const struct udpsock_defaults *b, const struct session_spec *spec)
{
	size_t octets = pkt_send_len(pkt_layout(spec->modes), spec->padding);
	int need = (int)octets * 4; /* room for two, as udpsock_open has it */

	if (octets > (spec->local.family == 4 ? PKT_MAX_PAYLOAD_V4 : PKT_MAX_PAYLOAD_V6)) {
		return -EMSGSIZE;
	}
	return b->rcvbuf < need || b->sndbuf < need ? -EMSGSIZE : 0;
}

/* the session that has these addresses at @p. @code: the hash of @key, which is made theirs. */
static struct shared_link *holder(const struct reflector *r, const struct shared_port *p,
				  struct udp_tuple *key, uint32_t *code)
{
	key->at = p->port;
	*code = shared_hash(r->shared->seed, key);
	for (struct hashmap_node *n = hashmap_first(&r->shared->claims, *code); n; n = n->next) {
		struct shared_link *l = link_of_claim(n);

		if (n->hash == *code && !memcmp(&l->session->tuple, key, sizeof(*key))) {
			return l;
		}
	}
	return NULL;
}

/* It may be had, but not for this once: said once. What else is wrong is the caller's. */
static int excuse(struct reflector *r, uint16_t port, int error)
{
	if (error != -EACCES && error != -EPERM && error != -EADDRINUSE) {
		return error;
	}
	for (unsigned i = 0; i < r->shared->n_also; i++) {
		if (r->shared->also[i].port == port && !r->shared->also[i].told) {
			r->shared->also[i].told = true;
			if (r->config.also_refused) {
				r->config.also_refused(r->config.context, port, error);
			}
		}
	}
	return 0;
}

static void take_back(struct reflector *r, uint16_t port)
{
	for (unsigned i = 0; i < r->shared->n_also; i++) {
		if (r->shared->also[i].port == port) {
			r->shared->also[i].told = false;
		}
	}
}

/* Is it a port that who asks for it may have? */
static bool is_granted(const struct reflector *r, const struct shared_port *p)
{
	return p->permanent || portmap_is_reserved(&r->ports, p->port);
}

/* The port that was asked for; *out stays NULL if it cannot be had. */
static int want(struct reflector *r, const struct session_spec *spec, struct shared_port **out)
{
	uint16_t port = spec->local.port;
	struct shared_port *p = shared_port(r, spec->local.family, port);
	int error;

	if (p && is_granted(r, p)) {
		*out = p;
	}
	if (p || !portmap_is_reserved(&r->ports, port)) {
		return 0;
	}
	error = shared_port_open(r, udp_pick(r), spec->local.family, port, out);
	if (error) {
		return excuse(r, port, error);
	}
	take_back(r, port);
	return 0;
}

/* Of the permanent ports the one whose thread has the fewest sessions. */
static int least(const struct reflector *r, uint8_t family, struct udp_tuple *key,
		 struct shared_port **out)
{
	struct shared_port *best = NULL;
	bool any = false;
	uint32_t code;

	for (struct shared_port *p = r->shared->ports; p; p = p->next) {
		if (!p->permanent || p->family != family) {
			continue;
		}
		any = true;
		if ((!best || p->worker->sessions < best->worker->sessions) &&
		    !holder(r, p, key, &code)) {
			best = p;
		}
	}
	*out = best;
	return best ? 0 : any ? -EEXIST : -EAFNOSUPPORT;
}

/* the wanted port, else one of the threads' own. */
static int choose(struct reflector *r, const struct session_spec *spec, struct udp_tuple *key,
		  struct shared_port **out)
{
	struct shared_port *wanted = NULL;
	int error = want(r, spec, &wanted);
	uint32_t code;

	if (error) {
		return error;
	}
	if (wanted && !holder(r, wanted, key, &code)) {
		*out = wanted;
		return 0;
	}
	if (wanted && !wanted->permanent) {
		return -EEXIST;
	}
	return r->config.shared.on ? least(r, spec->local.family, key, out) : -ENOENT;
}

/* To be undone by shared_release and shared_leave. */
static int claim(struct reflector *r, const struct session_spec *spec, struct shared_port *p,
		 struct udp_session *u)
{
	struct shared_link *l = u->link;
	struct worker *w = p->worker;
	uint32_t code;
	int error = check_size(&p->buffers, spec);

	if (!error && holder(r, p, &l->session->tuple, &code)) {
		error = -EEXIST;
	}
	error = error ? error : hashmap_reserve(&r->shared->claims, r->open + 1);
	error = error ? error : hashmap_reserve(&w->shared->sessions, w->sessions + 1);
	if (!error && pkt_layout(spec->modes)->tos) {
		atomic_store_explicit(&p->tos_wanted, true, memory_order_relaxed);
		error = sock_tell_tos(p->fd, p->family == 4 ? AF_INET : AF_INET6, true);
	}
	if (error) {
		return error;
	}
	u->worker = w;
	u->fd = p->fd;
	u->port = p->port;
	(void)sock_read_drops(p->fd, &u->drops_seen);
	hashmap_put(&r->shared->claims, &l->claim, code);
	return 0;
}

static int make_link(struct udp_session *u)
{
	u->party.hot.gated = true;
	u->link = calloc(1, sizeof(*u->link));
	if (!u->link) {
		return -ENOMEM;
	}
	u->link->session = u;
	return 0;
}

/* With a session it is held from here on, whatever becomes of that. */
static int settle(struct reflector *r, const struct session_spec *spec, struct shared_port *p,
		  struct udp_session *u)
{
	int error;

	shared_port_join(p);
	error = make_link(u);
	if (error) {
		shared_port_leave(p);
		return error;
	}
	u->link->port = p;
	return claim(r, spec, p, u);
}

static int open_one(struct reflector *r, const struct session_spec *spec, uint16_t first,
		    uint16_t last, struct udp_session *u)
{
	struct udp_tuple key = udp_tuple_of(spec);
	struct shared_port *p = NULL;
	int error;

	if (!r->config.shared.on && !portmap_is_reserved(&r->ports, spec->local.port)) {
		return -ENOENT;
	}
	error = udpsock_check_local(r->keeper, &spec->local, 0);
	error = error ? error : probe(spec, &u->party.run_octets);
	error = error ? error : choose(r, spec, &key, &p);
	return error ? error : settle(r, spec, p, u);
}

static int adopt(struct reflector *r, const struct session_spec *spec, uint16_t port, int fd,
		 struct udp_session *u)
{
	struct shared_port *p = shared_port(r, spec->local.family, port);
	int error = p ? 0 : shared_port_open(r, udp_pick(r), spec->local.family, port, &p);

	(void)probe(spec, &u->party.run_octets); /* a route may come back */
	return error ? error : settle(r, spec, p, u);
}

static void leave(struct udp_session *u)
{
	if (u->link && u->link->port) {
		shared_port_leave(u->link->port);
	}
	free(u->link);
	u->link = NULL;
}

struct udp_session *udp_rival(const struct reflector *r, const struct session_spec *spec,
			      const struct udp_session *u)
{
	struct udp_tuple key = udp_tuple_of(spec);
	struct shared_port *p = u ? u->link->port->next : r->shared->ports;
	uint32_t code;

	for (; p; p = p->next) {
		bool asked = p->port == spec->local.port && is_granted(r, p);
		struct shared_link *l;

		if (p->family == spec->local.family && (asked || p->permanent)) {
			l = holder(r, p, &key, &code);
			if (l) {
				return l->session;
			}
		}
	}
	return NULL;
}

void reflector_also(struct reflector *r, const uint16_t *ports, unsigned n)
{
	struct shared *s = r->shared;
	unsigned old = s->n_also;

	n = n < REFLECTOR_ALSO_MAX ? n : REFLECTOR_ALSO_MAX;
	portmap_reserve(&r->ports, ports, n);
	for (unsigned i = 0; i < n; i++) {
		bool told = i < old && s->also[i].port == ports[i] && s->also[i].told;

		s->also[i].port = ports[i];
		s->also[i].told = told;
	}
	s->n_also = n;
}

/* --- seen from the session ---------------------------------------------------------------- */

static void publish(struct udp_session *u)
{
	struct shared_worker *sw = u->worker->shared;
	struct shared_link *l = u->link;

	l->next_new = atomic_load_explicit(&sw->fresh, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&sw->fresh, &l->next_new, l,
						      memory_order_release, memory_order_relaxed)) {
	}
	ev_async_send(u->worker->loop, &u->worker->wakeup);
}

static int start(struct udp_session *u)
{
	atomic_store_explicit(&u->since_ns, clock_mono().ns, memory_order_release);
	return 0;
}

/* at once. Its thread takes it out of the table. */
static bool mute(struct udp_session *u)
{
	atomic_store_explicit(&u->since_ns, UDP_GONE, memory_order_relaxed);
	udp_release(u);
	return true;
}

static void release(struct udp_session *u)
{
	hashmap_remove(&u->reflector->shared->claims, &u->link->claim);
}

static int descriptor(const struct udp_session *u)
{
	return -1;
}

static void carry_gate(struct carry *c, struct udp_session *u)
{
	int64_t since_ns = atomic_load(&u->since_ns);

	CARRY(c, since_ns);
	atomic_store(&u->since_ns, since_ns);
}

static void watch(struct worker *w, struct udp_session *u,
		  void (*readable)(struct ev_loop *loop, ev_io *io, int events))
{
	/* the port is watched */
}

static enum reflect_result burst(struct worker *w, struct udp_session *u)
{
	return shared_burst(w, u->link->port);
}

static void let_go(struct worker *w, struct udp_session *u)
{
	uint32_t drops;

	if (sock_read_drops(u->fd, &drops)) {
		counters_add(&u->party.rare, COUNTER_PORT_RCVBUF,
			     sock_new_drops(&u->drops_seen, drops));
	}
	shared_remove(w, u);
}

const struct port_ops shared_ops = {
	.open = open_one,
	.adopt = adopt,
	.publish = publish,
	.start = start,
	.mute = mute,
	.release = release,
	.leave = leave,
	.descriptor = descriptor,
	.carry = carry_gate,
	.watch = watch,
	.burst = burst,
	.let_go = let_go,
};
