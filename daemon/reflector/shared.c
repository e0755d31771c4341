// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/shared.h"

#include "base/siphash.h"
#include "daemon/reflector/batch.h"
#include "daemon/reflector/reflect.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

static uint32_t hash(const uint64_t seed[static 2], const struct shared_key *key)
{
	uint64_t words[sizeof(*key) / sizeof(uint64_t)];

	memcpy(words, key, sizeof(words));
	return (uint32_t)siphash(seed, words, sizeof(words) / sizeof(words[0]));
}

/* --- the thread's side ------------------------------------------------------------------ */

static struct shared_link *link_of(struct index_node *n)
{
	return (struct shared_link *)(void *)n; /* its first member */
}
_Static_assert(offsetof(struct shared_link, node) == 0, "link_of");

static struct shared_link *link_of_claim(struct index_node *n)
{
	return (struct shared_link *)(void *)((char *)n - offsetof(struct shared_link, claim));
}

void shared_take_in(struct worker *w)
{
	struct shared_worker *sw = w->shared;
	struct shared_link *l;

	if (!sw || !atomic_load_explicit(&sw->fresh, memory_order_relaxed)) {
		return;
	}
	l = atomic_exchange_explicit(&sw->fresh, NULL, memory_order_acquire);
	while (l) {
		struct shared_link *next = l->next_new;

		index_put(&sw->sessions, &l->node, l->claim.hash);
		l = next;
	}
}

void shared_remove(struct worker *w, struct udp_session *u)
{
	index_remove(&w->shared->sessions, &u->link->node);
}

static struct udp_session *look_up(struct shared_worker *sw, const struct shared_key *key,
				   uint32_t code)
{
	for (struct index_node *n = index_first(&sw->sessions, code); n; n = n->next) {
		struct shared_link *l = link_of(n);

		/* one that is gone may have the same key, until its thread hears of it */
		if (n->hash == code && !memcmp(&l->key, key, sizeof(*key)) &&
		    atomic_load_explicit(&l->since_ns, memory_order_relaxed) != SHARED_GONE) {
			return l->session;
		}
	}
	return NULL;
}

/* Where it was sent to. False if that is not told. */
static bool take_local(struct msghdr *m, struct shared_key *key)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(key->local, CMSG_DATA(c) + offsetof(struct in_pktinfo, ipi_addr), 4);
			return true;
		}
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(key->local, CMSG_DATA(c) + offsetof(struct in6_pktinfo, ipi6_addr),
			       16);
			return true;
		}
	}
	return false;
}

static bool take_remote(const struct msghdr *m, struct shared_key *key)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	memcpy(&key->family, m->msg_name, sizeof(sa_family_t));
	if (key->family == AF_INET) {
		memcpy(&v4, m->msg_name, sizeof(v4));
		memcpy(key->remote, &v4.sin_addr, 4);
		key->port = v4.sin_port;
		return true;
	}
	memcpy(&v6, m->msg_name, sizeof(v6));
	memcpy(key->remote, &v6.sin6_addr, 16);
	key->port = v6.sin6_port;
	key->scope = IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) ? v6.sin6_scope_id : 0;
	return key->family == AF_INET6;
}

static struct udp_session *find(struct worker *w, const struct shared_key *key, uint32_t code)
{
	struct shared_worker *sw = w->shared;
	struct udp_session *u = look_up(sw, key, code);

	if (!u && atomic_load_explicit(&sw->fresh, memory_order_relaxed)) {
		shared_take_in(w);
		u = look_up(sw, key, code);
	}
	return u;
}

/* What a packet changes in its session. */
static void fetch(const struct udp_session *u)
{
	__builtin_prefetch(u);
	__builtin_prefetch(&u->police, 1);
	__builtin_prefetch(&u->window, 1);
	__builtin_prefetch(&u->counters.kernel_timestamps, 1);
	__builtin_prefetch(&u->counters.gaps, 1);
	__builtin_prefetch(&u->link->to);
	__builtin_prefetch(&u->link->name);
}

/* Thousands of sessions do not fit into the cache: each step asks for what the next one needs, for
 * all packets, instead of waiting for it once a packet. */
void shared_find(struct worker *w, struct mmsghdr *m, unsigned n, struct udp_session **found)
{
	struct shared_key keys[SHARED_FIND_MAX];
	uint32_t codes[SHARED_FIND_MAX];
	bool good[SHARED_FIND_MAX];

	memset(keys, 0, n * sizeof(keys[0]));
	for (unsigned i = 0; i < n; i++) {
		good[i] = take_remote(&m[i].msg_hdr, &keys[i]) &&
			  take_local(&m[i].msg_hdr, &keys[i]);
		codes[i] = hash(w->shared->seed, &keys[i]);
		index_fetch(&w->shared->sessions, codes[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		__builtin_prefetch(index_first(&w->shared->sessions, codes[i]));
	}
	for (unsigned i = 0; i < n; i++) {
		found[i] = good[i] ? find(w, &keys[i], codes[i]) : NULL;
		if (found[i]) {
			fetch(found[i]);
		}
	}
}

static void look(struct shared_socket *s)
{
	struct worker_totals *t = &s->worker->totals;
	uint32_t now, more;

	if (s->fd < 0 || !sock_read_drops(s->fd, &now)) {
		return;
	}
	more = sock_new_drops(&s->drops_seen, now);
	batch_count(&t->received, more);
	batch_count(&t->dropped[UDP_DROP_RCVBUF], more);
}

void shared_look(struct worker *w)
{
	if (w->shared) {
		look(&w->shared->v4);
		look(&w->shared->v6);
	}
}

/* --- the beginning and the end ------------------------------------------------------------ */

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct shared_socket *s = io->data;

	(void)reflect_shared(s->worker, s->fd);
}

static int open_one(struct reflector *r, struct worker *w, int family, uint16_t port)
{
	struct shared_socket *s = family == 4 ? &w->shared->v4 : &w->shared->v6;
	struct address any = { .family = (uint8_t)family, .port = port };
	int old = r->config.old ? r->config.old(r->config.context, &any, 0) : -1;
	int fd = sock_open_shared(family, port, !r->config.user_timestamps, old,
				  &r->shared->buffers[family == 6]);

	if (fd < 0) {
		/* a host without one of them serves the other */
		return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL ? 0 : fd;
	}
	if (r->phc) {
		sock_ask_hardware(fd);
	}
	s->fd = fd;
	s->worker = w;
	(void)sock_read_drops(fd, &s->drops_seen); /* an old one has some */
	ev_io_init(&s->io, on_readable, fd, EV_READ);
	s->io.data = s;
	ev_io_start(w->loop, &s->io);
	return 0;
}

static int serve(struct reflector *r, struct worker *w, uint16_t port)
{
	struct shared_worker *sw = calloc(1, sizeof(*sw));
	int error;

	w->shared = sw;
	if (!sw) {
		return -ENOMEM;
	}
	sw->v4.fd = sw->v6.fd = -1;
	sw->port = port;
	memcpy(sw->seed, r->shared->seed, sizeof(sw->seed));
	error = open_one(r, w, 4, port);
	error = error ? error : open_one(r, w, 6, port);
	return error ? error : sw->v4.fd < 0 && sw->v6.fd < 0 ? -EAFNOSUPPORT : 0;
}

int shared_new(struct reflector *r)
{
	const struct reflector_shared *c = &r->config.shared;
	unsigned serving = c->port ? 1 : r->count;
	int error = 0;

	if (!c->on) {
		return 0;
	}
	if (!c->port && c->port_last - c->port_first + 1 < (int)serving) {
		return -ERANGE;
	}
	r->shared = calloc(1, sizeof(*r->shared));
	if (!r->shared ||
	    getrandom(r->shared->seed, sizeof(r->shared->seed), 0) != sizeof(r->shared->seed)) {
		return -ENOMEM;
	}
	for (unsigned i = 0; i < serving && !error; i++) {
		error = serve(r, &r->workers[i], c->port ? c->port : (uint16_t)(c->port_first + i));
	}
	return error;
}

static void leave(struct worker *w)
{
	if (!w->shared) {
		return;
	}
	if (w->shared->v4.fd >= 0) {
		close(w->shared->v4.fd);
	}
	if (w->shared->v6.fd >= 0) {
		close(w->shared->v6.fd);
	}
	index_wipe(&w->shared->sessions);
	free(w->shared);
}

void shared_free(struct reflector *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		leave(&r->workers[i]);
	}
	if (r->shared) {
		index_wipe(&r->shared->claims);
	}
	free(r->shared);
}

/* --- sessions --------------------------------------------------------------------------- */

/* What the kernel thinks of the two addresses, and the largest reply that needs no fragments. */
static int probe(const struct session_spec *spec, uint32_t *run_octets)
{
	int fd = socket(spec->local.family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0) {
		return -errno;
	}
	error = sock_bind(fd, &spec->local, 0);
	error = error ? error : sock_connect(fd, spec);
	*run_octets = error ? 0 : sock_unfragmented(fd);
	close(fd);
	return error;
}

static int check_size(const struct reflector *r, const struct session_spec *spec)
{
	const struct sock_defaults *b = &r->shared->buffers[spec->local.family == 6];
	size_t octets = pkt_send_len(pkt_layout(spec->modes), spec->padding);
	int need = (int)octets * 4; /* room for two, as sock_open has it */

	if (octets > (spec->local.family == 4 ? PKT_MAX_PAYLOAD_V4 : PKT_MAX_PAYLOAD_V6)) {
		return -EMSGSIZE;
	}
	return b->rcvbuf < need || b->sndbuf < need ? -EMSGSIZE : 0;
}

static void set_key(struct shared_link *l, const struct session_spec *spec)
{
	memcpy(l->key.local, spec->local.ip, sizeof(l->key.local));
	memcpy(l->key.remote, spec->remote.ip, sizeof(l->key.remote));
	l->key.port = htons(spec->remote.port);
	l->key.family = spec->local.family == 4 ? AF_INET : AF_INET6;
	if (address_is_link_local(&spec->remote)) {
		l->key.scope = spec->remote.scope ? spec->remote.scope : spec->local.scope;
	}
}

/* R-100 C-077: from the address that the packets are sent to, with the session's DSCP */
static void set_reply(struct shared_link *l, const struct session_spec *spec)
{
	bool v4 = l->key.family == AF_INET;
	int tos = (spec->dscp & 0x3f) << 2;
	struct sockaddr_in name4 = { .sin_family = AF_INET, .sin_port = l->key.port };
	struct in_pktinfo info4 = { 0 };
	struct in6_pktinfo info6 = { 0 };

	l->name = (struct sockaddr_in6){ .sin6_family = AF_INET6,
					 .sin6_port = l->key.port,
					 .sin6_scope_id = l->key.scope };
	l->to = (struct msghdr){ .msg_name = &l->name,
				 .msg_namelen = v4 ? sizeof(name4) : sizeof(l->name),
				 .msg_control = l->control };
	if (v4) {
		memcpy(&name4.sin_addr, l->key.remote, 4);
		memcpy(&l->name, &name4, sizeof(name4));
		memcpy(&info4.ipi_spec_dst, l->key.local, 4);
		sock_append(&l->to, IPPROTO_IP, IP_PKTINFO, &info4, sizeof(info4));
	} else {
		memcpy(&l->name.sin6_addr, l->key.remote, 16);
		memcpy(&info6.ipi6_addr, l->key.local, 16);
		info6.ipi6_ifindex = spec->local.scope;
		sock_append(&l->to, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof(info6));
	}
	if (tos) { /* 0 is the socket's */
		sock_append(&l->to, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, &tos,
			    sizeof(tos));
	}
}

/* the ports where these addresses have a session, a bit for each thread */
static uint64_t taken(const struct reflector *r, const struct shared_key *key, uint32_t code)
{
	uint64_t found = 0;

	for (struct index_node *n = index_first(&r->shared->claims, code); n; n = n->next) {
		const struct shared_link *l = link_of_claim(n);

		if (n->hash == code && !memcmp(&l->key, key, sizeof(*key))) {
			found |= UINT64_C(1) << (l->session->worker - r->workers);
		}
	}
	return found;
}

/* the thread of the wanted port, else the one with the fewest sessions; NULL if all
 * are taken. */
static struct worker *choose(const struct reflector *r, uint16_t port, uint64_t used)
{
	struct worker *best = NULL;

	for (unsigned i = 0; i < r->count; i++) {
		struct worker *w = &r->workers[i];

		if (!w->shared || used >> i & 1) {
			continue;
		}
		if (w->shared->port == port) {
			return w;
		}
		if (!best || w->sessions < best->sessions) {
			best = w;
		}
	}
	return best;
}

static int claim(struct reflector *r, const struct session_spec *spec, struct udp_session *u)
{
	struct shared_link *l = u->link;
	uint32_t code = hash(r->shared->seed, &l->key);
	struct worker *w = choose(r, spec->local.port, taken(r, &l->key, code));
	int error;

	if (!w) {
		return -EADDRINUSE;
	}
	u->fd = spec->local.family == 4 ? w->shared->v4.fd : w->shared->v6.fd;
	if (u->fd < 0) {
		return -EAFNOSUPPORT;
	}
	error = index_reserve(&r->shared->claims, r->open + 1);
	error = error ? error : index_reserve(&w->shared->sessions, w->sessions + 1);
	/* from the first session that wants it on, for all of the socket */
	error = error ? error : sock_ask_tos(u->fd, l->key.family, pkt_layout(spec->modes));
	if (error) {
		return error;
	}
	u->worker = w;
	u->port = w->shared->port;
	index_put(&r->shared->claims, &l->claim, code);
	return 0;
}

int shared_open(struct reflector *r, const struct session_spec *spec, struct udp_session *u)
{
	int error = sock_check_local(r->keeper, &spec->local, 0);

	error = error ? error : check_size(r, spec);
	error = error ? error : probe(spec, &u->run_octets);
	if (error) {
		return error;
	}
	u->link = calloc(1, sizeof(*u->link));
	if (!u->link) {
		return -ENOMEM;
	}
	u->link->session = u;
	set_key(u->link, spec);
	set_reply(u->link, spec);
	u->to = &u->link->to;
	return claim(r, spec, u);
}

void shared_publish(struct udp_session *u)
{
	struct shared_worker *sw = u->worker->shared;
	struct shared_link *l = u->link;

	l->next_new = atomic_load_explicit(&sw->fresh, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&sw->fresh, &l->next_new, l,
						      memory_order_release, memory_order_relaxed)) {
	}
	ev_async_send(u->worker->loop, &u->worker->wakeup);
}

void shared_release(struct udp_session *u)
{
	index_remove(&u->reflector->shared->claims, &u->link->claim);
}

void shared_start(struct udp_session *u)
{
	atomic_store_explicit(&u->link->since_ns, estimate_mono().ns, memory_order_release);
}

void shared_mute(struct udp_session *u)
{
	atomic_store_explicit(&u->link->since_ns, SHARED_GONE, memory_order_relaxed);
}
