// SPDX-License-Identifier: BSD-2-Clause
/*
 * The data path without its thread: reflect_burst is called by hand, so that the order of
 * arrival, reading and stopping is the test's and not the scheduler's.
 */
#include "daemon/reflector/reflect.h"
#include "tests/unit/reflector/rig.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct worker w;
static struct udp_session u;
static uint16_t sender_port, port;
static int sender, keeper;
static struct rig_reply reply;

static void set_up(void)
{
	struct session_spec spec;

	rig_pin();
	memset(&u, 0, sizeof(u));
	sender_port = 0;
	sender = rig_sender(4, &sender_port);
	spec = rig_spec(4, sender_port);
	rig_make_worker(&w, &keeper);
	w.estimate.fields[1][0][TS_NTP] = 0x8123; /* the kernel's T2, alone */
	w.estimate.fields[1][0][TS_PTP] = 0xc456;
	u.party.rules = reflection_session(spec.modes, NULL);
	u.party.sums = &w.totals;
	u.fd = rig_session_socket(&spec, &port);
}

static enum reflect_result burst(void)
{
	return rig_burst(&w, &u);
}

static void tear_down(void)
{
	ck_assert(rig_session_adds_up(&u));
	rig_free_worker(&w, keeper);
	close(sender);
	close(u.fd);
}

static void expect_reply(uint32_t seq, uint32_t sender_seq)
{
	rig_receive(sender, &reply, 0);
	ck_assert_int_eq(reply.len, 41);
	ck_assert_uint_eq(rig_get32(reply.octets), seq);
	ck_assert_uint_eq(rig_get32(reply.octets + 24), sender_seq);
}

/* T-031 T-043 T-044 T-045: every octet of a reply */
START_TEST(octets)
{
	uint8_t packet[60], expected[60] = { 0 };
	int ttl = 77;

	setsockopt(sender, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	u.party.hot.seq = 0x01020304;
	u.party.rules.format = _i ? TS_PTP : TS_NTP;
	rig_fill(packet, sizeof(packet), 0xa1b2c3d4, 0x4711);
	rig_send(sender, 4, port, packet, sizeof(packet));
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	rig_receive(sender, &reply, 0);
	ck_assert_int_eq(reply.len, sizeof(packet));
	memcpy(expected, (uint8_t[]){ 1, 2, 3, 4 }, 4);
	memcpy(expected + 4, reply.octets + 4, 8); /* T3 */
	memcpy(expected + 12, _i ? (uint8_t[]){ 0xc4, 0x56 } : (uint8_t[]){ 0x81, 0x23 }, 2);
	memcpy(expected + 16, reply.octets + 16, 8); /* T2 */
	memcpy(expected + 24, packet, 14);
	expected[40] = 77;
	memcpy(expected + 41, packet + 14, sizeof(packet) - 41);
	ck_assert_mem_eq(reply.octets, expected, sizeof(packet));
	if (_i) {
		ck_assert_int_le(
			llabs((long long)rig_get32(reply.octets + 4) - rig_wall_ns() / TS_NS_PER_S),
			60);
		ck_assert_uint_lt(rig_get32(reply.octets + 8), 1000000000);
	}
}
END_TEST

/* T-036: T2 is when the packet came, not when it was read; T1 <= T2 <= T3 <= T4 */
START_TEST(time_in_the_queue_shows)
{
	int64_t t1 = rig_wall_ns(), t2, t3, t4;

	rig_send_seq(sender, 4, port, 0);
	t4 = rig_wall_ns();
	rig_sleep_ms(50);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	expect_reply(0, 0);
	t2 = rig_ntp_ns(reply.octets + 16);
	t3 = rig_ntp_ns(reply.octets + 4);
	ck_assert_int_ge(t2, t1 - 1);
	ck_assert_int_le(t2, t4);
	ck_assert_int_ge(t3 - t2, 49 * 1000000);
	ck_assert_int_le(t3, rig_wall_ns());
	ck_assert_uint_eq(rig_count(&u, COUNTER_USER_TIMESTAMPS), 0);
}
END_TEST

/* T-020: dropped, no number used, REFWAIT not restarted */
START_TEST(short_packets)
{
	uint8_t packet[14];

	rig_fill(packet, sizeof(packet), 9, 1);
	for (size_t n = 0; n < sizeof(packet); n++) {
		rig_send(sender, 4, port, packet, n);
	}
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	rig_expect_silence(sender, 0);
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_SHORT), sizeof(packet));
	ck_assert_int_eq(u.party.hot.last_packet.ns, 0);
	rig_send(sender, 4, port, packet, sizeof(packet));
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	expect_reply(0, 9);
	ck_assert_int_gt(u.party.hot.last_packet.ns, 0);
}
END_TEST

/* R-160 R-161: the time of arrival decides, not the time of reading */
START_TEST(late_packets)
{
	rig_send_seq(sender, 4, port, 1);
	rig_sleep_ms(20);
	u.party.hot.stopping = true;
	u.party.hot.stop_at.ns = rig_mono_ns();
	rig_sleep_ms(20);
	rig_send_seq(sender, 4, port, 2);
	rig_send_seq(sender, 4, port, 3);
	ck_assert_int_eq(burst(), REFLECT_LATE);
	expect_reply(0, 1);
	rig_expect_silence(sender, 0);
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_LATE), 2);
	ck_assert_uint_eq(u.party.hot.seq, 1);
}
END_TEST

/* Bounded work per event: then it is the neighbours' turn. */
START_TEST(bursts_are_bounded)
{
	for (uint32_t i = 0; i < REFLECT_BURST + 10; i++) {
		rig_send_seq(sender, 4, port, i);
	}
	ck_assert_int_eq(burst(), REFLECT_MORE);
	ck_assert_uint_eq(rig_count(&u, COUNTER_REFLECTED), REFLECT_BURST);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	ck_assert_uint_eq(rig_count(&u, COUNTER_REFLECTED), REFLECT_BURST + 10);
	for (uint32_t i = 0; i < REFLECT_BURST + 10; i++) {
		expect_reply(i, i); /* T-046 */
	}
}
END_TEST

/* The port of the sender is closed and open again: an ICMP error waits in our socket. */
START_TEST(icmp_errors)
{
	for (uint32_t i = 0; i < 3; i++) {
		rig_send_seq(sender, 4, port, 2 * i);
		close(sender);
		ck_assert_int_eq(burst(), REFLECT_EMPTY);
		sender = rig_sender(4, &sender_port);
		rig_send_seq(sender, 4, port, 2 * i + 1);
		ck_assert_int_eq(burst(), REFLECT_EMPTY);
		expect_reply(2 * i + 1, 2 * i + 1);
	}
	/* and one that is found out by the send: two replies in one burst to a closed port */
	rig_send_seq(sender, 4, port, 6);
	rig_send_seq(sender, 4, port, 7);
	close(sender);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	sender = rig_sender(4, &sender_port);
	ck_assert_uint_eq(rig_count(&u, COUNTER_REFLECTED), 8);
}
END_TEST

/* T-045: a number is used up even if the reply cannot be sent */
START_TEST(send_fails)
{
	struct session_spec spec = rig_spec(4, sender_port);

	ck_assert_int_eq(shutdown(u.fd, SHUT_WR), 0);
	rig_send_seq(sender, 4, port, 5);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_TX), 1);
	ck_assert_uint_eq(rig_count(&u, COUNTER_REFLECTED), 0);
	close(u.fd);
	u.fd = rig_session_socket(&spec, &port);
	rig_send_seq(sender, 4, port, 6);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	expect_reply(1, 6);
}
END_TEST

/* T-034 Q-08: reflected and counted */
START_TEST(zero_multiplier)
{
	uint8_t packet[41];

	rig_fill(packet, sizeof(packet), 1, 0x3f00);
	rig_send(sender, 4, port, packet, sizeof(packet));
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	expect_reply(0, 1);
	ck_assert_uint_eq(rig_count(&u, COUNTER_ZERO_MULTIPLIER), 1);
}
END_TEST

struct step {
	uint32_t seq;
	uint64_t gaps, duplicates, reordered;
};

static const struct step steps_plain[] = {
	{ 5, 0, 0, 0 },	   { 6, 0, 0, 0 },     { 8, 1, 0, 0 },	   { 8, 1, 1, 0 },
	{ 7, 0, 1, 1 },	   { 7, 0, 2, 1 },     { 3, 0, 2, 2 },	   { 3, 0, 3, 2 },
	{ 100, 91, 3, 2 }, { 99, 90, 3, 3 },   { 37, 89, 3, 4 },   { 37, 89, 4, 4 },
	{ 20, 88, 4, 5 },  { 164, 151, 4, 5 }, { 101, 150, 4, 6 }, { 101, 150, 5, 6 },
};

static const struct step steps_wrap[] = {
	{ 0xfffffffe, 0, 0, 0 }, { 0xffffffff, 0, 0, 0 }, { 1, 1, 0, 0 },
	{ 0, 0, 0, 1 },		 { 0xfffffffe, 0, 1, 1 }, { 2, 0, 1, 1 },
};

static void walk(const struct step *s, size_t n)
{
	uint32_t max = s[0].seq;

	for (size_t i = 0; i < n; i++) {
		const struct counters *c = &u.party.rare;

		max = s[i].seq - max < UINT32_C(0x80000000) ? s[i].seq : max;
		rig_send_seq(sender, 4, port, s[i].seq);
		ck_assert_int_eq(burst(), REFLECT_EMPTY);
		expect_reply((uint32_t)i, s[i].seq); /* T-046: each of them */
		ck_assert_msg(counters_get(c, COUNTER_GAPS) == s[i].gaps &&
				      counters_get(c, COUNTER_DUPLICATES) == s[i].duplicates &&
				      counters_get(c, COUNTER_REORDERED) == s[i].reordered,
			      "step %zu: gaps %d duplicates %d reordered %d", i,
			      (int)counters_get(c, COUNTER_GAPS),
			      (int)counters_get(c, COUNTER_DUPLICATES),
			      (int)counters_get(c, COUNTER_REORDERED));
		ck_assert_uint_eq(rig_count(&u, COUNTER_FIRST_SEQ), s[0].seq);
		ck_assert_uint_eq(rig_count(&u, COUNTER_LAST_SEQ), s[i].seq);
		ck_assert_uint_eq(rig_count(&u, COUNTER_MAX_SEQ), max);
	}
}

START_TEST(sender_sequence)
{
	if (_i) {
		walk(steps_wrap, sizeof(steps_wrap) / sizeof(steps_wrap[0]));
	} else {
		walk(steps_plain, sizeof(steps_plain) / sizeof(steps_plain[0]));
	}
}
END_TEST

/* T-044: what the kernel does not tell reads as 255 */
START_TEST(without_control_messages)
{
	struct msghdr m = { 0 };
	struct sock_meta meta;

	sock_meta(&m, &meta);
	ck_assert(!meta.stamped);
	ck_assert_uint_eq(meta.ttl, 255);
	ck_assert_uint_eq(meta.tos, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reflect");
	TCase *t = tcase_create("reflect");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, octets, 0, 2);
	tcase_add_test(t, time_in_the_queue_shows);
	tcase_add_test(t, short_packets);
	tcase_add_test(t, late_packets);
	tcase_add_test(t, bursts_are_bounded);
	tcase_add_test(t, icmp_errors);
	tcase_add_test(t, send_fails);
	tcase_add_test(t, zero_multiplier);
	tcase_add_loop_test(t, sender_sequence, 0, 2);
	tcase_add_test(t, without_control_messages);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
