// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/batch.h"

#include "base/clock.h"
#include "daemon/reflector/estimate.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#define FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)

void batch_init(struct batch *b)
{
	b->count = b->sealed = 0;
	b->end = b->octets[0];
	for (int i = 0; i < BATCH_CHUNK; i++) {
		b->messages[i].msg_hdr = (struct msghdr){ .msg_iov = &b->vectors[i],
							  .msg_iovlen = 1 };
	}
	b->run = (struct msghdr){ .msg_iov = &b->run_vector,
				  .msg_iovlen = 1,
				  .msg_control = b->run_control,
				  .msg_controllen = CMSG_SPACE(sizeof(uint16_t)) };
	b->run_header = CMSG_FIRSTHDR(&b->run);
	assert(b->run_header); /* there is room */
	b->run_header->cmsg_level = SOL_UDP;
	b->run_header->cmsg_type = UDP_SEGMENT;
	b->run_header->cmsg_len = CMSG_LEN(sizeof(uint16_t));
}

static void seal(struct batch *b, struct batch_reply *r)
{
	struct wall t3 = clock_wall();
	struct reflection_time now = reflection_time(t3);

	dwell_note(&b->dwell, t3.ns - r->t2.ns);
	reflection_finish(&r->party->rules, r->octets, r->t2, &now);
}

/* What is sealed in STAMP's authenticated mode may be so again. */
static void stamp_one(struct batch_reply *r, const struct reflection_time *now)
{
	reflection_finish_stamp(&r->party->rules, r->octets, r->t2, now, r->key);
	if (r->t3_ns) {
		*r->t3_ns = now->at.ns < r->t2.ns ? r->t2.ns : now->at.ns;
	}
}

static void stamp_clear(struct batch *b, unsigned at, unsigned n)
{
	struct wall t3 = clock_wall();
	struct reflection_time now = reflection_time(t3);

	for (unsigned i = at; i < at + n; i++) {
		struct batch_reply *r = &b->replies[i];

		if (!r->party->rules.encrypted) {
			dwell_note(&b->dwell, t3.ns - r->t2.ns);
			stamp_one(r, &now);
		}
	}
}

/* Those first that take long, each once, since sealing cannot be undone (T-012); the clock is read
 * for the others after that. */
static void finish(struct batch *b, unsigned at, unsigned n)
{
	unsigned clear = 0;

	for (unsigned i = at; i < at + n; i++) {
		if (!b->replies[i].party->rules.encrypted) {
			clear++;
		} else if (i >= b->sealed) {
			seal(b, &b->replies[i]);
			b->sealed = i + 1;
		}
	}
	if (clear) {
		stamp_clear(b, at, n);
	}
}

/* Of a party it follows from what was answered. */
static void count_sent(struct batch *b, unsigned at, unsigned n)
{
	for (unsigned i = at; i < at + n; i++) {
		party_sum(b->replies[i].party, COUNTER_REFLECTED, 1);
	}
}

static void count_lost(struct batch *b, unsigned at, unsigned n)
{
	for (unsigned i = at; i < at + n; i++) {
		party_count(b->replies[i].party, COUNTER_DROP_TX, 1);
	}
}

static void count_octets(struct batch *b, unsigned at, unsigned n)
{
	for (unsigned i = at; i < at + n; i++) {
		party_count(b->replies[i].party, COUNTER_REFLECTED_OCTETS, b->replies[i].len);
	}
}

static bool is_shortage(int error)
{
	return error == EAGAIN || error == ENOBUFS || error == ENOMEM;
}

/* Like sendmmsg, which costs more for a lone one. */
static int transmit(int fd, struct mmsghdr *m, unsigned n)
{
	const struct iovec *v = m->msg_hdr.msg_iov;
	ssize_t sent;

	if (n > 1) {
		return sendmmsg(fd, m, n, FLAGS);
	}
	sent = m->msg_hdr.msg_name ? sendmsg(fd, &m->msg_hdr, FLAGS)
				   : send(fd, v->iov_base, v->iov_len, FLAGS);
	return sent < 0 ? -1 : 1;
}

static void fill_chunk(struct batch *b, unsigned at, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct batch_reply *r = &b->replies[at + i];
		const struct msghdr *to = r->to;
		struct msghdr *m = &b->messages[i].msg_hdr;

		b->vectors[i] = (struct iovec){ r->octets, r->len };
		m->msg_name = to ? to->msg_name : NULL;
		m->msg_namelen = to ? to->msg_namelen : 0;
		m->msg_control = to ? to->msg_control : NULL;
		m->msg_controllen = to ? to->msg_controllen : 0;
	}
}

static void send_chunk(struct batch *b, unsigned at, unsigned n)
{
	bool again = false;

	fill_chunk(b, at, n);
	finish(b, at, n);
	for (unsigned done = 0; done < n;) {
		int sent = transmit(b->fd, &b->messages[done], n - done);

		if (sent > 0) {
			count_sent(b, at + done, (unsigned)sent);
			count_octets(b, at + done, (unsigned)sent);
			done += (unsigned)sent;
			again = false;
		} else if (is_shortage(errno)) {
			count_lost(b, at + done, n - done);
			return;
		} else if (!again) {
			/* an ICMP error of an earlier reply is reported in place of sending, once */
			again = true;
		} else {
			count_lost(b, at + done, 1);
			done++;
			again = false;
		}
	}
}

/*
 * EIO: the device computes no checksums, or IPsec. EINVAL: so by older kernels, or the MTU of the
 * route shrank. The others: no such thing in this kernel or on this device.
 */
static bool is_refusal(int error)
{
	return error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP;
}

static void fill_run(struct batch *b, unsigned at, unsigned n)
{
	const struct batch_reply *first = &b->replies[at];
	const struct msghdr *to = first->to;
	size_t own = CMSG_SPACE(sizeof(uint16_t));
	uint16_t each = (uint16_t)first->len;

	b->run_vector = (struct iovec){ first->octets, n * first->len };
	memcpy(CMSG_DATA(b->run_header), &each, sizeof(each));
	if (to) {
		assert(own + to->msg_controllen <= sizeof(b->run_control));
		b->run.msg_name = to->msg_name;
		b->run.msg_namelen = to->msg_namelen;
		memcpy(b->run_control + own, to->msg_control, to->msg_controllen);
		b->run.msg_controllen = own + to->msg_controllen;
	} else {
		b->run.msg_name = NULL;
		b->run.msg_namelen = 0;
		b->run.msg_controllen = own;
	}
}

/* The kernel would refuse the next one, too: of many senders only this one goes without, and those
 * with the same place in the bitmap. */
static void remember_refusal(struct batch *b, const struct batch_reply *r)
{
	uint32_t place = r->code % PARTY_REFUSED;

	if (r->party->many) {
		r->party->refused[place / 64] |= UINT64_C(1) << (place % 64);
		return;
	}
	r->party->run_octets = 0;
	counters_add(b->totals, COUNTER_SEGMENT_REFUSALS, 1);
}

static bool is_refused(const struct batch *b, const struct batch_reply *r)
{
	uint32_t place = r->code % PARTY_REFUSED;

	return b->unsegmented || r->len > r->party->run_octets ||
	       (r->party->many && r->party->refused[place / 64] >> (place % 64) & 1);
}

/* False if the kernel does not do it, and nothing was sent. */
static bool send_run(struct batch *b, unsigned at, unsigned n)
{
	int error = 0;

	fill_run(b, at, n);
	finish(b, at, n);
	for (int tries = 0; tries < 2; tries++) { /* the first may report an ICMP error */
		if (sendmsg(b->fd, &b->run, FLAGS) >= 0) {
			party_sum(b->replies[at].party, COUNTER_REFLECTED, n);
			party_count(b->replies[at].party, COUNTER_REFLECTED_OCTETS,
				    n * b->replies[at].len);
			party_count(b->replies[at].party, COUNTER_SEGMENTED, n);
			return true;
		}
		error = errno;
		if (is_shortage(error)) {
			break;
		}
	}
	if (is_refusal(error)) {
		remember_refusal(b, &b->replies[at]);
		return false;
	}
	count_lost(b, at, n);
	return true;
}

/* How many from @at on may leave as one run, to one place: 1 = none. */
static unsigned measure(const struct batch *b, unsigned at)
{
	const struct batch_reply *first = &b->replies[at];
	size_t most = first->party->rules.encrypted ? BATCH_RUN_MAX_SEALED : BATCH_RUN_MAX;
	unsigned n = 1;

	if (is_refused(b, first)) {
		return 1;
	}
	if (most * first->len > BATCH_RUN_OCTETS) {
		most = BATCH_RUN_OCTETS / first->len;
	}
	while (n < most && at + n < b->count && b->replies[at + n].len == first->len &&
	       b->replies[at + n].party == first->party && b->replies[at + n].to == first->to) {
		n++;
	}
	return n;
}

void batch_send(struct batch *b)
{
	unsigned at = 0;

	while (at < b->count) {
		unsigned n = measure(b, at);

		if (n >= BATCH_RUN_MIN && send_run(b, at, n)) {
			at += n;
			continue;
		}
		/* up to where a run begins */
		for (n = 1; n < BATCH_CHUNK && at + n < b->count; n++) {
			if (measure(b, at + n) >= BATCH_RUN_MIN) {
				break;
			}
		}
		send_chunk(b, at, n);
		at += n;
	}
	b->count = b->sealed = 0;
	b->end = b->octets[0];
}
