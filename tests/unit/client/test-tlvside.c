// SPDX-License-Identifier: BSD-2-Clause
/* TLVs over a session: what is sent when, and what replies add up to. */
#include "client/measure/series.h"
#include "client/measure/tlvside.h"
#include "protocol/tlvreply.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>

#define S TS_NS_PER_S

static struct plan plan;
static struct tlvside t;
static union endpoint local, peer;
static uint64_t tos_seen[256];
static uint8_t packet[512];

static void start(uint32_t types)
{
	plan = (struct plan){ .stamp = true,
			      .more = { .tlvs = { .types = types,
						  .access_id = 1,
						  .access_code = 2,
						  .micro_sender = 5 },
					.report_wait_ns = 3 * S,
					.report_tries = 4 } };
	local.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(40000) };
	peer.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(862) };
	(void)inet_pton(AF_INET, "10.0.0.7", &local.v4.sin_addr);
	(void)inet_pton(AF_INET, "198.51.100.10", &peer.v4.sin_addr);
	memset(tos_seen, 0, sizeof(tos_seen));
	tlvside_init(&t, &plan, &local, &peer, tos_seen);
	ck_assert_uint_le(t.octets, sizeof(packet));
}

/* The next packet, and its reply by the reflector of the project, told to be @f. */
static bool turn(struct tlvreply_facts *f, int64_t now_ns)
{
	static const struct tlvreply_policy policy = { .location = TLVREPLY_LOCATION_ALL,
						       .types = TLV_ALL_TYPES,
						       .dscp = 1 };
	struct tlvreply r;
	struct tlvread read;

	tlvside_put(&t, f->sender_seq, (struct mono){ now_ns }, packet);
	tlvreply(&policy, f, packet, t.octets, &r);
	ck_assert_int_eq(r.verdict, TLVREPLY_SEND);
	return tlvside_take(&t, packet, t.octets, f->own_seq, &read);
}

static bool reports(int64_t now_ns)
{
	tlvside_put(&t, 0, (struct mono){ now_ns }, packet);
	return packet[1] == TLV_ACCESS_REPORT;
}

/* S-249: at once, then after 3 s each, 4 times; the packets keep their size. */
START_TEST(access_reports)
{
	start(TLV_BIT(TLV_ACCESS_REPORT));
	for (int64_t i = 0; i < 5; i++) {
		ck_assert(reports(3 * S * i));
		ck_assert(!reports(3 * S * i + 1));
		ck_assert_uint_eq(packet[1], TLV_EXTRA_PADDING);
		ck_assert(!reports(3 * S * i + 3 * S - 1));
	}
	ck_assert(!reports(100 * S));
}
END_TEST

START_TEST(a_report_that_is_confirmed_ends)
{
	struct tlvreply_facts f = { 0 };

	start(TLV_BIT(TLV_ACCESS_REPORT));
	ck_assert(turn(&f, 0));
	ck_assert(t.told.report_confirmed);
	ck_assert(!reports(3 * S));
}
END_TEST

/* The address of Location is not the one of the socket: a NAT. */
START_TEST(nat_is_told)
{
	struct tlvreply_facts f = {
		.from = { .family = 4, .port = 40000, .ip = { 10, 0, 0, 7 } },
		.to = { .family = 4, .port = 862, .ip = { 198, 51, 100, 10 } }
	};

	start(TLV_BIT(TLV_LOCATION));
	ck_assert(turn(&f, 0));
	ck_assert(t.told.seen && !t.told.translated);
	ck_assert_uint_eq(t.told.seen_from_port, 40000);
	f.from.port = 1024;
	ck_assert(turn(&f, 0));
	ck_assert(t.told.translated);
}
END_TEST

/* S-251 */
START_TEST(class_of_service)
{
	struct tlvreply_facts f = { .tos = 46 << 2 | 1 };

	start(TLV_BIT(TLV_CLASS_OF_SERVICE));
	ck_assert(turn(&f, 0));
	ck_assert_uint_eq(tos_seen[46 << 2 | 1], 1);
	ck_assert_uint_eq(t.told.dscp_refused, 0);
	t.send.dscp = 10;
	ck_assert(turn(&f, 0));
	ck_assert_uint_eq(t.told.dscp_refused, 1);
}
END_TEST

static void direct(uint32_t rx, uint32_t tx)
{
	struct tlvreply_facts f = { .stateful = true, .rx_count = rx, .tx_count = tx };

	ck_assert(turn(&f, 0));
}

/* S-252: packets lost either way, and a reflector that begins anew. */
START_TEST(direct_measurement)
{
	start(TLV_BIT(TLV_DIRECT_MEASUREMENT));
	direct(1, 1);
	t.tx_count++; /* lost outbound */
	direct(2, 2);
	ck_assert_int_eq(t.told.direct_lost_out, 1);
	ck_assert_int_eq(t.told.direct_lost_in, 0);
	t.tx_count++; /* ... and inbound */
	direct(4, 4);
	ck_assert_int_eq(t.told.direct_lost_out, 1);
	ck_assert_int_eq(t.told.direct_lost_in, 1);
	ck_assert_uint_eq(t.told.direct_intervals, 2);
	direct(1, 1);
	ck_assert_uint_eq(t.told.direct_dropped, 1);
	direct(2, 2);
	ck_assert_int_eq(t.told.direct_lost_out, 1);
	ck_assert_int_eq(t.told.direct_lost_in, 1);
	ck_assert_uint_eq(t.told.direct_intervals, 3);
}
END_TEST

/* S-254: the link of the first reply; another one does not count. */
START_TEST(member_links)
{
	struct tlvreply_facts f = { .link_id = 77 };
	struct tlvread read;

	start(TLV_BIT(TLV_MICRO_SESSION_ID));
	ck_assert(turn(&f, 0));
	ck_assert_uint_eq(t.told.micro_reflector, 77);
	tlvside_put(&t, 0, (struct mono){ 0 }, packet);
	ck_assert_uint_eq(packet[7], 77);
	packet[0] = 0;
	packet[7] = 78;
	ck_assert(!tlvside_take(&t, packet, t.octets, 0, &read));
	packet[7] = 77;
	packet[5] = 6;
	ck_assert(!tlvside_take(&t, packet, t.octets, 0, &read));
	ck_assert_uint_eq(t.told.micro_dropped, 2);
}
END_TEST

/* S-247: what the reflector refused as a whole, and what it does not know. */
START_TEST(refusals)
{
	struct mac_key key, other;
	struct tlvreply_facts f = { .keys = { &key } };

	mac_key_init(&key, "the right key, 16+", 18);
	mac_key_init(&other, "the wrong key, 16+", 18);
	start(TLV_BIT(TLV_LOCATION) | TLV_BIT(TLV_HMAC) | TLV_BIT(TLV_MICRO_SESSION_ID));
	t.key = &key;
	ck_assert(turn(&f, 0));
	ck_assert_uint_eq(t.told.types[TLV_LOCATION].known, 1);
	ck_assert_uint_eq(t.told.types[TLV_MICRO_SESSION_ID].unknown, 1);
	t.key = &other;
	ck_assert(turn(&f, 0));
	ck_assert_uint_eq(t.told.refused, 1);
	ck_assert_uint_eq(t.told.types[TLV_LOCATION].known, 1);
}
END_TEST

#define MS INT64_C(1000000)
#define T0 INT64_C(1700000000000000000)

static struct clock_pair at(int64_t ns)
{
	return (struct clock_pair){ { T0 + ns }, { S + ns } };
}

/* Sent every 10 ms: out 3 ms, dwell 1 ms, back 5 ms. */
static struct pkt_reply exchange(struct series *s, uint32_t i)
{
	int64_t t1 = i * 10 * MS;
	ts_wire ts = ts_encode(TS_NTP, at(t1).wall);
	struct pkt_reply r = { .seq = i,
			       .ts = ts_encode(TS_NTP, at(t1 + 4 * MS).wall),
			       .rx_ts = ts_encode(TS_NTP, at(t1 + 3 * MS).wall),
			       .error_estimate = TS_EE_SYNC | 1,
			       .ttl = 250,
			       .sender = { .seq = i, .ts = ts } };
	struct series_arrival a = { .stamped = true, .ttl = 255, .now = at(t1 + 9 * MS) };
	struct series_reading reading;

	a.t4 = a.now.wall;
	series_sent(s, ts, at(t1));
	ck_assert_int_eq(series_reply(s, &r, &a, &reading), SERIES_COUNTED);
	return r;
}

static void longest(const struct series *s, enum series_delay which, uint64_t n, int64_t ms)
{
	struct tally_view view = tally_look(&s->delay[which]);

	ck_assert_uint_eq(view.n, n);
	ck_assert_int_lt(llabs(view.max_ns - ms * MS), MS / 10);
}

/* S-250: the next reply tells when the last one left, before its delays count. */
START_TEST(follow_up)
{
	const ts_wire later = (UINT64_C(1) << 32) / 500; /* 2 ms */
	struct series s;
	struct pkt_reply r;

	ck_assert_int_eq(series_init(&s, 10, S, false), 0);
	s.holds = true;
	r = exchange(&s, 0);
	series_followed_up(&s, 7, r.ts + later); /* of no reply */
	series_followed_up(&s, 0, r.ts - 1); /* before T3: cannot be */
	ck_assert_uint_eq(s.follow_ups, 0);
	series_followed_up(&s, 0, r.ts + later);
	ck_assert_uint_eq(s.follow_ups, 1);
	longest(&s, SERIES_INBOUND, 0, 0);
	(void)exchange(&s, 1);
	longest(&s, SERIES_INBOUND, 1, 3);
	longest(&s, SERIES_DWELL, 1, 3);
	series_finish(&s);
	longest(&s, SERIES_INBOUND, 2, 5);
	series_wipe(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tlvside");
	TCase *c = tcase_create("tlvs");
	SRunner *runner;
	int failed;

	tcase_add_test(c, access_reports);
	tcase_add_test(c, a_report_that_is_confirmed_ends);
	tcase_add_test(c, nat_is_told);
	tcase_add_test(c, class_of_service);
	tcase_add_test(c, direct_measurement);
	tcase_add_test(c, member_links);
	tcase_add_test(c, refusals);
	tcase_add_test(c, follow_up);
	suite_add_tcase(suite, c);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
