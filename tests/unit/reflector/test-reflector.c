// SPDX-License-Identifier: BSD-2-Clause
/* Packets through the reflector and its threads, over real sockets on loopback. */
#include "tests/unit/reflector/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* R-100 T-021 T-022 T-027 T-045 T-047: any size, equal size back, from the same port */
START_TEST(every_size)
{
	static const size_t sizes[] = { 14, 15, 40, 41, 42, 100, 1472, 1473, 9000, 65507, 65527 };
	static uint8_t packet[65536];
	int family = _i ? 6 : 4;
	uint16_t from = 0, port;
	int fd = rig_sender(family, &from);
	struct session_spec spec = rig_spec(family, from);
	static struct fixture_end e;
	uint32_t seq = 0;

	spec.padding = family == 4 ? 65507 - 14 : 65527 - 14;
	fixture_start(&spec, &e, &port);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i], want = n > 41 ? n : 41, copied;

		if (family == 4 && n > 65507) {
			continue;
		}
		rig_fill(packet, n, (uint32_t)(1000 + i), 0x0101);
		rig_send(fd, family, port, packet, n);
		fixture_expect(fd, seq++, (uint32_t)(1000 + i));
		ck_assert_int_eq(fixture.reply.len, (ssize_t)want);
		ck_assert_mem_eq(fixture.reply.octets + 24, packet, 14);
		copied = n - 14 < want - 41 ? n - 14 : want - 41;
		ck_assert_mem_eq(fixture.reply.octets + 41, packet + 14, copied);
		ck_assert_int_eq(fixture.reply.ttl, 255);
	}
	close(fd);
}
END_TEST

/* T-047 C-077 R-093: the DSCP is the session's; RFC 7750 reports the one that came */
START_TEST(dscp_and_ttl)
{
	int family = _i ? 6 : 4, tos = 0x28 | 1, hops = 33;
	uint16_t from = 0, port;
	int fd = rig_sender(family, &from);
	struct session_spec spec = rig_spec(family, from);
	static struct fixture_end e;

	if (family == 4) {
		setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
		setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops));
	} else {
		setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
		setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops));
	}
	spec.dscp = 46;
	spec.modes |= MODE_DSCP_ECN;
	fixture_start(&spec, &e, &port);
	rig_send_seq(fd, family, port, 1);
	fixture_expect(fd, 0, 1);
	ck_assert_int_eq(fixture.reply.tos, 46 << 2);
	ck_assert_int_eq(fixture.reply.ttl, 255);
	ck_assert_uint_eq(fixture.reply.octets[40], 33);
	ck_assert_uint_eq(fixture.reply.octets[41], 0x29);
	close(fd);
}
END_TEST

/* T-041 R-142: nothing before Start, not even later; everything after it */
START_TEST(early_packets)
{
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	struct udp_session *u;
	struct counters_values totals;
	static struct fixture_end e;

	u = fixture_open(&spec, &e, &port);
	for (uint32_t i = 0; i < 300; i++) {
		rig_send_seq(fd, 4, port, i);
	}
	ck_assert_int_eq(udp_start(u, &fixture_keys, fixture_sid), 0);
	rig_send_seq(fd, 4, port, 300);
	fixture_expect(fd, 0, 300);
	ck_assert_uint_eq(rig_count(u, COUNTER_DROP_EARLY), 300);
	ck_assert_int_eq(udp_start(u, &fixture_keys, fixture_sid), -EALREADY);
	udp_end(u);
	fixture_pump(1);
	ck_assert_uint_eq(e.early, 300);
	ck_assert_uint_eq(e.received, 301);
	ck_assert(e.adds_up);
	reflector_totals(fixture.r, &totals);
	ck_assert_uint_eq(totals.n[COUNTER_DROP_EARLY], 300);
	ck_assert_uint_eq(totals.n[COUNTER_RECEIVED], 301);
	ck_assert_uint_eq(totals.n[COUNTER_REFLECTED], 1);
	ck_assert_uint_eq(totals.n[COUNTER_SESSIONS], 0);
	close(fd);
}
END_TEST

/* T-040 R-172: strangers are not heard, before and after Start */
START_TEST(strangers)
{
	uint16_t from = 0, other = 0, port;
	int fd = rig_sender(4, &from), stranger = rig_sender(4, &other);
	struct session_spec spec = rig_spec(4, from);
	static struct fixture_end e;
	struct udp_session *u = fixture_open(&spec, &e, &port);

	rig_send_seq(stranger, 4, port, 1);
	ck_assert_int_eq(udp_start(u, &fixture_keys, fixture_sid), 0);
	rig_send_seq(stranger, 4, port, 2);
	rig_send_seq(fd, 4, port, 3);
	fixture_expect(fd, 0, 3);
	rig_expect_silence(stranger, 0);
	ck_assert_uint_eq(rig_count(u, COUNTER_RECEIVED), 1);
	close(fd);
	close(stranger);
}
END_TEST

/* The stamps of the kernel are proven at start, from the first packet of a session on. */
START_TEST(kernel_timestamps)
{
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	struct udp_session *u;
	static struct fixture_end e;
	bool kernel = reflector_kernel_timestamps(fixture.r);

	if (_i) {
		fixture_tear_down();
		fixture_make(true);
		kernel = false;
		ck_assert(!reflector_kernel_timestamps(fixture.r));
	}
	u = fixture_start(&spec, &e, &port);
	for (uint32_t i = 0; i < 20; i++) {
		int64_t t1 = rig_wall_ns(), t2, t3;

		rig_send_seq(fd, 4, port, i);
		fixture_expect(fd, i, i);
		t2 = rig_ntp_ns(fixture.reply.octets + 16);
		t3 = rig_ntp_ns(fixture.reply.octets + 4);
		ck_assert_int_le(t1 - 1, t2);
		ck_assert_int_le(t2, t3);
		ck_assert_int_le(t3, rig_wall_ns());
		ck_assert_uint_ne(fixture.reply.octets[13], 0); /* T-034 */
	}
	ck_assert_uint_eq(rig_count(u, COUNTER_USER_TIMESTAMPS), kernel ? 0 : 20);
	close(fd);
}
END_TEST

/* The heartbeat is that of the threads: it goes on while this one sleeps. */
START_TEST(lag)
{
	int64_t limit = rig_mono_ns() + RIG_WAIT_MS * INT64_C(1000000);

	rig_sleep_ms(1500);
	while (reflector_lag_s(fixture.r) > 1.) {
		ck_assert_int_lt(rig_mono_ns(), limit);
		rig_sleep_ms(10);
	}
	ck_assert(reflector_lag_s(fixture.r) >= 0.);
	ck_assert_str_eq(counters_rows[COUNTER_DROP_SHORT].name, "short");
	ck_assert_str_eq(counters_rows[COUNTER_DROP_TX].name, "tx");
	reflector_free(NULL);
}
END_TEST

/* The id of our thread of this name; 0 = there is none. */
static int find_thread(const char *name)
{
	DIR *tasks = opendir("/proc/self/task");
	int found = 0;

	ck_assert_ptr_nonnull(tasks);
	for (struct dirent *d; !found && (d = readdir(tasks)) != NULL;) {
		char path[300], comm[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", d->d_name);
		f = fopen(path, "re");
		if (f) {
			comm[fread(comm, 1, sizeof(comm) - 1, f)] = '\0';
			fclose(f);
		}
		comm[strcspn(comm, "\n")] = '\0';
		found = strcmp(comm, name) == 0 ? atoi(d->d_name) : 0;
	}
	closedir(tasks);
	return found;
}

/* What the operator chose for the process holds for its reflector threads. */
START_TEST(operators_choice)
{
	static const int policies[] = { SCHED_OTHER, SCHED_BATCH, SCHED_IDLE };
	struct sched_param none = { 0 };
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from), thread, nice = getpriority(PRIO_PROCESS, 0) + 3;
	struct session_spec spec = rig_spec(4, from);
	static struct fixture_end e;

	nice = nice > 19 ? 19 : nice;
	fixture_tear_down();
	ck_assert_int_eq(sched_setscheduler(0, policies[_i], &none), 0);
	ck_assert_int_eq(setpriority(PRIO_PROCESS, 0, nice), 0);
	fixture_set_up();
	thread = find_thread("twampd/refl0");
	ck_assert_int_ne(thread, 0);
	fixture_start(&spec, &e, &port); /* on the first thread, which has begun when it answers */
	rig_send_seq(fd, 4, port, 1);
	fixture_expect(fd, 0, 1);
	ck_assert_int_eq(sched_getscheduler(thread), policies[_i]);
	ck_assert_int_eq(getpriority(PRIO_PROCESS, (id_t)thread), nice);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reflector");
	TCase *t = tcase_create("reflector");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 240);
	tcase_add_checked_fixture(t, fixture_set_up, fixture_tear_down);
	tcase_add_loop_test(t, every_size, 0, 2);
	tcase_add_loop_test(t, dscp_and_ttl, 0, 2);
	tcase_add_test(t, early_packets);
	tcase_add_test(t, strangers);
	tcase_add_loop_test(t, kernel_timestamps, 0, 2);
	tcase_add_test(t, lag);
	tcase_add_loop_test(t, operators_choice, 0, 3);
	suite_add_tcase(s, t);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
