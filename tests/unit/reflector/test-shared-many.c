// SPDX-License-Identifier: BSD-2-Clause
/* Many sessions on shared ports: each answers, also when others come and go, and what a packet
 * costs does not grow. Their senders are one socket with the addresses of 127.64.0.0/16. */
#include "tests/unit/reflector/fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 10000, WINDOW = 50 };

static struct udp_session *u[N];
static struct fixture_end e[N];
static uint16_t port[N], from;
static int fd;

static void set_up(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int on = 1;

	fixture_make_shared(2, false);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)), 0);
	from = ntohs(a.sin_port);
}

static void tear_down(void)
{
	fixture_tear_down();
	close(fd);
}

static struct session_spec spec_of(unsigned i)
{
	struct session_spec spec = rig_spec(4, from);

	memcpy(spec.remote.ip, (uint8_t[]){ 127, 64, (uint8_t)(i >> 8), (uint8_t)i }, 4);
	return spec;
}

static void send_from(unsigned i, uint32_t seq)
{
	uint8_t packet[41],
		control[CMSG_SPACE(sizeof(struct in_pktinfo))] __attribute__((aligned(16))) = { 0 };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port[i]),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(127u << 24 | 64u << 16 | i) };
	struct iovec iov = { packet, sizeof(packet) };
	struct msghdr m = { .msg_name = &to,
			    .msg_namelen = sizeof(to),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	rig_fill(packet, sizeof(packet), seq, 0x0101);
	ck_assert_int_eq(sendmsg(fd, &m, 0), sizeof(packet));
}

/* Which session's address the reply came to. */
static unsigned receive_any(uint32_t *seq, uint32_t *sender_seq)
{
	uint8_t packet[64], control[256] __attribute__((aligned(16)));
	struct iovec iov = { packet, sizeof(packet) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct in_pktinfo info;
	struct cmsghdr *c;

	ck_assert_int_eq(recvmsg(fd, &m, 0), 41);
	c = CMSG_FIRSTHDR(&m);
	ck_assert_ptr_nonnull(c);
	memcpy(&info, CMSG_DATA(c), sizeof(info));
	*seq = rig_get32(packet);
	*sender_seq = rig_get32(packet + 24);
	return ntohl(info.ipi_addr.s_addr) & 0xffff;
}

static bool all(unsigned i)
{
	return true;
}

static bool odd(unsigned i)
{
	return i % 2;
}

/* A packet from each of these: replies to all of them, with this number. */
static void exchange(bool (*among)(unsigned), uint32_t seq, uint32_t sender_seq)
{
	for (unsigned start = 0; start < N; start += WINDOW) {
		unsigned sent = 0;
		static bool seen[N];

		for (unsigned i = start; i < start + WINDOW; i++) {
			seen[i] = !among(i);
			if (among(i)) {
				send_from(i, sender_seq + i);
				sent++;
			}
		}
		while (sent--) {
			uint32_t got, of;
			unsigned i = receive_any(&got, &of);

			ck_assert_uint_ge(i, start);
			ck_assert_uint_lt(i, start + WINDOW);
			ck_assert(!seen[i]);
			seen[i] = true;
			ck_assert_uint_eq(got, seq);
			ck_assert_uint_eq(of, sender_seq + i);
		}
	}
}

static void open_those(bool (*among)(unsigned))
{
	for (unsigned i = 0; i < N; i++) {
		if (among(i)) {
			struct session_spec spec = spec_of(i);

			u[i] = fixture_start(&spec, &e[i], &port[i]);
		}
	}
}

/* R-110 and issue of scale: 10,000 on two ports; half of them go, and come back */
START_TEST(come_and_go)
{
	int before = rig_descriptors();
	struct counters_values totals;

	open_those(all);
	ck_assert_int_eq(rig_descriptors(), before);
	exchange(all, 0, 100);
	exchange(all, 1, 200000);
	for (unsigned i = 1; i < N; i += 2) {
		if (i % 4 == 1) {
			udp_stop(u[i], 0);
		} else {
			udp_end(u[i]);
		}
	}
	fixture_pump(N / 2);
	for (unsigned i = 1; i < N; i += 2) {
		ck_assert_uint_eq(e[i].reflected, 2);
		ck_assert(e[i].adds_up);
		send_from(i, 1); /* to nobody */
		if (i % 100 == 1) { /* the buffer does not hold them all */
			send_from(i - 1, 1);
			receive_any(&(uint32_t){ 0 }, &(uint32_t){ 0 });
		}
	}
	reflector_totals(fixture.r, &totals);
	ck_assert_uint_eq(totals.n[COUNTER_SESSIONS], N / 2);
	open_those(odd);
	exchange(odd, 0, 5);
	reflector_totals(fixture.r, &totals);
	ck_assert_uint_eq(totals.n[COUNTER_SESSIONS], N);
	ck_assert_uint_eq(totals.n[COUNTER_DROP_SOURCE], N / 2);
	ck_assert_uint_eq(totals.n[COUNTER_DROP_EARLY], 0);
}
END_TEST

/* Ends from all sides at once: Stop, End, Timeout and REFWAIT, started or not, under traffic. */
START_TEST(races)
{
	enum { SOME = 3000 };

	for (unsigned i = 0; i < SOME; i++) {
		struct session_spec spec = spec_of(i);

		spec.refwait_ns = i % 3 ? 900 * TS_NS_PER_S : 1 + i * 1000;
		u[i] = i % 7 ? fixture_start(&spec, &e[i], &port[i])
			     : fixture_open(&spec, &e[i], &port[i]);
		send_from(i, 0);
	}
	for (unsigned i = 0; i < SOME; i++) {
		send_from(i, 1);
		fixture_race(u[i], i, i * 2000);
	}
	fixture_pump(SOME);
	for (unsigned i = 0; i < SOME; i++) {
		ck_assert_int_eq(e[i].count, 1);
		ck_assert(e[i].adds_up);
		ck_assert(i % 7 || e[i].reflected == 0);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("shared-many");
	TCase *t = tcase_create("shared-many");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 240);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, come_and_go);
	tcase_add_test(t, races);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
