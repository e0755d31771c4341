// SPDX-License-Identifier: BSD-2-Clause
#include "client/probe.h"

#include "client/timing.h"

#include <errno.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

#define BATCH 64 /* datagrams per wake-up */

static int tell(struct outcome *out, const char *what)
{
	return outcome_set(out, OUTCOME_LOCAL, 0, "%s: %s", what, strerror(errno));
}

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

static int set_ip(int fd, const struct options *o, int family)
{
	int tos = o->dscp << 2; /* ECN: Not-ECT */

	if (family == AF_INET6) {
		/* Fragments rather than silence when padding is above the MTU (T-027). */
		(void)set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
		return set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, o->ttl) |
		       set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, tos) |
		       set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	}
	(void)set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	return set_int(fd, IPPROTO_IP, IP_TTL, o->ttl) | set_int(fd, IPPROTO_IP, IP_TOS, tos) |
	       set_int(fd, IPPROTO_IP, IP_RECVTTL, 1);
}

int probe_open(struct probe *p, const struct options *o, const union endpoint *local,
	       struct outcome *out)
{
	int r;

	*p = (struct probe){ .fd = -1, .local = *local, .fill = o->fill };
	if (series_init(&p->series, o->count, o->timeout_ns) < 0) {
		return outcome_set(out, OUTCOME_LOCAL, 0, "not enough memory for %u packets",
				   o->count);
	}
	r = endpoint_bind_udp(o, &p->local, &p->fd, out);
	if (r != OUTCOME_OK) {
		return r;
	}
	if (set_ip(p->fd, o, local->any.sa_family) != 0) {
		return tell(out, "cannot set TTL or DSCP of the UDP socket");
	}
	/* Without it T4 is read by this program, and counted as such. */
	(void)set_int(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	(void)getrandom(&p->random, sizeof(p->random), GRND_NONBLOCK);
	return OUTCOME_OK;
}

int probe_aim(struct probe *p, const struct options *o, const union endpoint *peer, uint32_t modes,
	      struct outcome *out)
{
	p->peer = *peer;
	p->layout = pkt_layout(modes);
	p->send_octets = pkt_send_len(p->layout, o->padding);
	free(p->packet);
	p->packet = calloc(1, p->send_octets);
	if (!p->packet) {
		return tell(out, "test packet");
	}
	if (connect(p->fd, &peer->any, endpoint_len(peer)) < 0) {
		return tell(out, "cannot reach the reflector");
	}
	return OUTCOME_OK;
}

/* splitmix64: cheap, and no secret depends on it. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void fill_padding(struct probe *p)
{
	size_t at = p->layout->send_padding;

	switch (p->fill) {
	case OPTIONS_FILL_ZERO:
		break; /* as allocated */
	case OPTIONS_FILL_RANDOM:
		while (at < p->send_octets) {
			uint64_t octets = draw(&p->random);
			size_t n = p->send_octets - at;

			n = n < sizeof(octets) ? n : sizeof(octets);
			memcpy(p->packet + at, &octets, n);
			at += n;
		}
		break;
	}
}

void probe_send(struct probe *p, uint16_t error_estimate)
{
	struct pkt_send header = { .seq = p->next_seq++, .error_estimate = error_estimate };
	struct wall t1 = { 0 };
	ssize_t n = -1;

	fill_padding(p);
	/* The second try is for the ICMP error of an earlier packet, which this call reports. */
	for (int attempt = 0; attempt < 2 && n < 0; attempt++) {
		t1 = timing_wall();
		header.ts = ts_encode(TS_NTP, t1);
		pkt_put_send(p->layout, p->packet, &header);
		n = send(p->fd, p->packet, p->send_octets, 0);
		if (n < 0 && errno == ECONNREFUSED) {
			p->refused++;
		} else if (n < 0) {
			break;
		}
	}
	if (n < 0) {
		p->send_errors++;
		return;
	}
	series_sent(&p->series, header.seq, t1);
}

struct received {
	size_t octets;
	union endpoint from;
	struct wall t4;
	bool stamped;
	int ttl; /* -1 = unknown */
};

static void read_ancillary(struct msghdr *m, struct received *to)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		bool ttl = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT);

		if (ttl) {
			memcpy(&to->ttl, CMSG_DATA(c), sizeof(to->ttl));
		}
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec t;

			memcpy(&t, CMSG_DATA(c), sizeof(t));
			to->t4.ns = (int64_t)t.tv_sec * TS_NS_PER_S + t.tv_nsec;
			to->stamped = true;
		}
	}
}

/* 0, or a negative errno. */
static int receive_one(struct probe *p, uint8_t *to, size_t size, struct received *r)
{
	union {
		struct cmsghdr align;
		uint8_t octets[256];
	} control;
	struct iovec v = { .iov_base = to, .iov_len = size };
	struct msghdr m = { .msg_name = &r->from,
			    .msg_namelen = sizeof(r->from),
			    .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(p->fd, &m, 0);

	if (n < 0) {
		return -errno;
	}
	*r = (struct received){ .octets = (size_t)n, .from = r->from, .ttl = -1 };
	read_ancillary(&m, r);
	if (!r->stamped) {
		r->t4 = timing_wall();
		p->user_stamps++;
	}
	return 0;
}

void probe_receive(struct probe *p)
{
	uint8_t buf[256]; /* more than any header; the padding of a reply tells nothing */

	for (int i = 0; i < BATCH; i++) {
		struct received r = { 0 };
		struct pkt_reply reply;
		int error = receive_one(p, buf, sizeof(buf), &r);

		if (error == -ECONNREFUSED) {
			p->refused++;
			continue;
		}
		if (error == -EINTR) {
			continue;
		}
		if (error < 0) {
			return; /* -EAGAIN; network errors that ICMP told are passing ones */
		}
		/* Strangers may be queued from before the connect (T-060). */
		if (!endpoint_equal(&r.from, &p->peer)) {
			p->bad_source++;
		} else if (pkt_get_reply(p->layout, buf, r.octets, &reply) != 0) {
			p->bad_length++;
		} else {
			(void)series_reply(&p->series, &reply, r.t4, r.ttl);
		}
	}
}

bool probe_complete(const struct probe *p)
{
	return p->series.answered + p->series.late >= p->series.sent;
}

void probe_close(struct probe *p)
{
	if (p->fd >= 0) {
		close(p->fd);
	}
	p->fd = -1;
	free(p->packet);
	p->packet = NULL;
	series_wipe(&p->series);
}
