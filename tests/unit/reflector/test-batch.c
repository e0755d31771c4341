// SPDX-License-Identifier: BSD-2-Clause
/*
 * Many datagrams at once: reflect_burst is called by hand on what waits in the socket, so that
 * the size of a batch is the test's and not the scheduler's.
 */
#include "tests/unit/reflector/test-batch.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEYED (MODE_AUTHENTICATED | MODE_ENCRYPTED)

struct worker w;
struct udp_session u;
static struct crypt_test sender_crypt, session_crypt;
uint16_t port;
static uint16_t sender_port;
int sender;
static int keeper, family;
struct rig_reply reply;

static const struct crypt_keys keys = { .aes = { 9, 8, 7 }, .hmac = { 6, 5, 4, [31] = 1 } };
static const uint8_t sid[16] = { 0xc0, 0, 2, 10, [15] = 0xd4 };

static void make_session(uint32_t modes)
{
	struct session_spec spec = rig_spec(family, sender_port);

	spec.modes = modes;
	memset(&u, 0, sizeof(u));
	u.party.rules = reflection_session(modes, modes & KEYED ? &session_crypt : NULL);
	u.party.sums = &w.totals;
	crypt_test_init(&session_crypt, &keys, sid);
	crypt_test_init(&sender_crypt, &keys, sid);
	u.fd = rig_session_socket(&spec, &port);
	u.party.run_octets = sock_unfragmented(u.fd);
	ck_assert_uint_gt(u.party.run_octets, 1200);
}

static void set_up(void)
{
	memset(&calls, 0, sizeof(calls));
	rig_pin();
	family = 4;
	sender_port = 0;
	sender = rig_sender(4, &sender_port);
	rig_make_worker(&w, &keeper);
	ck_assert_uint_gt(calls.allocations, 0); /* they are seen */
	estimate_read(&w.estimate);
	make_session(MODE_UNAUTHENTICATED);
}

enum reflect_result burst(void)
{
	return rig_burst(&w, &u);
}

static void tear_down(void)
{
	ck_assert(rig_session_adds_up(&u));
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_RECEIVED),
			  rig_count(&u, COUNTER_RECEIVED));
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_REFLECTED),
			  rig_count(&u, COUNTER_REFLECTED));
	ck_assert_uint_eq(rig_count(&u, COUNTER_KERNEL_TIMESTAMPS) +
				  rig_count(&u, COUNTER_USER_TIMESTAMPS),
			  u.party.hot.seq);
	rig_free_worker(&w, keeper);
	close(sender);
	close(u.fd);
}

void again(int new_family, uint32_t modes)
{
	close(u.fd);
	close(sender);
	family = new_family;
	sender_port = 0;
	sender = rig_sender(family, &sender_port);
	memset(&w.totals, 0, sizeof(w.totals));
	make_session(modes);
}

void send_one(uint32_t seq, size_t len)
{
	uint8_t packet[2048];

	rig_fill(packet, len, seq, 0x0a0b);
	if (u.party.rules.crypt) { /* the keyed sender packet: Error Estimate at 24 */
		packet[24] = 0x0a;
		packet[25] = 0x0b;
		crypt_pkt_seal_send(&sender_crypt, u.party.rules.encrypted, packet);
	}
	rig_send(sender, family, port, packet, len);
}

void send_many(uint32_t n, size_t len)
{
	for (uint32_t i = 0; i < n; i++) {
		send_one(i, len);
	}
}

/* The next reply, bit for bit but for T2 and T3. T-031 T-043 T-045 T-046 */
void expect(uint32_t seq, uint32_t sender_seq, size_t len, bool in_batch)
{
	const struct pkt_layout *l = u.party.rules.layout;
	uint8_t packet[2048], expected[2048] = { 0 };
	uint16_t estimate = estimate_field(&w.estimate, true, in_batch, TS_NTP);
	struct pkt_reply r = { .seq = seq, .error_estimate = estimate, .ttl = 64 };
	int64_t t2, t3;

	rig_fill(packet, len, sender_seq, 0x0a0b);
	packet[l->ee] = 0x0a;
	packet[l->ee + 1] = 0x0b;
	rig_receive(sender, &reply, 0);
	ck_assert_int_eq(reply.len, (ssize_t)pkt_reply_len(l, len));
	if (u.party.rules.crypt) {
		ck_assert_int_eq(crypt_pkt_open_reply(&sender_crypt, u.party.rules.encrypted,
						      reply.octets, (size_t)reply.len),
				 0);
	}
	t2 = rig_ntp_ns(reply.octets + l->rx_ts);
	t3 = rig_ntp_ns(reply.octets + l->ts);
	ck_assert_int_le(t2, t3);
	ck_assert_int_le(t3, rig_wall_ns());
	ck_assert_int_eq(pkt_put_reply(l, packet, len, expected, &r), 0);
	memcpy(expected + l->rx_ts, reply.octets + l->rx_ts, 8);
	memcpy(expected + l->ts, reply.octets + l->ts, 8);
	if (u.party.rules.crypt) { /* proved above */
		memcpy(expected + CRYPT_REPLY_HMAC_AT, reply.octets + CRYPT_REPLY_HMAC_AT,
		       CRYPT_HMAC_LEN);
	}
	ck_assert_mem_eq(reply.octets, expected, (size_t)reply.len);
}

void expect_many(uint32_t n, size_t len)
{
	for (uint32_t i = 0; i < n; i++) {
		expect(i, i, len, n > 2);
	}
	rig_expect_silence(sender, 0);
}

const uint32_t all_modes[] = { MODE_UNAUTHENTICATED, MODE_AUTHENTICATED, MODE_ENCRYPTED };

/* Every number of packets that one event can bring, of one size; 48 in keyed modes at least. */
START_TEST(bursts)
{
	static const uint32_t counts[] = { 1, 2, 3, 4, 5, 7, 16, 17, 33, 63, 64 };
	static const size_t sizes[] = { 48, 113, 1400 };

	again(_i % 2 ? 6 : 4, all_modes[_i / 2]);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
			uint64_t before = rig_count(&u, COUNTER_SEGMENTED);
			enum reflect_result want = counts[i] < 64 ? REFLECT_EMPTY : REFLECT_MORE;

			u.party.hot.seq = 0;
			send_many(counts[i], sizes[s]);
			ck_assert_int_eq(burst(), want);
			expect_many(counts[i], sizes[s]);
			ck_assert_uint_eq(rig_count(&u, COUNTER_REFLECTED),
					  rig_count(&u, COUNTER_RECEIVED));
			if (counts[i] < 3) { /* one by one */
				ck_assert_uint_eq(rig_count(&u, COUNTER_SEGMENTED), before);
			} else if (counts[i] < 17) {
				ck_assert_uint_eq(rig_count(&u, COUNTER_SEGMENTED),
						  before + counts[i]);
			}
		}
	}
	u.party.hot.seq = (uint32_t)rig_count(&u, COUNTER_KERNEL_TIMESTAMPS);
	ck_assert_uint_eq(rig_count(&u, COUNTER_USER_TIMESTAMPS), 0);
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_SEGMENT_REFUSALS), 0);
}
END_TEST

/* Sizes as they come: runs where there are some, and the order of arrival stays. */
START_TEST(mixed_sizes)
{
	static const size_t patterns[][8] = { { 48, 49, 50, 51, 52, 53, 54, 55 },
					      { 60, 60, 60, 1000, 1000, 60, 61, 61 },
					      { 1400, 48, 1400, 48, 1400, 48, 48, 48 },
					      { 48, 48, 48, 48, 48, 48, 48, 1300 },
					      { 2000, 2000, 2000, 2000, 48, 48, 48, 48 } };
	const size_t *p = patterns[_i % 5];

	again(4, all_modes[_i / 5]);
	for (uint32_t i = 0; i < 40; i++) {
		send_one(i, p[i % 8]);
	}
	/* one that is nobody's in between: its neighbours stay neighbours */
	rig_send(sender, 4, port, (const uint8_t[]){ 1 }, 1);
	for (uint32_t i = 40; i < 56; i++) {
		send_one(i, p[i % 8]);
	}
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	for (uint32_t i = 0; i < 56; i++) {
		expect(i, i, p[i % 8], true);
	}
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_SHORT), 1);
	ck_assert_uint_eq(rig_count(&u, COUNTER_REFLECTED), 56);
	if (!u.party.rules.crypt && _i % 5 == 0) { /* nothing to run: 48..55 */
		ck_assert_uint_eq(rig_count(&u, COUNTER_SEGMENTED), 0);
	}
}
END_TEST

/* What does not fit into one packet is not for UDP_SEGMENT, and no reason to give it up. */
START_TEST(larger_than_the_route)
{
	u.party.run_octets = 100;
	send_many(10, 101);
	send_many(10, 100);
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	for (uint32_t i = 0; i < 20; i++) {
		expect(i, i % 10, i < 10 ? 101 : 100, true);
	}
	ck_assert_uint_eq(rig_count(&u, COUNTER_SEGMENTED), 10);
	ck_assert_uint_eq(u.party.run_octets, 100);
}
END_TEST

/* R-160 R-161: the end of the session lies inside of a batch */
START_TEST(stop_inside)
{
	send_many(20, 48);
	rig_sleep_ms(20);
	u.party.hot.stopping = true;
	u.party.hot.stop_at.ns = rig_mono_ns();
	rig_sleep_ms(20);
	send_many(10, 48);
	ck_assert_int_eq(burst(), REFLECT_LATE);
	expect_many(20, 48);
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_LATE), 10);
}
END_TEST

/* T-042: forgeries inside of a batch, which use no number */
START_TEST(forgeries_inside)
{
	uint8_t forged[48] = { 0 };
	uint32_t n = 0;

	again(4, all_modes[1 + _i]);
	for (uint32_t i = 0; i < 60; i++) {
		if (i % 3 == 1) {
			rig_send(sender, 4, port, forged, sizeof(forged));
		} else {
			send_one(n++, 120);
		}
	}
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	expect_many(40, 120);
	ck_assert_uint_eq(rig_count(&u, COUNTER_DROP_HMAC), 20);
}
END_TEST

/* T-036: of a run T3 is the same, and it is not older than the last of its packets is in here */
START_TEST(stamps_of_a_run)
{
	int64_t before, first = 0;

	send_many(40, 48);
	before = rig_wall_ns();
	ck_assert_int_eq(burst(), REFLECT_EMPTY);
	for (uint32_t i = 0; i < 40; i++) {
		int64_t t3;

		expect(i, i, 48, true);
		t3 = rig_ntp_ns(reply.octets + 4);
		ck_assert_int_ge(t3, before - 1);
		first = i ? first : t3;
		ck_assert_int_eq(t3, first);
	}
}
END_TEST

static void check_cost(uint32_t packets, unsigned sends)
{
	unsigned receives, sent, others;

	send_many(packets, 200);
	rig_settle();
	memset(&calls, 0, sizeof(calls));
	(void)ownport_burst(&w, &u);
	receives = calls.receives; /* before check allocates */
	sent = calls.sends;
	others = calls.allocations + calls.locks;
	ck_assert_uint_eq(receives, 1);
	ck_assert_uint_eq(sent, sends);
	ck_assert_uint_eq(others, 0);
}

/* No system call but the batch's, no allocation, no lock; and a lone packet is not held back. */
START_TEST(cost)
{
	static const struct {
		uint32_t packets;
		unsigned plain, encrypted; /* sends */
	} rows[] = {
		{ 1, 1, 1 }, { 2, 2, 2 }, { 3, 1, 1 }, { 16, 1, 1 }, { 33, 1, 2 }, { 64, 1, 2 }
	};

	again(4, all_modes[_i]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned sends = u.party.rules.encrypted ? rows[i].encrypted : rows[i].plain;

		check_cost(rows[i].packets, sends);
	}
	u.party.run_octets = 0;
	check_cost(64, 16);
	ck_assert_uint_eq(rig_count(&u, COUNTER_REFLECTED), 119 + 64);
}
END_TEST

/* What a session takes in user space: 2 KiB, keys and all. */
START_TEST(memory)
{
	size_t total = sizeof(struct udp_session) + sizeof(struct crypt_test);

	printf("a session takes %zu octets, %zu with keys\n", sizeof(struct udp_session), total);
	ck_assert_uint_le(total, 2048);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("batch");
	TCase *t = tcase_create("batch");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 240);
	tcase_add_checked_fixture(t, set_up, tear_down);
	add_faults(t);
	tcase_add_loop_test(t, bursts, 0, 6);
	tcase_add_loop_test(t, mixed_sizes, 0, 15);
	tcase_add_test(t, larger_than_the_route);
	tcase_add_test(t, stop_inside);
	tcase_add_loop_test(t, forgeries_inside, 0, 2);
	tcase_add_test(t, stamps_of_a_run);
	tcase_add_loop_test(t, cost, 0, 3);
	tcase_add_test(t, memory);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
