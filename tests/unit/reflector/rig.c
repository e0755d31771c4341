// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/reflector/rig.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct address rig_loopback(int family, uint16_t port)
{
	struct address a = { .family = (uint8_t)family, .port = port };

	if (family == 4) {
		memcpy(a.ip, (uint8_t[]){ 127, 0, 0, 1 }, 4);
	} else {
		a.ip[15] = 1;
	}
	return a;
}

static socklen_t fill(struct sockaddr_storage *out, int family, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	if (family == 4) {
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	memcpy(out, &v6, sizeof(v6));
	return sizeof(v6);
}

int rig_sender(int family, uint16_t *port)
{
	struct sockaddr_storage a;
	socklen_t len = fill(&a, family, *port);
	int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1, big = 1 << 20;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	memcpy(&v4, &a, sizeof(v4));
	memcpy(&v6, &a, sizeof(v6));
	*port = ntohs(family == 4 ? v4.sin_port : v6.sin6_port);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	if (family == 4) {
		setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
	}
	return fd;
}

struct session_spec rig_spec(int family, uint16_t sender_port)
{
	return (struct session_spec){
		.local = rig_loopback(family, 0),
		.remote = rig_loopback(family, sender_port),
		.modes = MODE_UNAUTHENTICATED,
		.padding = 27,
		.timeout_ns = TS_NS_PER_S,
		.refwait_ns = 900 * TS_NS_PER_S,
	};
}

void rig_fill(uint8_t *out, size_t len, uint32_t seq, uint16_t error_estimate)
{
	static const uint8_t ts[8] = { 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4 };

	for (size_t i = 0; i < len; i++) {
		out[i] = (uint8_t)(0x80 | i);
	}
	if (len >= 14) {
		for (int i = 0; i < 4; i++) {
			out[i] = (uint8_t)(seq >> (24 - 8 * i));
		}
		memcpy(out + 4, ts, sizeof(ts));
		out[12] = (uint8_t)(error_estimate >> 8);
		out[13] = (uint8_t)error_estimate;
	}
}

void rig_send(int fd, int family, uint16_t port, const uint8_t *in, size_t len)
{
	struct sockaddr_storage a;
	socklen_t alen = fill(&a, family, port);
	ssize_t sent = sendto(fd, in, len, 0, (struct sockaddr *)&a, alen);

	if (sent < 0 && errno == ECONNREFUSED) { /* of an earlier one */
		sent = sendto(fd, in, len, 0, (struct sockaddr *)&a, alen);
	}
	ck_assert_int_eq(sent, (ssize_t)len);
}

void rig_send_seq(int fd, int family, uint16_t port, uint32_t seq)
{
	uint8_t packet[41];

	rig_fill(packet, sizeof(packet), seq, 0x0a0b);
	rig_send(fd, family, port, packet, sizeof(packet));
}

void rig_receive(int fd, struct rig_reply *out, int wait_ms)
{
	uint8_t control[256] __attribute__((aligned(16)));
	struct iovec iov = { out->octets, sizeof(out->octets) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct pollfd p = { .fd = fd, .events = POLLIN };

	out->len = -1;
	out->ttl = out->tos = -1;
	if (poll(&p, 1, wait_ms) <= 0) {
		return;
	}
	out->len = recvmsg(fd, &m, MSG_DONTWAIT);
	if (out->len < 0) {
		return;
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_type == IP_TTL || c->cmsg_type == IPV6_HOPLIMIT) {
			memcpy(&out->ttl, CMSG_DATA(c), sizeof(int));
		} else if (c->cmsg_type == IP_TOS || c->cmsg_type == IPV6_TCLASS) {
			out->tos = *CMSG_DATA(c);
		}
	}
}

void rig_expect_silence(int fd, int wait_ms)
{
	struct rig_reply reply;

	rig_receive(fd, &reply, wait_ms);
	ck_assert_int_eq(reply.len, -1);
}

void rig_pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)sched_getcpu(), &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}

void rig_settle(void)
{
	uint16_t port = 0;
	int fd = rig_sender(4, &port);
	struct sockaddr_storage a;
	socklen_t len = fill(&a, 4, port);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(write(fd, "", 1), 1);
	ck_assert_int_eq(poll(&p, 1, RIG_WAIT_MS), 1);
	close(fd);
}

void rig_make_worker(struct worker *w, int *keeper)
{
	memset(w, 0, sizeof(*w));
	w->scratch = reflect_scratch_new();
	ck_assert_ptr_nonnull(w->scratch);
	*keeper = udpsock_keeper(true, &(struct udpsock_defaults){ 0 });
	ck_assert_int_ge(*keeper, 0);
	ck_assert(sock_prove_stamps()); /* they come a moment after they were asked for */
}

void rig_free_worker(struct worker *w, int keeper)
{
	reflect_scratch_free(w->scratch);
	close(keeper);
}

int rig_session_socket(const struct session_spec *spec, uint16_t *port)
{
	struct udpsock_defaults defaults = { .rcvbuf = 212992, .sndbuf = 212992 };
	int rcvbuf, fd = udpsock_open(spec, true, &defaults, &rcvbuf);
	uint64_t dropped;
	uint32_t drops;

	ck_assert_int_ge(fd, 0);
	for (*port = 50000; sock_bind(fd, &spec->local, *port); ++*port) {
		ck_assert_uint_lt(*port, 60000);
	}
	ck_assert_int_eq(udpsock_connect(fd, spec), 0);
	ck_assert_int_eq(udpsock_release(fd, rcvbuf, &dropped, &drops), 0);
	return fd;
}

enum reflect_result rig_burst(struct worker *w, struct udp_session *u)
{
	enum reflect_result result;

	rig_settle();
	result = ownport_burst(w, u);
	rig_settle();
	return result;
}

uint32_t rig_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int64_t rig_ntp_ns(const uint8_t *p)
{
	int64_t seconds = (int64_t)(rig_get32(p) - UINT32_C(2208988800));

	return seconds * TS_NS_PER_S + (int64_t)((uint64_t)rig_get32(p + 4) * 1000000000 >> 32);
}

static int64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * TS_NS_PER_S + t.tv_nsec;
}

int64_t rig_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t rig_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void rig_sleep_ms(int ms)
{
	poll(NULL, 0, ms);
}

int rig_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d)) {
		n++;
	}
	closedir(d);
	return n;
}

uint64_t rig_count(const struct udp_session *u, enum counter i)
{
	struct counters_values v;

	udp_counters(u, &v);
	return v.n[i];
}

bool rig_sums_up(const struct counters_values *v)
{
	return v->n[COUNTER_RECEIVED] == v->n[COUNTER_REFLECTED] + counters_dropped(v);
}

bool rig_session_adds_up(const struct udp_session *u)
{
	struct counters_values v;

	udp_counters(u, &v);
	return rig_sums_up(&v);
}

bool rig_adds_up(const struct counters *c)
{
	struct counters_values v;

	counters_read(c, &v);
	return rig_sums_up(&v);
}
