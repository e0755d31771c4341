// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/sessionpath.h"
#include "daemon/reflector/shared.h"

#include <netinet/in.h>
#include <stddef.h>

static struct udp_session *session_of(struct hashmap_node *n)
{
	return (struct udp_session *)(void *)n; /* its first member */
}
_Static_assert(offsetof(struct udp_session, node) == 0, "session_of");

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

		hashmap_put(&sw->sessions, &l->session->node, l->claim.hash);
		l = next;
	}
}

void shared_remove(struct worker *w, struct udp_session *u)
{
	hashmap_remove(&w->shared->sessions, &u->node);
}

static struct udp_session *look_up(struct shared_worker *sw, const struct udp_tuple *key,
				   uint32_t code)
{
	for (struct hashmap_node *n = hashmap_first(&sw->sessions, code); n; n = n->next) {
		struct udp_session *u = session_of(n);

		/* one that is gone may have the same key, until its thread hears of it */
		if (n->hash == code && !memcmp(&u->tuple, key, sizeof(*key)) &&
		    atomic_load_explicit(&u->since_ns, memory_order_relaxed) != UDP_GONE) {
			return u;
		}
	}
	return NULL;
}

static void take_remote(const struct msghdr *m, struct udp_tuple *key)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	sa_family_t family;

	memcpy(&family, m->msg_name, sizeof(family));
	if (family == AF_INET) {
		memcpy(&v4, m->msg_name, sizeof(v4));
		memcpy(key->remote, &v4.sin_addr, 4);
		key->port = v4.sin_port;
		key->scope = UDP_IPV4;
		return;
	}
	memcpy(&v6, m->msg_name, sizeof(v6));
	memcpy(key->remote, &v6.sin6_addr, 16);
	key->port = v6.sin6_port;
	key->scope = IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) ? v6.sin6_scope_id : 0;
}

static struct udp_session *find(struct worker *w, const struct udp_tuple *key, uint32_t code)
{
	struct shared_worker *sw = w->shared;
	struct udp_session *u = look_up(sw, key, code);

	if (!u && atomic_load_explicit(&sw->fresh, memory_order_relaxed)) {
		shared_take_in(w);
		u = look_up(sw, key, code);
	}
	return u;
}

/* What a packet reads and changes in its session. */
static void fetch(const struct udp_session *u)
{
	__builtin_prefetch(&u->party);
	__builtin_prefetch(&u->party.hot, 1);
	__builtin_prefetch(&u->forward, 1);
	__builtin_prefetch((const char *)&u->forward + 64, 1);
	__builtin_prefetch((const char *)&u->forward + 128, 1);
}

static void take(struct worker *w, struct reflect_packet *p, struct udp_session *u, bool fresh)
{
	if (u) {
		p->party = &u->party;
		if (fresh) {
			fetch(u);
		}
		return;
	}
	counters_add(&w->totals, COUNTER_RECEIVED, 1);
	counters_add(&w->totals, COUNTER_DROP_SOURCE, 1);
}

/* The key of each packet and its hash; packets come in trains, and all of one have the same. Those
 * that differ from the one before are @fresh. */
static void hash_all(struct shared_worker *sw, uint16_t at, struct reflect_packet *p, unsigned n,
		     struct udp_tuple keys[static REFLECT_BATCH], bool fresh[static REFLECT_BATCH])
{
	memset(keys, 0, n * sizeof(keys[0]));
	for (unsigned i = 0; i < n; i++) {
		keys[i].at = at;
		memcpy(keys[i].local, p[i].meta.local, sizeof(keys[i].local));
		take_remote(p[i].header, &keys[i]);
		fresh[i] = !i || memcmp(&keys[i], &keys[i - 1], sizeof(keys[i])) != 0;
		if (fresh[i]) {
			p[i].code = shared_hash(sw->seed, &keys[i]);
			hashmap_fetch(&sw->sessions, p[i].code);
		} else {
			p[i].code = p[i - 1].code;
		}
	}
}

/* Thousands of sessions do not fit into the cache: each step asks for what the next one needs, for
 * all packets, instead of waiting for it once a packet. */
static void whose(struct worker *w, void *context, struct reflect_packet *p, unsigned n)
{
	const struct shared_port *port = context;
	struct hashmap *sessions = &w->shared->sessions;
	struct udp_tuple keys[REFLECT_BATCH];
	bool fresh[REFLECT_BATCH];
	struct udp_session *u = NULL;

	hash_all(w->shared, port->port, p, n, keys, fresh);
	for (unsigned i = 0; i < n; i++) {
		if (fresh[i]) {
			__builtin_prefetch(hashmap_first(sessions, p[i].code));
		}
	}
	for (unsigned i = 0; i < n; i++) {
		if (fresh[i]) {
			u = find(w, &keys[i], p[i].code);
		}
		take(w, &p[i], p[i].meta.family ? u : NULL, fresh[i]);
	}
}

static const struct reflect_way shared_way = {
	.names = true,
	.one_place = true,
	.whose = whose,
	.judge = sessionpath_judge,
	.number = sessionpath_number,
};

/* As for own ports (ownport.c). */
static void tell_tos(struct shared_port *p, bool crowded)
{
	bool on = !crowded || atomic_load_explicit(&p->tos_wanted, memory_order_relaxed);

	if (p->tos_untold == on && !sock_tell_tos(p->fd, p->family == 4 ? AF_INET : AF_INET6, on)) {
		p->tos_untold = !on;
	}
}

enum reflect_result shared_burst(struct worker *w, struct shared_port *p)
{
	struct reflect_source s = { .way = &shared_way, .fd = p->fd, .context = p };

	enum reflect_result result = reflect_burst(w, &s);

	tell_tos(p, s.full);
	return result;
}
