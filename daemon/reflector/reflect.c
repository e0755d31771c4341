// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/reflect.h"

#include "base/clock.h"
#include "daemon/reflector/batch.h"
#include "daemon/reflector/estimate.h"
#include "daemon/reflector/inside.h"
#include "daemon/reflector/phc.h"

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

#define PLACES (2 * BATCH_MAX) /* of the hash table of a read */

_Static_assert(REFLECT_BATCH == BATCH_MAX, "a reply for each packet of a read");

struct reflect_scratch {
	unsigned dirty; /* so many of messages are to be set up again */
	bool names; /* they are set up to tell who sent a packet */
	struct mmsghdr messages[BATCH_MAX];
	struct iovec vectors[BATCH_MAX];
	uint8_t control[BATCH_MAX][SOCK_CONTROL_LEN] __attribute__((aligned(16)));
	struct sockaddr_in6 from[BATCH_MAX];
	struct reflect_packet packets[BATCH_MAX];
	/* In the order in which they are answered: */
	uint8_t order[BATCH_MAX];
	struct sock_return returns[BATCH_MAX]; /* where the replies of a group go */
	uint8_t in[BATCH_MAX][BUFFER_OCTETS];
	struct batch out;
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

const struct dwell *reflect_dwell(const struct reflect_scratch *s)
{
	return &s->out.dwell;
}

/* --- reading -------------------------------------------------------------------------- */

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

/* In this order: a pause in between makes packets look younger, and a session that has just begun
 * lose none. */
static struct reflect_pass begin(struct worker *w, unsigned n)
{
	struct reflect_pass now = { .wall = clock_wall(), .in_batch = n > FEW };

	now.mono = clock_mono();
	if (!forward_clock_look(&w->clock, now.wall, now.mono, false)) {
		struct wall again = clock_wall();

		(void)forward_clock_look(&w->clock, again, clock_mono(), true);
	}
	return now;
}

/* Return its octets. */
static size_t unpack(struct worker *w, struct mmsghdr *m, struct reflect_packet *p,
		     const struct reflect_pass *now)
{
	p->octets = m->msg_hdr.msg_iov->iov_base;
	p->len = m->msg_len;
	p->header = &m->msg_hdr;
	p->party = NULL;
	p->known = NULL;
	p->key = NULL;
	sock_meta(&m->msg_hdr, &p->meta);
	if (p->meta.hardware_ns &&
	    phc_improve(w->reflector->phc, &p->meta, now->mono) == PHC_REFUSED) {
		counters_add(&w->totals, COUNTER_HARDWARE_REFUSED, 1);
	}
	p->t2 = p->meta.stamped ? p->meta.stamp : now->wall;
	return p->len;
}

/* --- grouping ------------------------------------------------------------------------- */

/* From the same to the same. */
static bool is_alike(const struct reflect_way *way, const struct reflect_packet *a,
		     const struct reflect_packet *b)
{
	if (a->party != b->party || way->one_place) {
		return a->party == b->party;
	}
	return a->code == b->code && a->meta.arrival == b->meta.arrival &&
	       a->header->msg_namelen == b->header->msg_namelen &&
	       !memcmp(a->meta.local, b->meta.local, sizeof(a->meta.local)) &&
	       !memcmp(a->header->msg_name, b->header->msg_name, a->header->msg_namelen);
}

/* The group of packets like @i: its first one, or @i itself. Whoever aims at one place of the table
 * makes others look through at most a batch. */
static unsigned find_group(const struct reflect_way *way, const struct reflect_packet *p,
			   uint8_t places[static PLACES], unsigned i)
{
	unsigned at = p[i].code % PLACES;

	while (places[at] && !is_alike(way, &p[places[at] - 1], &p[i])) {
		at = (at + 1) % PLACES;
	}
	if (!places[at]) {
		places[at] = (uint8_t)(i + 1);
	}
	return places[at] - 1u;
}

/*
 * Packets from the same to the same are answered one after the other, in the order in which they
 * came: only then are their replies a run. Return how many are anybody's.
 */
static unsigned group(struct reflect_scratch *s, const struct reflect_way *way, unsigned n)
{
	const struct reflect_packet *p = s->packets;
	uint8_t places[PLACES] = { 0 }, firsts[BATCH_MAX], next[BATCH_MAX], last[BATCH_MAX];
	unsigned groups = 0, count = 0, first = 0;
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		next[i] = BATCH_MAX;
		if (!p[i].party) {
			continue;
		}
		if (!any || !is_alike(way, &p[first], &p[i])) { /* packets come in trains */
			first = find_group(way, p, places, i);
			any = true;
		}
		if (first == i) {
			firsts[groups++] = (uint8_t)i;
		} else {
			next[last[first]] = (uint8_t)i;
		}
		last[first] = (uint8_t)i;
	}
	for (unsigned g = 0; g < groups; g++) {
		for (unsigned i = firsts[g]; i < BATCH_MAX; i = next[i]) {
			s->order[count++] = (uint8_t)i;
		}
	}
	return count;
}

/* --- answering ------------------------------------------------------------------------ */

enum counter reflect_check(const struct reflect_packet *p)
{
	if (p->header->msg_flags & MSG_TRUNC) {
		return COUNTER_DROP_TRUNCATED;
	}
	switch (reflection_check(&p->party->rules, p->octets, p->len)) {
	case 0:
		return COUNTER_NONE;
	case REFLECTION_LOOP:
		return COUNTER_DROP_LOOP;
	default:
		return COUNTER_DROP_SHORT;
	}
}

struct forward_packet reflect_forward(const struct worker *w, const struct reflect_packet *p,
				      const struct pkt_send *sent)
{
	return (struct forward_packet){
		.seq = sent->seq,
		.t1 = sent->ts,
		.t2 = p->t2,
		.error_estimate = sent->error_estimate,
		.has_ttl = p->meta.has_ttl,
		.has_tos = p->meta.has_tos,
		.ttl = p->meta.ttl,
		.tos = p->meta.tos,
		.clock_set = w->clock.set,
	};
}

/* Member by member: a CPU waits for what it reads in other sizes than it was written in. */
static void make_facts(struct worker *w, const struct reflect_packet *p,
		       const struct reflect_pass *now, uint32_t seq, struct reflection_facts *out)
{
	out->seq = seq;
	out->error_estimate = estimate_packet(&w->estimate, p->meta.stamped, p->meta.phc_error_ns,
					      now->in_batch,
					      reflection_format(&p->party->rules, p->len));
	out->t2 = p->t2;
	out->ttl = p->meta.ttl;
	out->tos = p->meta.tos;
	out->tlvs = NULL;
}

/* Packets of one party in a row: counted at once. */
struct row {
	struct party *party; /* NULL = none yet */
	unsigned answered, stamped;
	size_t octets; /* received */
};

static void count_row(struct row *r)
{
	if (r->octets) {
		party_count(r->party, COUNTER_RECEIVED_OCTETS, r->octets);
	}
	if (r->answered) {
		party_answer(r->party, r->answered, r->stamped);
	}
	*r = (struct row){ 0 };
}

/* And where T2 came from. */
static void count_answered(struct row *r, const struct sock_meta *meta)
{
	r->answered++;
	if (meta->phc_error_ns) {
		party_count(r->party, COUNTER_HARDWARE_TIMESTAMPS, 1);
	} else if (!meta->stamped) {
		party_count(r->party, COUNTER_USER_TIMESTAMPS, 1);
	} else {
		r->stamped++;
	}
}

static uint8_t tos_of(const struct reflect_packet *p)
{
	return p->party->copy_tos ? p->meta.tos & 0xfc : p->party->tos;
}

/* The reply that was addressed last. */
struct addressed {
	const struct reflect_packet *packet;
	const struct msghdr *to;
};

/* Where the reply to packet @i of the order goes: as the one before it, if it can. NULL: the socket
 * knows. */
static const struct msghdr *address(struct reflect_scratch *s, const struct reflect_way *way,
				    unsigned i, const struct tlvreply *told, struct addressed *last)
{
	struct reflect_packet *p = &s->packets[s->order[i]];

	if (!way->names) {
		return NULL;
	}
	p->reply_tos = told->dscp_set ? (uint8_t)(told->dscp << 2) : tos_of(p);
	p->elsewhere = told->same_link || told->from_set || told->to_set;
	if (last->to && !p->elsewhere && !last->packet->elsewhere &&
	    last->packet->reply_tos == p->reply_tos && is_alike(way, last->packet, p)) {
		return last->to;
	}
	sock_answer(&s->returns[i], p->header, &p->meta, p->reply_tos);
	if (p->elsewhere) {
		sock_answer_by(&s->returns[i], p->header, &p->meta, told);
	}
	*last = (struct addressed){ p, &s->returns[i].to };
	return last->to;
}

/* The reply at @b->end, all but T3; *len = 0 if there is none after all. */
static enum counter build(struct worker *w, const struct reflect_way *way, struct reflect_packet *p,
			  const struct reflect_pass *now, struct tlvreply *told, size_t *len)
{
	const struct reflection_rules *rules = &p->party->rules;
	struct batch *b = &w->scratch->out;
	struct tlvreply_facts tlvs;
	struct reflection_facts facts;
	struct pkt_send sent;

	if (pkt_get_send(rules->layout, p->octets, p->len, &sent)) {
		return COUNTER_DROP_SHORT;
	}
	make_facts(w, p, now, way->number(w, p, &sent, now), &facts);
	told->dscp_set = told->same_link = told->from_set = told->to_set = false;
	if (!rules->tlvs || p->len <= rules->layout->reply_min) {
		*len = reflection_build(rules, p->octets, p->len, b->end, &facts);
		return COUNTER_NONE;
	}
	way->ask(w, p, &sent, facts.seq, &tlvs);
	facts.tlvs = &tlvs;
	*len = reflection_build_tlvs(rules, p->octets, p->len, b->end, &facts, told);
	return way->told(w, p, told);
}

/* Into the batch, all but T3. T-042: a forgery changes nothing, neither numbers nor REFWAIT. */
static enum counter answer_one(struct worker *w, const struct reflect_way *way, unsigned i,
			       const struct reflect_pass *now, struct addressed *last)
{
	struct reflect_packet *p = &w->scratch->packets[w->scratch->order[i]];
	struct party *party = p->party;
	enum counter fault = way->judge(w, p, now);
	struct tlvreply told;
	size_t len;

	if (fault != COUNTER_NONE) {
		return fault;
	}
	if (reflection_open(&party->rules, p->octets, p->len)) {
		return COUNTER_DROP_HMAC;
	}
	fault = build(w, way, p, now, &told, &len);
	if (fault != COUNTER_NONE) {
		return fault;
	}
	batch_add(&w->scratch->out,
		  (struct batch_reply){ .party = party,
					.to = address(w->scratch, way, i, &told, last),
					.len = len,
					.t2 = p->t2,
					.key = p->key,
					.t3_ns = way->note ? way->note(p) : NULL,
					.code = p->code });
	return COUNTER_NONE;
}

static unsigned arrange(struct reflect_scratch *s, const struct reflect_way *way, unsigned n)
{
	unsigned count = 0;

	if (way->names && n > FEW) {
		return group(s, way, n);
	}
	for (unsigned i = 0; i < n; i++) {
		if (s->packets[i].party) {
			s->order[count++] = (uint8_t)i;
		}
	}
	return count;
}

static void answer(struct worker *w, struct reflect_source *source, unsigned n,
		   const struct reflect_pass *now)
{
	struct reflect_scratch *s = w->scratch;
	struct addressed last = { 0 };
	struct row row = { 0 };

	s->out.fd = source->fd;
	s->out.totals = &w->totals;
	s->out.unsegmented = atomic_load_explicit(&w->unsegmented, memory_order_relaxed);
	for (unsigned i = 0; i < n; i++) {
		struct reflect_packet *p = &s->packets[s->order[i]];
		enum counter fault;

		if (p->party != row.party) {
			count_row(&row);
			row.party = p->party;
		}
		row.octets += p->len;
		fault = answer_one(w, source->way, i, now, &last);
		if (fault == COUNTER_NONE) {
			count_answered(&row, &p->meta);
		} else {
			party_drop(p->party, fault, 1);
			source->late |= fault == COUNTER_DROP_LATE;
		}
		if (!now->in_batch) {
			count_row(&row);
			batch_send(&s->out);
		}
	}
	count_row(&row);
	batch_send(&s->out);
}

static void reflect(struct worker *w, struct reflect_source *source, unsigned n)
{
	struct reflect_scratch *s = w->scratch;
	struct reflect_pass now = begin(w, n);
	size_t octets = 0;

	for (unsigned i = 0; i < n; i++) {
		octets += unpack(w, &s->messages[i], &s->packets[i], &now);
	}
	source->way->whose(w, source->context, s->packets, n);
	answer(w, source, arrange(s, source->way, n), &now);
	source->full |= n == REFLECT_BATCH || octets >= FULL_OCTETS;
}

enum reflect_result reflect_burst(struct worker *w, struct reflect_source *source)
{
	for (int done = 0; done < REFLECT_BURST;) {
		int n = receive(w->scratch, source->fd, source->way->names);

		if (n <= 0) {
			if (n == 0 || errno == EAGAIN) {
				return REFLECT_EMPTY;
			}
			done++; /* an ICMP error: reported once, says nothing about the session */
			continue;
		}
		reflect(w, source, (unsigned)n);
		if (n < BATCH_MAX) {
			return REFLECT_EMPTY;
		}
		done += n;
	}
	return REFLECT_MORE;
}
