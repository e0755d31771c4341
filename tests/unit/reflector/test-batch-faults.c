// SPDX-License-Identifier: BSD-2-Clause
/* Batches that the kernel does not take: refusals, shortage, errors of the route. */
#include "tests/unit/reflector/test-batch.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The kernel refuses UDP_SEGMENT on a socket without checksums: for good, and nothing is lost. */
START_TEST(refused)
{
	int on = 1;

	again(4, all_modes[_i]);
	ck_assert_int_eq(setsockopt(u.fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)), 0);
	send_many(30, 200);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	expect_many(30, 200);
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_SEGMENT_REFUSALS), 1);
	ck_assert_uint_eq(u.party.run_octets, 0);
	ck_assert_uint_eq(rig_count(&u, COUNTER_SEGMENTED), 0);
	send_many(30, 200);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	for (uint32_t i = 0; i < 30; i++) {
		expect(30 + i, i, 200, true);
	}
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_SEGMENT_REFUSALS), 1);
}
END_TEST

/* Buffers are full: each reply is either sent or counted, and the thread does not insist. T-045 */
START_TEST(shortage)
{
	static const int errors[] = { EAGAIN, ENOBUFS, ENOMEM };

	calls_fail(0, UINT32_MAX, errors[_i]);
	send_many(30, 200);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	ck_assert_uint_eq(calls.sends, 1);
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_TX), 30);
	ck_assert_uint_gt(u.party.run_octets, 0); /* no refusal */
	u.party.run_octets = 0;
	calls_fail(1, 2, errors[_i]); /* the second and the third of eight chunks */
	send_many(30, 200);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	ck_assert_uint_eq(calls.sends, 8);
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_TX), 38);
	for (uint32_t i = 0; i < 30; i++) {
		if (i < 4 || i >= 12) {
			expect(30 + i, i, 200, true);
		}
	}
}
END_TEST

/* sendmmsg takes some: the rest follows, once. */
START_TEST(partial)
{
	again(4, all_modes[_i / 3]);
	u.party.run_octets = 0;
	calls.partial = 1 + (unsigned)_i % 3;
	send_many(41, 200);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	expect_many(41, 200);
	ck_assert_uint_eq(rig_count(&u, COUNTER_REFLECTED), 41);
}
END_TEST

/* An ICMP error is reported in place of sending, once: no refusal, and nothing is lost. */
START_TEST(icmp_error)
{
	static const int errors[] = { ECONNREFUSED, EHOSTUNREACH, EOPNOTSUPP };

	again(4, all_modes[_i / 3]);
	calls_fail(0, 1, errors[_i % 3]);
	send_many(16, 200);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	expect_many(16, 200);
	ck_assert_uint_gt(u.party.run_octets, 0);
	ck_assert_uint_eq(rig_count(&u, COUNTER_SEGMENTED), 16);
	u.party.run_octets = 0;
	u.party.hot.seq = 0;
	calls_fail(1, 1, errors[_i % 3]);
	send_many(16, 200);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	expect_many(16, 200);
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_SEGMENT_REFUSALS), 0);
	u.party.hot.seq = 32;
}
END_TEST

/* An error that stays is neither a refusal nor the end. */
START_TEST(no_route)
{
	calls_fail(0, UINT32_MAX, ENETUNREACH);
	send_many(16, 200);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	u.party.run_octets = 0;
	send_many(16, 200);
	send_one(16, 200);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_TX), 33);
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_SEGMENT_REFUSALS), 0);
	calls_fail(0, 0, 0);
	send_one(17, 200);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	expect(33, 17, 200, false);
}
END_TEST

static void set_loopback(int mtu)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_mtu = mtu };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ck_assert_int_eq(ioctl(fd, SIOCSIFMTU, &request), 0);
	request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

/* The MTU shrinks under a running session: what fitted into a packet is cut up by IP now, which
 * UDP_SEGMENT does not do. In a network of our own. */
START_TEST(route_shrinks)
{
	if (unshare(CLONE_NEWNET)) {
		printf("route_shrinks: not done, no right to a network namespace\n");
		return;
	}
	set_loopback(1500);
	again(_i ? 6 : 4, MODE_UNAUTHENTICATED);
	ck_assert_uint_eq(u.party.run_octets, _i ? 1452 : 1472);
	send_many(10, u.party.run_octets);
	send_many(10, u.party.run_octets + 1);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	for (uint32_t i = 0; i < 20; i++) {
		expect(i, i % 10, i < 10 ? u.party.run_octets : u.party.run_octets + 1, true);
	}
	ck_assert_uint_eq(rig_count(&u, COUNTER_SEGMENTED), 10);
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_SEGMENT_REFUSALS), 0);
	set_loopback(1300);
	u.party.hot.seq = 0;
	send_many(20, 1400);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	expect_many(20, 1400);
	ck_assert_uint_eq(rig_count(&u, COUNTER_SEGMENTED), 10);
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_SEGMENT_REFUSALS), 1);
	ck_assert_uint_eq(u.party.run_octets, 0);
	u.party.hot.seq = 40;
}
END_TEST

/* Refusals of other kernels and devices: as above */
START_TEST(refused_otherwise)
{
	static const int errors[] = { EIO, EINVAL, EMSGSIZE, EOPNOTSUPP };

	again(4, all_modes[_i / 4]);
	calls_fail(0, 2, errors[_i % 4]);
	send_many(30, 200);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	expect_many(30, 200);
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_SEGMENT_REFUSALS), 1);
	ck_assert_uint_eq(u.party.run_octets, 0);
}
END_TEST

void add_faults(TCase *t)
{
	tcase_add_loop_test(t, refused, 0, 3);
	tcase_add_loop_test(t, refused_otherwise, 0, 12);
	tcase_add_loop_test(t, route_shrinks, 0, 2);
	tcase_add_loop_test(t, shortage, 0, 3);
	tcase_add_loop_test(t, partial, 0, 9);
	tcase_add_loop_test(t, icmp_error, 0, 9);
	tcase_add_test(t, no_route);
}
