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
				  .msg_controllen = sizeof(b->run_control) };
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
static void stamp(const struct udp_session *u, struct batch_reply *r, struct wall now, ts_wire wire)
{
	if (now.ns < r->t2.ns) {
		wire = ts_encode(u->format, r->t2);
	}
	pkt_put_reply_ts(u->layout, r->octets, wire);
}

static void stamp_all(const struct udp_session *u, struct batch *b, unsigned at, unsigned n)
{
	struct wall now = estimate_wall();
	ts_wire wire = ts_encode(u->format, now);

	for (unsigned i = at; i < at + n; i++) {
		stamp(u, &b->replies[i], now, wire);
	}
}

/* Once for each reply: fields, HMAC, encryption, in this order (T-012), cannot be undone. */
static void seal_all(const struct udp_session *u, struct batch *b, unsigned at, unsigned n)
{
	for (unsigned i = at < b->sealed ? b->sealed : at; i < at + n; i++) {
		struct wall now = estimate_wall();

		stamp(u, &b->replies[i], now, ts_encode(u->format, now));
		crypt_pkt_seal_reply(u->crypt, true, b->replies[i].octets);
		b->sealed = i + 1;
	}
}

static void finish(const struct udp_session *u, struct batch *b, unsigned at, unsigned n)
{
	if (u->encrypted) {
		seal_all(u, b, at, n);
	} else {
		stamp_all(u, b, at, n);
	}
}

static void count_sent(struct worker *w, struct udp_session *u, unsigned n)
{
	batch_count(&u->counters.reflected, n);
	batch_count(&w->totals.reflected, n);
}

static bool is_shortage(int error)
{
	return error == EAGAIN || error == ENOBUFS || error == ENOMEM;
}

/* Like sendmmsg, which costs more for a lone one. */
static int transmit(int fd, struct mmsghdr *m, unsigned n)
{
	if (n > 1) {
		return sendmmsg(fd, m, n, FLAGS);
	}
	return send(fd, m->msg_hdr.msg_iov->iov_base, m->msg_hdr.msg_iov->iov_len, FLAGS) < 0 ? -1
											      : 1;
}

static void send_chunk(struct worker *w, struct udp_session *u, struct batch *b, unsigned at,
		       unsigned n)
{
	bool again = false;

	for (unsigned i = 0; i < n; i++) {
		b->vectors[i] = (struct iovec){ b->replies[at + i].octets, b->replies[at + i].len };
	}
	finish(u, b, at, n);
	for (unsigned done = 0; done < n;) {
		int sent = transmit(u->fd, &b->messages[done], n - done);

		if (sent > 0) {
			count_sent(w, u, (unsigned)sent);
			done += (unsigned)sent;
			again = false;
		} else if (is_shortage(errno)) {
			batch_drop(w, u, UDP_DROP_TX, n - done);
			return;
		} else if (!again) {
			/* an ICMP error of an earlier reply is reported in place of sending, once */
			again = true;
		} else {
			batch_drop(w, u, UDP_DROP_TX, 1);
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

/* False if the kernel does not do it, and nothing was sent. */
static bool send_run(struct worker *w, struct udp_session *u, struct batch *b, unsigned at,
		     unsigned n)
{
	const struct batch_reply *first = &b->replies[at];
	uint16_t each = (uint16_t)first->len;
	int error = 0;

	b->run_vector = (struct iovec){ first->octets, n * first->len };
	memcpy(CMSG_DATA(b->run_header), &each, sizeof(each));
	finish(u, b, at, n);
	for (int tries = 0; tries < 2; tries++) { /* the first may report an ICMP error */
		if (sendmsg(u->fd, &b->run, FLAGS) >= 0) {
			count_sent(w, u, n);
			batch_count(&u->counters.segmented, n);
			batch_count(&w->totals.segmented, n);
			return true;
		}
		error = errno;
		if (is_shortage(error)) {
			break;
		}
	}
	if (is_refusal(error)) {
		u->run_octets = 0;
		batch_count(&w->totals.segment_refusals, 1);
		return false;
	}
	batch_drop(w, u, UDP_DROP_TX, n);
	return true;
}

/* How many from @at on may leave as one run: 1 = none. */
static unsigned measure(const struct udp_session *u, const struct batch *b, unsigned at)
{
	size_t len = b->replies[at].len;
	size_t most = u->encrypted ? BATCH_RUN_MAX_SEALED : BATCH_RUN_MAX;
	unsigned n = 1;

	if (len > u->run_octets) {
		return 1;
	}
	if (most * len > BATCH_RUN_OCTETS) {
		most = BATCH_RUN_OCTETS / len;
	}
	while (n < most && at + n < b->count && b->replies[at + n].len == len) {
		n++;
	}
	return n;
}

void batch_send(struct worker *w, struct udp_session *u, struct batch *b)
{
	unsigned at = 0;

	while (at < b->count) {
		unsigned n = measure(u, b, at);

		if (n >= BATCH_RUN_MIN && send_run(w, u, b, at, n)) {
			at += n;
			continue;
		}
		/* up to where a run begins */
		for (n = 1; n < BATCH_CHUNK && at + n < b->count; n++) {
			if (measure(u, b, at + n) >= BATCH_RUN_MIN) {
				break;
			}
		}
		send_chunk(w, u, b, at, n);
		at += n;
	}
	b->count = b->sealed = 0;
	b->end = b->octets[0];
}
