// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/reflect.h"

#include "daemon/reflector/estimate.h"

#include <errno.h>
#include <stdlib.h>

/* Datagrams per system call. */
#define CHUNK 16

/* The largest datagram fits with room to see that it did; not a multiple of 4096, so that
 * small packets do not all fall into the same cache sets. */
#define BUFFER_OCTETS (65536 + 192)

/* One datagram and its reply, on the way through. */
struct slot {
	uint8_t *in;
	size_t in_octets;
	uint8_t *out;
	size_t out_octets; /* 0 = no reply */
	struct sock_meta meta;
	struct wall t2;
};

struct reflect_scratch {
	struct mmsghdr messages[CHUNK];
	struct iovec vectors[CHUNK];
	struct slot slots[CHUNK];
	uint8_t control[CHUNK][SOCK_CONTROL_LEN] __attribute__((aligned(16)));
	uint8_t in[CHUNK][BUFFER_OCTETS];
	uint8_t out[CHUNK][BUFFER_OCTETS];
};

/* When a chunk of datagrams was read, on both clocks. */
struct instant {
	struct wall wall;
	struct mono mono;
};

/* One writer: no need for a locked instruction. */
static void bump(_Atomic uint64_t *c)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

static void drop(struct worker *w, struct udp_session *u, enum udp_drop why)
{
	bump(&u->counters.dropped[why]);
	bump(&w->totals.dropped[why]);
}

struct reflect_scratch *reflect_scratch_new(void)
{
	struct reflect_scratch *s = calloc(1, sizeof(*s));

	for (int i = 0; s && i < CHUNK; i++) {
		s->vectors[i] = (struct iovec){ s->in[i], sizeof(s->in[i]) };
		s->slots[i].in = s->in[i];
		s->slots[i].out = s->out[i];
		s->messages[i].msg_hdr.msg_iov = &s->vectors[i];
		s->messages[i].msg_hdr.msg_iovlen = 1;
		s->messages[i].msg_hdr.msg_control = s->control[i];
	}
	return s;
}

void reflect_scratch_free(struct reflect_scratch *s)
{
	free(s);
}

static int receive(struct reflect_scratch *s, int fd)
{
	for (int i = 0; i < CHUNK; i++) {
		s->messages[i].msg_hdr.msg_controllen = sizeof(s->control[i]);
		s->messages[i].msg_hdr.msg_flags = 0;
	}
	return recvmmsg(fd, s->messages, CHUNK, MSG_DONTWAIT, NULL);
}

/*
 * Gaps, duplicates and reordering by the Sender Sequence Number, looking back 64 numbers:
 * skipping ahead adds the skipped ones to the gaps, a late one takes its own away again.
 * Further back a duplicate cannot be told from a late packet and counts as late. Numbers
 * compare modulo 2^32 (RFC 1982).
 */
static void track(struct udp_session *u, uint32_t seq)
{
	struct udp_counters *c = &u->counters;
	uint32_t first = atomic_load_explicit(&c->first_seq, memory_order_relaxed);
	uint32_t max = atomic_load_explicit(&c->max_seq, memory_order_relaxed);
	uint64_t gaps = atomic_load_explicit(&c->gaps, memory_order_relaxed);
	uint32_t ahead = seq - max, behind = max - seq;

	atomic_store_explicit(&c->last_seq, seq, memory_order_relaxed);
	if (!u->any) {
		u->any = true;
		u->window = 1;
		atomic_store_explicit(&c->first_seq, seq, memory_order_relaxed);
		atomic_store_explicit(&c->max_seq, seq, memory_order_relaxed);
	} else if (ahead != 0 && ahead < UINT32_C(0x80000000)) {
		u->window = ahead < 64 ? u->window << ahead | 1 : 1;
		atomic_store_explicit(&c->max_seq, seq, memory_order_relaxed);
		atomic_store_explicit(&c->gaps, gaps + ahead - 1, memory_order_relaxed);
	} else if (behind < 64 && (u->window >> behind & 1)) {
		bump(&c->duplicates);
	} else {
		u->window |= behind < 64 ? UINT64_C(1) << behind : 0;
		bump(&c->reordered);
		/* what came before the first packet was never counted as a gap */
		if (gaps && seq - first < UINT32_C(0x80000000)) {
			atomic_store_explicit(&c->gaps, gaps - 1, memory_order_relaxed);
		}
	}
}

/*
 * what counts is when a packet arrived, not when we came to read it. The
 * kernel's stamp is wall time and the limit is not, so its age is carried over.
 */
static bool is_late(const struct udp_session *u, const struct slot *s, const struct instant *now)
{
	int64_t age_ns = s->meta.stamped ? now->wall.ns - s->meta.stamp.ns : 0;

	return u->stopping && now->mono.ns - (age_ns > 0 ? age_ns : 0) > u->stop_at.ns;
}

static bool build(struct worker *w, struct udp_session *u, struct slot *s)
{
	struct pkt_send sent;
	struct pkt_reply reply = {
		.seq = u->seq,
		.error_estimate = w->error_estimate[u->format],
		.rx_ts = ts_encode(u->format, s->t2),
		.ttl = s->meta.ttl,
		.tos = s->meta.tos,
	};

	if (pkt_get_send(u->layout, s->in, s->in_octets, &sent) ||
	    pkt_put_reply(u->layout, s->in, s->in_octets, s->out, &reply)) {
		return false;
	}
	s->out_octets = pkt_reply_len(u->layout, s->in_octets);
	if (u->keyed && !u->encrypted) { /* covers nothing of T3, so it need not wait: T-005 */
		crypt_pkt_seal_reply(u->crypt, false, s->out);
	}
	u->seq++; /* T-045: used up, also if the reply gets lost right here */
	track(u, sent.seq);
	if ((sent.error_estimate & 0xff) == 0) {
		bump(&u->counters.zero_multiplier); /* */
	}
	return true;
}

/* What is wrong with a datagram; UDP_DROP_COUNT if it can be answered. */
static enum udp_drop check(struct udp_session *u, struct slot *s, int flags)
{
	if (flags & MSG_TRUNC) {
		return UDP_DROP_TRUNCATED;
	}
	if (s->in_octets < u->layout->send_min) {
		return UDP_DROP_SHORT;
	}
	/* T-042: a forgery changes nothing, neither sequence numbers nor REFWAIT */
	if (u->keyed && crypt_pkt_open_send(u->crypt, u->encrypted, s->in, s->in_octets)) {
		return UDP_DROP_HMAC;
	}
	return UDP_DROP_COUNT;
}

/* One received datagram into one reply, all but T3. False if it came too late. */
static bool handle(struct worker *w, struct udp_session *u, struct mmsghdr *m, struct slot *s,
		   const struct instant *now)
{
	enum udp_drop fault;

	bump(&u->counters.received);
	bump(&w->totals.received);
	s->in_octets = m->msg_len;
	s->out_octets = 0;
	sock_meta(&m->msg_hdr, &s->meta);
	if (is_late(u, s, now)) {
		drop(w, u, UDP_DROP_LATE);
		return false;
	}
	fault = check(u, s, m->msg_hdr.msg_flags);
	s->t2 = s->meta.stamped ? s->meta.stamp : now->wall;
	if (fault == UDP_DROP_COUNT && !build(w, u, s)) {
		fault = UDP_DROP_SHORT;
	}
	if (fault != UDP_DROP_COUNT) {
		drop(w, u, fault);
		return true;
	}
	if (!s->meta.stamped) {
		bump(&u->counters.user_timestamps);
		bump(&w->totals.user_timestamps);
	}
	u->last_packet = now->mono;
	return true;
}

/*
 * T3 is the last thing before the packet leaves. If the clock was set back since T2, T3 = T2:
 * a time that passed inside of us cannot be negative, and both stay on one scale (T-036).
 */
static void stamp(const struct udp_session *u, const struct slot *s)
{
	struct wall t3 = estimate_wall();

	if (t3.ns < s->t2.ns) {
		t3 = s->t2;
	}
	pkt_put_reply_ts(u->layout, s->out, ts_encode(u->format, t3));
	if (u->encrypted) { /* covers T3: fields, HMAC, encryption, in this order (T-012) */
		crypt_pkt_seal_reply(u->crypt, true, s->out);
	}
}

static int transmit(const struct udp_session *u, const struct slot *s)
{
	return send(u->fd, s->out, s->out_octets, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;
}

static void send_reply(struct worker *w, struct udp_session *u, const struct slot *s)
{
	int error;

	stamp(u, s);
	error = transmit(u, s);
	/* An ICMP error of an earlier reply is reported in place of sending, once. */
	if (error && error != EAGAIN && error != ENOBUFS && error != ENOMEM) {
		error = transmit(u, s);
	}
	if (error) {
		drop(w, u, UDP_DROP_TX);
		return;
	}
	bump(&u->counters.reflected);
	bump(&w->totals.reflected);
}

enum reflect_result reflect_burst(struct worker *w, struct udp_session *u)
{
	struct reflect_scratch *scratch = w->scratch;
	bool late = false;

	for (int done = 0; done < REFLECT_BURST;) {
		int n = receive(scratch, u->fd);
		struct instant now;

		if (n <= 0) {
			if (n == 0 || errno == EAGAIN) {
				return REFLECT_EMPTY;
			}
			done++; /* an ICMP error: reported once, says nothing about the session */
			continue;
		}
		now = (struct instant){ estimate_wall(), estimate_mono() };
		for (int i = 0; i < n; i++) {
			struct slot *s = &scratch->slots[i];

			late |= !handle(w, u, &scratch->messages[i], s, &now);
			if (s->out_octets) {
				send_reply(w, u, s);
			}
		}
		if (late) {
			return REFLECT_LATE;
		}
		if (n < CHUNK) {
			return REFLECT_EMPTY;
		}
		done += n;
	}
	return REFLECT_MORE;
}
