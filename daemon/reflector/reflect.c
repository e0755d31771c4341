// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/reflect.h"

#include "daemon/reflector/batch.h"
#include "daemon/reflector/estimate.h"
#include "daemon/reflector/phc.h"
#include "protocol/stamp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

/* The largest datagram fits with room to see that it did; not a multiple of 4096, so that
 * small packets do not all fall into the same cache sets. */
#define BUFFER_OCTETS (65536 + 192)

/* So few are answered one by one: the first need not wait for the second. */
#define FEW 2

/* Less than any receive queue holds of large packets. */
#define FULL_OCTETS (128 * 1024)

_Static_assert(REFLECT_BATCH == BATCH_MAX, "a reply for each packet of a read");

struct reflect_scratch {
	unsigned dirty; /* so many of messages are to be set up again */
	bool names; /* they are set up to tell who sent a packet */
	struct mmsghdr messages[BATCH_MAX];
	struct iovec vectors[BATCH_MAX];
	uint8_t control[BATCH_MAX][SOCK_CONTROL_LEN] __attribute__((aligned(16)));
	struct sockaddr_in6 from[BATCH_MAX];
	uint8_t in[BATCH_MAX][BUFFER_OCTETS];
	struct batch out;
};

/* When datagrams were read, on both clocks, and whether they were many. */
struct pass {
	struct wall wall;
	struct mono mono;
	bool in_batch;
};

/* A received datagram. */
struct packet {
	uint8_t *octets;
	size_t len;
	int flags; /* of recvmmsg */
	struct sock_meta meta;
	struct wall t2;
};

struct reflect_scratch *reflect_scratch_new(void)
{
	struct reflect_scratch *s = calloc(1, sizeof(*s));

	if (!s) {
		return NULL;
	}
	for (int i = 0; i < BATCH_MAX; i++) {
		s->vectors[i] = (struct iovec){ s->in[i], sizeof(s->in[i]) };
		s->messages[i].msg_hdr.msg_iov = &s->vectors[i];
		s->messages[i].msg_hdr.msg_iovlen = 1;
		s->messages[i].msg_hdr.msg_control = s->control[i];
	}
	s->dirty = BATCH_MAX;
	batch_init(&s->out);
	return s;
}

void reflect_scratch_free(struct reflect_scratch *s)
{
	free(s);
}

/* @names: who sent a packet is to be told; to know that costs time with each. */
static int receive(struct reflect_scratch *s, int fd, bool names)
{
	int n;

	if (names != s->names) {
		s->names = names;
		s->dirty = BATCH_MAX;
	}
	for (unsigned i = 0; i < s->dirty; i++) {
		struct msghdr *m = &s->messages[i].msg_hdr;

		m->msg_controllen = sizeof(s->control[i]);
		m->msg_flags = 0;
		m->msg_name = names ? &s->from[i] : NULL;
		m->msg_namelen = names ? sizeof(s->from[i]) : 0;
	}
	n = recvmmsg(fd, s->messages, BATCH_MAX, MSG_DONTWAIT, NULL);
	s->dirty = n > 0 ? (unsigned)n : 1; /* an error may have touched the first */
	return n;
}

static void track(struct udp_session *u, uint32_t seq)
{
	struct counters *c = &u->counters;
	bool first = !u->flow.any;
	struct flow_step step;

	if (!flow_follows(&u->flow, seq)) {
		step = flow_take(&u->flow, seq);
		counters_flow(c, &step);
	}
	counters_set(c, COUNTER_LAST_SEQ, seq);
	counters_set(c, COUNTER_MAX_SEQ, u->flow.max);
	if (first) {
		counters_set(c, COUNTER_FIRST_SEQ, seq);
	}
}

/*
 * what counts is when a packet arrived, not when we came to read it. The
 * kernel's stamp is wall time and the limit is not, so its age is carried over.
 */
static int64_t arrival_ns(const struct packet *p, const struct pass *now)
{
	int64_t age_ns = p->meta.stamped ? now->wall.ns - p->meta.stamp.ns : 0;

	return now->mono.ns - (age_ns > 0 ? age_ns : 0);
}

static bool is_late(const struct udp_session *u, const struct packet *p, const struct pass *now)
{
	return u->stopping && arrival_ns(p, now) > u->stop_at.ns;
}

/* T-041: what waits in the socket may be older than the start. Acquires the keys. */
static bool is_early(const struct udp_session *u, const struct packet *p, const struct pass *now)
{
	int64_t since_ns = atomic_load_explicit(&u->since_ns, memory_order_acquire);

	return since_ns <= 0 || arrival_ns(p, now) < since_ns;
}

static bool build(struct worker *w, struct udp_session *u, const struct packet *p,
		  const struct pass *now)
{
	struct batch *b = &w->scratch->out;
	struct pkt_send sent;
	struct pkt_reply reply = {
		.seq = u->seq,
		.error_estimate = estimate_packet(&w->estimate, p->meta.stamped,
						  p->meta.phc_error_ns, now->in_batch, u->format),
		.rx_ts = ts_encode(u->format, p->t2),
		.ttl = p->meta.ttl,
		.tos = p->meta.tos,
	};

	if (pkt_get_send(u->layout, p->octets, p->len, &sent) ||
	    pkt_put_reply(u->layout, p->octets, p->len, b->end, &reply)) {
		return false;
	}
	if (u->keyed && !u->encrypted) { /* covers nothing of T3, so it need not wait: T-005 */
		crypt_pkt_seal_reply(u->crypt, false, b->end);
	}
	batch_add(b, u, pkt_reply_len(u->layout, p->len), p->t2);
	u->seq++; /* T-045: used up, also if the reply gets lost right here */
	track(u, sent.seq);
	if ((sent.error_estimate & 0xff) == 0) {
		counters_add(&u->counters, COUNTER_ZERO_MULTIPLIER, 1); /* */
	}
	return true;
}

/* What is wrong with a datagram; COUNTER_NONE if it can be answered. */
static enum counter check(struct udp_session *u, const struct packet *p, const struct pass *now)
{
	struct police_total *total = atomic_load_explicit(&u->total, memory_order_acquire);

	if (p->flags & MSG_TRUNC) {
		return COUNTER_DROP_TRUNCATED;
	}
	if (p->len < u->layout->send_min) {
		return COUNTER_DROP_SHORT;
	}
	/* Between two reflectors it would go to and fro for ever; in the keyed modes the HMAC of the
	 * one is none for the other. */
	if (!u->keyed && stamp_is_reply(p->octets, p->len)) {
		return COUNTER_DROP_LOOP;
	}
	if (police_is_on(&u->police, total) && !police_take(&u->police, total, p->len, now->mono)) {
		return COUNTER_DROP_POLICED; /* before the HMAC, which would cost more */
	}
	/* T-042: a forgery changes nothing, neither sequence numbers nor REFWAIT */
	if (u->keyed && crypt_pkt_open_send(u->crypt, u->encrypted, p->octets, p->len)) {
		return COUNTER_DROP_HMAC;
	}
	return COUNTER_NONE;
}

/* Where T2 of an answered packet came from. */
static void count_stamp(struct worker *w, struct udp_session *u, const struct sock_meta *meta)
{
	struct counters *c = &u->counters;
	struct counters *t = &w->totals;

	if (meta->phc_error_ns) {
		counters_add(c, COUNTER_HARDWARE_TIMESTAMPS, 1);
		counters_add(t, COUNTER_HARDWARE_TIMESTAMPS, 1);
	} else if (meta->stamped) {
		counters_add(c, COUNTER_KERNEL_TIMESTAMPS, 1);
		counters_add(t, COUNTER_KERNEL_TIMESTAMPS, 1);
	} else {
		counters_add(c, COUNTER_USER_TIMESTAMPS, 1);
		counters_add(t, COUNTER_USER_TIMESTAMPS, 1);
	}
}

/* One received datagram into one reply, all but T3. False if it came too late. */
static bool handle(struct worker *w, struct udp_session *u, struct packet *p,
		   const struct pass *now)
{
	enum counter fault;

	if (p->meta.hardware_ns &&
	    phc_improve(w->reflector->phc, &p->meta, now->mono) == PHC_REFUSED) {
		counters_add(&w->totals, COUNTER_HARDWARE_REFUSED, 1);
	}
	if (is_late(u, p, now)) {
		batch_drop(w, u, COUNTER_DROP_LATE, 1);
		return false;
	}
	fault = check(u, p, now);
	p->t2 = p->meta.stamped ? p->meta.stamp : now->wall;
	if (fault == COUNTER_NONE && !build(w, u, p, now)) {
		fault = COUNTER_DROP_SHORT;
	}
	if (fault != COUNTER_NONE) {
		batch_drop(w, u, fault, 1);
		return true;
	}
	count_stamp(w, u, &p->meta);
	u->last_packet = now->mono;
	return true;
}

static struct packet unpack(struct mmsghdr *m)
{
	struct packet p = { .octets = m->msg_hdr.msg_iov->iov_base,
			    .len = m->msg_len,
			    .flags = m->msg_hdr.msg_flags };

	sock_meta(&m->msg_hdr, &p.meta);
	return p;
}

/* In this order: a pause in between makes packets look younger, and is_early lose none. */
static struct pass begin(unsigned n)
{
	struct pass now = { .wall = estimate_wall(), .in_batch = n > FEW };

	now.mono = estimate_mono();
	return now;
}

void reflect_drops(struct worker *w, struct udp_session *u, uint32_t now)
{
	uint32_t more = sock_new_drops(&u->drops_seen, now);

	counters_add(&u->counters, COUNTER_RECEIVED, more);
	counters_add(&w->totals, COUNTER_RECEIVED, more);
	batch_drop(w, u, COUNTER_DROP_RCVBUF, more);
}

/* @u NULL: of no session. False if it came too late. */
static bool take(struct worker *w, struct udp_session *u, struct mmsghdr *m, const struct pass *now)
{
	struct packet p;

	if (!u) {
		counters_add(&w->totals, COUNTER_DROP_SOURCE, 1);
		return true;
	}
	p = unpack(m);
	counters_add(&u->counters, COUNTER_RECEIVED, 1);
	if (u->gated && is_early(u, &p, now)) {
		batch_drop(w, u, COUNTER_DROP_EARLY, 1);
		return true;
	}
	return handle(w, u, &p, now);
}

static void answer(struct worker *w, struct reflect_source *source, unsigned n)
{
	struct reflect_scratch *s = w->scratch;
	struct udp_session *whose[REFLECT_BATCH];
	struct pass now = begin(n);
	size_t octets = 0;

	source->full |= n == REFLECT_BATCH;
	counters_add(&w->totals, COUNTER_RECEIVED, n);
	source->whose(w, source->context, s->messages, n, whose);
	for (unsigned i = 0; i < n; i++) {
		octets += s->messages[i].msg_len;
		source->late |= !take(w, whose[i], &s->messages[i], &now);
		if (!now.in_batch) {
			batch_send(w, &s->out);
		}
	}
	batch_send(w, &s->out);
	source->full |= octets >= FULL_OCTETS;
}

enum reflect_result reflect_burst(struct worker *w, struct reflect_source *source)
{
	for (int done = 0; done < REFLECT_BURST;) {
		int n = receive(w->scratch, source->fd, source->names);

		if (n <= 0) {
			if (n == 0 || errno == EAGAIN) {
				return REFLECT_EMPTY;
			}
			done++; /* an ICMP error: reported once, says nothing about the session */
			continue;
		}
		answer(w, source, (unsigned)n);
		if (n < BATCH_MAX) {
			return REFLECT_EMPTY;
		}
		done += n;
	}
	return REFLECT_MORE;
}
