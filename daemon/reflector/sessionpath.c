// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/sessionpath.h"

#include <stddef.h>

static struct udp_session *session_of(struct party *p)
{
	return (struct udp_session *)(void *)((char *)p - offsetof(struct udp_session, party));
}

/*
 * what counts is when a packet arrived, not when we came to read it. The
 * kernel's stamp is wall time and the limit is not, so its age is carried over.
 */
static int64_t arrival_ns(const struct reflect_packet *p, const struct reflect_pass *now)
{
	int64_t age_ns = p->meta.stamped ? now->wall.ns - p->meta.stamp.ns : 0;

	return now->mono.ns - (age_ns > 0 ? age_ns : 0);
}

static bool is_late(const struct udp_session *u, const struct reflect_packet *p,
		    const struct reflect_pass *now)
{
	return u->party.hot.stopping && arrival_ns(p, now) > u->party.hot.stop_at.ns;
}

/* T-041: what waits in the socket may be older than the start. Acquires the keys. */
static bool is_early(const struct udp_session *u, const struct reflect_packet *p,
		     const struct reflect_pass *now)
{
	int64_t since_ns = atomic_load_explicit(&u->since_ns, memory_order_acquire);

	return since_ns <= 0 || arrival_ns(p, now) < since_ns;
}

enum counter sessionpath_judge(struct worker *w, struct reflect_packet *p,
			       const struct reflect_pass *now)
{
	struct udp_session *u = session_of(p->party);
	struct police_total *total;
	enum counter fault;

	if (u->party.hot.gated && is_early(u, p, now)) {
		return COUNTER_DROP_EARLY;
	}
	if (is_late(u, p, now)) {
		return COUNTER_DROP_LATE;
	}
	fault = reflect_check(p);
	if (fault != COUNTER_NONE) {
		return fault;
	}
	total = atomic_load_explicit(&u->party.total, memory_order_acquire);
	if (police_is_on(&u->party.hot.police, total) &&
	    !police_take(&u->party.hot.police, total, p->len, now->mono)) {
		return COUNTER_DROP_POLICED; /* before the HMAC, which would cost more */
	}
	return COUNTER_NONE;
}

static void track(struct udp_session *u, const struct forward_packet *packet)
{
	bool first = !u->forward.flow.any;
	struct class_row *class = party_class(&u->party);
	struct forward_step step;

	forward_take(&u->forward, packet, &step);
	party_count_forward(&u->party, &step);
	if (packet->has_tos && packet->tos >> 2 != u->party.tos >> 2) {
		party_count(&u->party, COUNTER_REMARKED, 1);
	}
	if (class && step.above_ns >= 0) {
		class_row_delay(class, step.above_ns);
	}
	if (first) {
		counters_set(&u->party.rare, COUNTER_FIRST_SEQ, packet->seq);
	}
}

/* T-045: used up, also if the reply gets lost right here. */
uint32_t sessionpath_number(struct worker *w, struct reflect_packet *p, const struct pkt_send *sent,
			    const struct reflect_pass *now)
{
	struct udp_session *u = session_of(p->party);
	struct forward_packet packet = reflect_forward(w, p, sent);

	SHARE(u->party.hot.last_packet.ns, now->mono.ns); /* udp_last_packet */
	track(u, &packet);
	if ((sent->error_estimate & 0xff) == 0) {
		counters_add(&p->party->rare, COUNTER_ZERO_MULTIPLIER, 1); /* */
	}
	return u->party.hot.seq++;
}

void sessionpath_drops(struct udp_session *u, uint32_t now)
{
	party_drop(&u->party, COUNTER_DROP_RCVBUF, sock_new_drops(&u->drops_seen, now));
}
