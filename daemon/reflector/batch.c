// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/batch.h"

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

/*
 * T3 is the last thing before the packets leave. If the clock was set back since T2, T3 = T2:
 * a time that passed inside of us cannot be negative, and both stay on one scale (T-036).
 */
static void stamp(struct batch_reply *r, struct wall now, ts_wire wire)
{
	const struct udp_session *u = r->session;

	if (now.ns < r->t2.ns) {
		wire = ts_encode(u->format, r->t2);
	}
	pkt_put_reply_ts(u->layout, r->octets, wire);
}

static void stamp_all(struct batch *b, unsigned at, unsigned n)
{
	struct wall now = estimate_wall();
	enum ts_format format = b->replies[at].session->format;
	ts_wire wire = ts_encode(format, now);

	for (unsigned i = at; i < at + n; i++) {
		const struct udp_session *u = b->replies[i].session;

		if (u->format != format) {
			format = u->format;
			wire = ts_encode(format, now);
		}
		if (!u->encrypted) {
			stamp(&b->replies[i], now, wire);
		}
	}
}

/* Once for each reply: fields, HMAC, encryption, in this order (T-012), cannot be undone. */
static void seal(struct batch_reply *r)
{
	const struct udp_session *u = r->session;
	struct wall now = estimate_wall();

	stamp(r, now, ts_encode(u->format, now));
	crypt_pkt_seal_reply(u->crypt, true, r->octets);
}

/* Those first that take long; the clock is read for the others after that. */
static void finish(struct batch *b, unsigned at, unsigned n)
{
	unsigned clear = 0;

	for (unsigned i = at; i < at + n; i++) {
		if (!b->replies[i].session->encrypted) {
			clear++;
		} else if (i >= b->sealed) {
			seal(&b->replies[i]);
			b->sealed = i + 1;
		}
	}
	if (clear) {
		stamp_all(b, at, n);
	}
}

static void count_sent(struct worker *w, const struct batch *b, unsigned at, unsigned n)
{
	for (unsigned i = at; i < at + n; i++) {
		counters_add(&b->replies[i].session->counters, COUNTER_REFLECTED, 1);
	}
	counters_add(&w->totals, COUNTER_REFLECTED, n);
}

static void count_lost(struct worker *w, const struct batch *b, unsigned at, unsigned n)
{
	for (unsigned i = at; i < at + n; i++) {
		batch_drop(w, b->replies[i].session, COUNTER_DROP_TX, 1);
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
		const struct msghdr *to = r->session->to;
		struct msghdr *m = &b->messages[i].msg_hdr;

		b->vectors[i] = (struct iovec){ r->octets, r->len };
		m->msg_name = to ? to->msg_name : NULL;
		m->msg_namelen = to ? to->msg_namelen : 0;
		m->msg_control = to ? to->msg_control : NULL;
		m->msg_controllen = to ? to->msg_controllen : 0;
	}
}

static void send_chunk(struct worker *w, struct batch *b, unsigned at, unsigned n)
{
	int fd = b->replies[at].session->fd;
	bool again = false;

	fill_chunk(b, at, n);
	finish(b, at, n);
	for (unsigned done = 0; done < n;) {
		int sent = transmit(fd, &b->messages[done], n - done);

		if (sent > 0) {
			count_sent(w, b, at + done, (unsigned)sent);
			done += (unsigned)sent;
			again = false;
		} else if (is_shortage(errno)) {
			count_lost(w, b, at + done, n - done);
			return;
		} else if (!again) {
			/* an ICMP error of an earlier reply is reported in place of sending, once */
			again = true;
		} else {
			count_lost(w, b, at + done, 1);
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
	const struct msghdr *to = first->session->to;
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

/* False if the kernel does not do it, and nothing was sent. */
static bool send_run(struct worker *w, struct batch *b, unsigned at, unsigned n)
{
	struct udp_session *u = b->replies[at].session;
	int error = 0;

	fill_run(b, at, n);
	finish(b, at, n);
	for (int tries = 0; tries < 2; tries++) { /* the first may report an ICMP error */
		if (sendmsg(u->fd, &b->run, FLAGS) >= 0) {
			count_sent(w, b, at, n);
			counters_add(&u->counters, COUNTER_SEGMENTED, n);
			counters_add(&w->totals, COUNTER_SEGMENTED, n);
			return true;
		}
		error = errno;
		if (is_shortage(error)) {
			break;
		}
	}
	if (is_refusal(error)) {
		u->run_octets = 0;
		counters_add(&w->totals, COUNTER_SEGMENT_REFUSALS, 1);
		return false;
	}
	count_lost(w, b, at, n);
	return true;
}

/* How many from @at on may leave as one run, to one session: 1 = none. */
static unsigned measure(const struct batch *b, unsigned at)
{
	const struct batch_reply *first = &b->replies[at];
	const struct udp_session *u = first->session;
	size_t most = u->encrypted ? BATCH_RUN_MAX_SEALED : BATCH_RUN_MAX;
	unsigned n = 1;

	if (first->len > u->run_octets) {
		return 1;
	}
	if (most * first->len > BATCH_RUN_OCTETS) {
		most = BATCH_RUN_OCTETS / first->len;
	}
	while (n < most && at + n < b->count && b->replies[at + n].len == first->len &&
	       b->replies[at + n].session == u) {
		n++;
	}
	return n;
}

void batch_send(struct worker *w, struct batch *b)
{
	unsigned at = 0;

	while (at < b->count) {
		unsigned n = measure(b, at);

		if (n >= BATCH_RUN_MIN && send_run(w, b, at, n)) {
			at += n;
			continue;
		}
		/* up to where a run begins */
		for (n = 1; n < BATCH_CHUNK && at + n < b->count; n++) {
			if (measure(b, at + n) >= BATCH_RUN_MIN) {
				break;
			}
		}
		send_chunk(w, b, at, n);
		at += n;
	}
	b->count = b->sealed = 0;
	b->end = b->octets[0];
}
