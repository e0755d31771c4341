// SPDX-License-Identifier: BSD-2-Clause
/* What the packets of a session tell, in a reflector's thread, read from another meanwhile. */
#include "daemon/reflector/class_sums.h"
#include "tests/unit/reflector/fixture.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEN 50
#define ASKED 46

static int fd;
static uint16_t from, to;
static struct udp_session *session;

/* The clock of this host as T1; a zero Timestamp if @timed is false. */
static void put(uint32_t seq, bool timed, uint16_t error_estimate)
{
	uint8_t packet[LEN];
	ts_wire t1 = timed ? ts_encode(TS_NTP, (struct wall){ .ns = rig_wall_ns() }) : 0;

	rig_fill(packet, LEN, seq, error_estimate);
	for (int i = 0; i < 8; i++) {
		packet[4 + i] = (uint8_t)(t1 >> (56 - 8 * i));
	}
	rig_send(fd, 4, to, packet, LEN);
	rig_receive(fd, &fixture.reply, RIG_WAIT_MS);
	ck_assert_int_eq(fixture.reply.len, LEN);
}

static void mark(int ttl, int tos)
{
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), 0);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)), 0);
}

static struct forward_view view(struct forward *copy)
{
	struct forward_view v;

	udp_forward(session, copy);
	forward_view(copy, &v);
	return v;
}

static void expect(const struct class_sums_values *c, const struct counters_values *n,
		   enum counter which, uint64_t count)
{
	ck_assert_uint_eq(n->n[which], count);
	ck_assert_uint_eq(c->n.n[which], count);
}

static void check_counters(struct class_sums *sums, uint64_t delays)
{
	struct class_sums_values c = { 0 };
	struct counters_values n, t;
	uint64_t in_cells = 0;

	do { /* a reply is counted after it was sent */
		c = (struct class_sums_values){ 0 };
		class_sums_read(sums, &c);
	} while (c.n.n[COUNTER_REFLECTED] < 306);
	udp_counters(session, &n);
	expect(&c, &n, COUNTER_RECEIVED, 306);
	expect(&c, &n, COUNTER_REFLECTED, 306);
	expect(&c, &n, COUNTER_GAPS, 7);
	expect(&c, &n, COUNTER_DUPLICATES, 1);
	expect(&c, &n, COUNTER_REORDERED, 1);
	expect(&c, &n, COUNTER_LOSS_PERIODS, 1);
	expect(&c, &n, COUNTER_REMARKED, 100);
	expect(&c, &n, COUNTER_ECN_CE, 50);
	expect(&c, &n, COUNTER_UNTIMED, 5);
	reflector_totals(fixture.r, &t);
	ck_assert_uint_eq(t.n[COUNTER_GAPS], 7);
	ck_assert_uint_eq(t.n[COUNTER_REMARKED], 100);
	for (unsigned i = 0; i < SPREAD_CELLS; i++) {
		in_cells += c.delays[i];
	}
	ck_assert_uint_eq(in_cells, delays);
	class_sums_read(NULL, &c);
}

/* Sends 306 packets: 100 as asked, 50 with CE, 50 remarked with another TTL, and so on. */
static void send_all(void)
{
	struct forward copy;
	uint32_t seq = 0;

	mark(70, ASKED << 2);
	for (; seq < 100; seq++) {
		put(seq, true, 0x8101);
		(void)view(&copy); /* while it counts */
	}
	seq += 4; /* lost */
	mark(70, ASKED << 2 | 3);
	for (int i = 0; i < 50; i++) {
		put(seq++, true, 0x8101);
	}
	mark(69, 8 << 2);
	for (int i = 0; i < 100; i++) {
		put(seq++, true, 0x0101);
	}
	mark(69, ASKED << 2);
	put(seq - 1, true, 0x0101); /* again */
	seq += 4;
	put(seq++, true, 0x0101);
	put(seq - 3, true, 0x0101); /* late, by two */
	for (int i = 0; i < 5; i++) {
		put(seq++, false, 0x0101);
	}
	for (int i = 0; i < 48; i++) {
		put(seq++, true, 0x0101);
	}
}

START_TEST(session_and_class)
{
	static struct fixture_end e;
	struct session_spec spec;
	struct class_sums *sums = reflector_class(fixture.r);
	struct forward copy;
	struct forward_view v;

	ck_assert_ptr_nonnull(sums);
	from = 0;
	fd = rig_sender(4, &from);
	spec = rig_spec(4, from);
	spec.dscp = ASKED;
	session = fixture_open(&spec, &e, &to);
	udp_class(session, sums);
	ck_assert_int_eq(udp_start(session, &fixture_keys, fixture_sid), 0);
	ck_assert(!view(&copy).delays_known && !view(&copy).any);
	send_all();
	v = view(&copy);
	ck_assert_uint_eq(v.lost, 7);
	ck_assert_uint_eq(v.loss_periods, 3);
	ck_assert_uint_eq(v.longest_loss, 4);
	ck_assert_uint_eq(v.extent, 2);
	ck_assert(v.delays_known && v.p50_ns <= v.p99_ns && v.p99_ns <= v.max_ns);
	ck_assert(v.interval_known && v.rate > 0);
	ck_assert_uint_eq(copy.ttl_changes, 1);
	ck_assert_uint_eq(v.ttl, 69);
	ck_assert_uint_eq(copy.ttl_before, 70);
	ck_assert_uint_eq(copy.dscp_changes, 2);
	ck_assert_uint_eq(v.dscp, ASKED);
	ck_assert_uint_eq(copy.sync_changes, 1);
	ck_assert(v.clock_known && !v.synchronized && !v.ptp);
	udp_stop(session, 0);
	check_counters(sums, v.delays);
	fixture_pump(1);
	ck_assert(e.adds_up);
	class_sums_free(sums);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("threads-forward");
	TCase *tc = tcase_create("threads-forward");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, fixture_set_up, fixture_tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, session_and_class);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
