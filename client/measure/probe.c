// SPDX-License-Identifier: BSD-2-Clause
#include "client/measure/probe.h"

#include "base/clock.h"
#include "client/measure/padding.h"
#include "protocol/stamp.h"

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

static int set_ip(int fd, const struct plan *plan, int family)
{
	int tos = plan->dscp << 2; /* ECN: Not-ECT */

	if (family == AF_INET6) {
		/* Fragments rather than silence when padding is above the MTU (T-027). */
		(void)set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
		return set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, plan->ttl) |
		       set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, tos) |
		       set_int(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	}
	(void)set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	return set_int(fd, IPPROTO_IP, IP_TTL, plan->ttl) | set_int(fd, IPPROTO_IP, IP_TOS, tos) |
	       set_int(fd, IPPROTO_IP, IP_RECVTTL, 1);
}

int probe_open(struct probe *p, const struct plan *plan, const union endpoint *local,
	       struct outcome *out)
{
	int r;

	*p = (struct probe){
		.fd = -1, .local = *local, .fill = plan->fill, .start_accept = -1, .stop_accept = -1
	};
	if (series_init(&p->series, plan->count, plan->timeout_ns) < 0) {
		return outcome_set(out, OUTCOME_LOCAL, 0, "not enough memory for %u packets",
				   plan->count);
	}
	r = endpoint_bind_udp(plan, &p->local, &p->fd, out);
	if (r != OUTCOME_OK) {
		return r;
	}
	if (set_ip(p->fd, plan, local->any.sa_family) != 0) {
		return tell(out, "cannot set TTL or DSCP of the UDP socket");
	}
	/* Without it T4 is read by this program, and counted as such. */
	(void)set_int(p->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	(void)getrandom(&p->random, sizeof(p->random), GRND_NONBLOCK);
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

static void fill(struct probe *p, size_t at, size_t end)
{
	switch (p->fill) {
	case PLAN_FILL_ZERO:
		break; /* as allocated */
	case PLAN_FILL_RANDOM:
		while (at < end) {
			uint64_t octets = draw(&p->random);
			size_t n = end - at < sizeof(octets) ? end - at : sizeof(octets);

			memcpy(p->packet + at, &octets, n);
			at += n;
		}
		break;
	}
}

static void guard(struct probe *p, const struct probe_aim *at)
{
	p->guard = at->modes & MODE_ENCRYPTED	    ? PROBE_ENCRYPTED
		   : at->modes & MODE_AUTHENTICATED ? PROBE_AUTHENTICATED
						    : PROBE_CLEAR;
	if (p->guard != PROBE_CLEAR) {
		crypt_test_init(&p->crypt, at->keys, at->sid);
	}
}

/* The padding that comes back stays the same in all packets. RFC 6038 5.1.2, R-317 */
static void fill_reflected(struct probe *p, const struct plan *plan, const struct probe_aim *at)
{
	size_t start = p->layout->send_padding;

	fill(p, start, start + p->reflect_octets);
	if (at->server_octets != 0) {
		p->packet[start] = (uint8_t)(at->server_octets >> 8);
		p->packet[start + 1] = (uint8_t)at->server_octets;
	}
}

int probe_aim(struct probe *p, const struct plan *plan, const struct probe_aim *at,
	      struct outcome *out)
{
	p->peer = at->peer;
	memcpy(p->sid, at->sid, sizeof(p->sid));
	p->stamp = plan->stamp;
	p->ssid = plan->ssid;
	p->layout = p->stamp ? stamp_layout() : pkt_layout(at->modes);
	p->format = at->modes & MODE_PTP ? TS_PTP : TS_NTP;
	p->tos_seen = at->modes & MODE_DSCP_ECN ? at->tos_seen : NULL;
	p->reflect_octets = at->modes & MODE_REFLECT_OCTETS ? plan->reflect_length : 0;
	p->send_octets = pkt_send_len(p->layout, p->stamp ? padding_stamp(plan)
							  : padding_octets(plan, at->modes));
	p->reply_octets = (size_t)p->layout->reply_min + p->reflect_octets;
	free(p->packet);
	free(p->reply);
	p->packet = calloc(1, p->send_octets);
	p->reply = calloc(1, p->reply_octets);
	if (!p->packet || !p->reply) {
		return tell(out, "test packet");
	}
	guard(p, at);
	fill_reflected(p, plan, at);
	if (connect(p->fd, &at->peer.any, endpoint_len(&at->peer)) < 0) {
		return tell(out, "cannot reach the reflector");
	}
	return OUTCOME_OK;
}

/* What a STAMP packet has beside the fields of pkt.h. */
static void dress(struct probe *p)
{
	stamp_put_ssid(p->packet, p->ssid);
	if (p->send_octets > STAMP_BASE_LEN) {
		stamp_put_extra_padding(p->packet + STAMP_BASE_LEN,
					(uint16_t)(p->send_octets - STAMP_BASE_LEN));
	}
}

/* The header with its timestamp, as late as its protection lets it be: T-005. Returns T1. */
static struct wall put_header(struct probe *p, struct pkt_send *header)
{
	struct wall t1 = clock_wall();
	struct wire_out ts = wire_out(p->packet + p->layout->ts, sizeof(header->ts));

	header->ts = ts_encode(p->format, t1);
	pkt_put_send(p->layout, p->packet, header);
	if (p->stamp) {
		dress(p);
	}
	switch (p->guard) {
	case PROBE_CLEAR:
		break;
	case PROBE_AUTHENTICATED:
		crypt_pkt_seal_send(&p->crypt, false, p->packet);
		t1 = clock_wall();
		wire_put64(&ts, ts_encode(p->format, t1));
		break;
	case PROBE_ENCRYPTED:
		crypt_pkt_seal_send(&p->crypt, true, p->packet);
		break;
	}
	return t1;
}

void probe_send(struct probe *p, uint16_t error_estimate)
{
	struct pkt_send header = { .seq = p->next_seq++, .error_estimate = error_estimate };
	struct wall t1 = { 0 };
	ssize_t n = -1;

	fill(p, (size_t)p->layout->send_padding + p->reflect_octets, p->send_octets);
	/* The second try is for the ICMP error of an earlier packet, which this call reports. */
	for (int attempt = 0; attempt < 2 && n < 0; attempt++) {
		t1 = put_header(p, &header);
		n = send(p->fd, p->packet, p->send_octets, 0);
		if (n < 0 && errno == ECONNREFUSED) {
			p->counts.refused++;
		} else if (n < 0) {
			break;
		}
	}
	if (n < 0) {
		p->counts.send_errors++;
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
		r->t4 = clock_wall();
		p->counts.user_stamps++;
	}
	return 0;
}

/* T-085. False if the reply belongs to another session. */
static bool check_ssid(struct probe *p, size_t octets)
{
	uint16_t ssid = p->stamp ? stamp_get_ssid(p->reply, octets) : 0;

	if (!p->stamp || ssid == p->ssid) {
		return true;
	}
	p->counts.ssid_missing += ssid == 0;
	return ssid == 0;
}

static bool is_authentic(struct probe *p, size_t octets)
{
	switch (p->guard) {
	case PROBE_CLEAR:
		return true;
	case PROBE_AUTHENTICATED:
		return crypt_pkt_open_reply(&p->crypt, false, p->reply, octets) == 0;
	case PROBE_ENCRYPTED:
		return crypt_pkt_open_reply(&p->crypt, true, p->reply, octets) == 0;
	}
	return false;
}

static bool is_reflected(const struct probe *p, size_t octets)
{
	return octets >= p->reply_octets &&
	       memcmp(p->reply + p->layout->reply_min, p->packet + p->layout->send_padding,
		      p->reflect_octets) == 0;
}

/* A datagram is counted as what it is; none of them ends the session. T-060 */
static void take_reply(struct probe *p, const struct received *r)
{
	struct pkt_reply reply;
	enum series_verdict verdict;

	/* Strangers may be queued from before the connect. */
	if (!endpoint_equal(&r->from, &p->peer)) {
		p->counts.bad_source++;
		return;
	}
	if (r->octets < p->layout->reply_min) {
		p->counts.bad_length++;
		return;
	}
	if (!check_ssid(p, r->octets)) {
		p->counts.bad_source++;
		return;
	}
	if (!is_authentic(p, r->octets)) {
		p->counts.hmac_failures++;
		return;
	}
	if (pkt_get_reply(p->layout, p->reply, r->octets, &reply) != 0) {
		p->counts.bad_length++;
		return;
	}
	verdict = series_reply(&p->series, &reply, r->t4, r->ttl);
	if (verdict != SERIES_COUNTED && verdict != SERIES_TOO_LATE) {
		return;
	}
	if (p->tos_seen) {
		p->tos_seen[reply.tos]++;
	}
	if (!is_reflected(p, r->octets)) {
		p->counts.reflect_failures++;
	}
}

void probe_receive(struct probe *p)
{
	for (int i = 0; i < BATCH; i++) {
		struct received r = { 0 };
		/* What is longer is cut: the rest of the padding tells nothing. */
		int error = receive_one(p, p->reply, p->reply_octets, &r);

		if (error == -ECONNREFUSED) {
			p->counts.refused++;
			continue;
		}
		if (error == -EINTR) {
			continue;
		}
		if (error < 0) {
			return; /* -EAGAIN; network errors that ICMP told are passing ones */
		}
		take_reply(p, &r);
	}
}

bool probe_complete(const struct probe *p)
{
	return p->series.answered + p->series.late >= p->series.sent;
}

void probe_add_counts(const struct probe *p, struct probe_counts *sum)
{
#define ADD(name) sum->name += p->counts.name;
	PROBE_COUNTS(ADD)
#undef ADD
}

void probe_close(struct probe *p)
{
	if (p->fd >= 0) {
		close(p->fd);
	}
	p->fd = -1;
	free(p->packet);
	free(p->reply);
	p->packet = NULL;
	p->reply = NULL;
	crypt_test_wipe(&p->crypt);
	series_wipe(&p->series);
}
