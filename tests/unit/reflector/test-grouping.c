// SPDX-License-Identifier: BSD-2-Clause
/*
 * Packets of several senders in one read: what goes to one place leaves in one piece, in the order
 * in which it came, whatever came in between. Ports are read by hand, as in test-batch.c.
 */
#include "daemon/reflector/batch.h"
#include "daemon/reflector/lightpath.h"
#include "daemon/reflector/shared.h"
#include "protocol/prefix.h"
#include "tests/unit/reflector/calls.h"
#include "tests/unit/reflector/rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SENDERS 4
#define EACH 16

static struct reflector reflector;
static struct worker w;
static int keeper, fd, family;
static uint16_t port, sender_ports[SENDERS];
static int senders[SENDERS];
static struct rig_reply reply;

static struct light_worker light;
static struct light_view view;
static struct settings_light rules;
static struct settings_row everybodys = { .packet_rate = SETTINGS_ROW_RATE };
static struct settings_source source;
static struct light_port light_port;
static struct police_total total;

static struct shared_worker table;
static struct shared_port common_port;
static struct shared_link links[SENDERS];
static struct udp_session sessions[SENDERS];

static void take_socket(int opened)
{
	struct sockaddr_in6 at; /* the port is where sockaddr_in has it */
	socklen_t len = sizeof(at);

	ck_assert_int_ge(opened, 0);
	fd = opened;
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	port = ntohs(at.sin6_port);
}

static void set_up(int wanted)
{
	memset(&calls, 0, sizeof(calls));
	memset(&reflector, 0, sizeof(reflector));
	rig_pin();
	family = wanted;
	rig_make_worker(&w, &keeper);
	w.reflector = &reflector;
	for (int i = 0; i < SENDERS; i++) {
		sender_ports[i] = 0;
		senders[i] = rig_sender(family, &sender_ports[i]);
	}
}

static void tear_down(void)
{
	rig_free_worker(&w, keeper);
	close(fd);
	for (int i = 0; i < SENDERS; i++) {
		close(senders[i]);
	}
}

static void make_light(bool stateful)
{
	struct address at = rig_loopback(family, 0);

	take_socket(udpsock_open_light(&at, 0, false, true));
	memset(&light_port, 0, sizeof(light_port));
	source = (struct settings_source){ .prefix = { .family = (uint8_t)family },
					   .wider = UINT32_MAX };
	rules = (struct settings_light){ .type = SETTINGS_LIGHT_STAMP,
					 .dscp = SETTINGS_DSCP_COPY,
					 .tlv = { .off = true },
					 .rows = &everybodys,
					 .n_rows = 1,
					 .sources = &source,
					 .n_sources = 1 };
	light = (struct light_worker){ .worker = &w, .view = &view };
	light_port.owner = &light;
	light_port.fd = fd;
	light_port.address.port = port;
	light_port.party.total = &total;
	lightpath_obey(&light_port, &rules, NULL);
	if (stateful) {
		ck_assert_int_eq(senders_new(&light_port.table, 4096), 0);
	}
}

static void make_shared(void)
{
	struct udpsock_defaults buffers;

	take_socket(udpsock_open_shared(family, 0, true, -1, &buffers));
	memset(&table, 0, sizeof(table));
	w.shared = &table;
	ck_assert_int_eq(hashmap_reserve(&table.sessions, SENDERS), 0);
	common_port = (struct shared_port){
		.port = port, .family = (uint8_t)family, .fd = fd, .worker = &w
	};
	for (int i = 0; i < SENDERS; i++) {
		struct session_spec spec = rig_spec(family, sender_ports[i]);
		struct udp_session *u = &sessions[i];

		memset(u, 0, sizeof(*u));
		u->party.rules = reflection_session(spec.modes, NULL);
		u->party.run_octets = 1400;
		u->party.sums = &w.totals;
		u->link = &links[i];
		u->tuple = udp_tuple_of(&spec);
		u->tuple.at = port;
		u->party.hot.gated = true;
		atomic_store(&u->since_ns, 1);
		hashmap_put(&table.sessions, &u->node, shared_hash(table.seed, &u->tuple));
	}
}

/* A packet of each in turn. */
static void send_in_turn(unsigned n, unsigned each, size_t len)
{
	uint8_t packet[1500];

	for (uint32_t i = 0; i < each; i++) {
		for (unsigned s = 0; s < n; s++) {
			rig_fill(packet, len, 1000 * (s + 1) + i, 0x0a0b);
			rig_send(senders[s], family, port, packet, len);
		}
	}
	rig_settle();
	memset(&calls, 0, sizeof(calls));
}

/* @first: the number of the first reply, or the sender's own. */
static void expect(unsigned s, unsigned each, int64_t first)
{
	for (uint32_t i = 0; i < each; i++) {
		uint32_t own = 1000 * (s + 1) + i;

		rig_receive(senders[s], &reply, 0);
		ck_assert_uint_eq(rig_get32(reply.octets + 24), own);
		ck_assert_uint_eq(rig_get32(reply.octets), first < 0 ? own : (uint32_t)first + i);
	}
	rig_expect_silence(senders[s], 0);
}

static void expect_all(unsigned n, unsigned each, int64_t first)
{
	rig_settle();
	for (unsigned s = 0; s < n; s++) {
		expect(s, each, first);
	}
}

/* A Light port needs no more calls than a session: two for what is read at once. */
START_TEST(light_sends_runs)
{
	set_up(_i % 2 ? 6 : 4);
	make_light(_i / 2);
	send_in_turn(1, BATCH_MAX, 200);
	lightpath_burst(&light_port);
	ck_assert_uint_eq(calls.receives, 1);
	ck_assert_uint_eq(calls.sends, 1);
	expect_all(1, BATCH_MAX, _i / 2 ? 0 : -1);
	ck_assert_uint_eq(party_get(&light_port.party, COUNTER_SEGMENTED), BATCH_MAX);
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_REFLECTED), 0); /* it has its own */
	senders_free(light_port.table);
	tear_down();
}
END_TEST

START_TEST(light_senders_in_turn)
{
	set_up(_i % 2 ? 6 : 4);
	make_light(_i / 2);
	send_in_turn(SENDERS, EACH, 60);
	lightpath_burst(&light_port);
	ck_assert_uint_eq(calls.receives, 1);
	ck_assert_uint_eq(calls.sends, SENDERS);
	expect_all(SENDERS, EACH, _i / 2 ? 0 : -1);
	senders_free(light_port.table);
	tear_down();
}
END_TEST

/* Where one sender's runs are refused the others keep theirs, but for those with its place in the
 * bitmap: the kernel chose the ports, so there may be some. */
START_TEST(light_refused)
{
	unsigned least = EACH / BATCH_CHUNK + SENDERS - 1, more;

	set_up(4);
	make_light(false);
	send_in_turn(SENDERS, EACH, 60);
	calls_fail(0, 2, EIO); /* the first may have been an ICMP error */
	lightpath_burst(&light_port);
	more = calls.sends - (2 + least);
	ck_assert_uint_eq(more % (EACH / BATCH_CHUNK - 1), 0);
	ck_assert_uint_lt(more / (EACH / BATCH_CHUNK - 1), SENDERS - 1);
	expect_all(SENDERS, EACH, -1);
	send_in_turn(SENDERS, EACH, 60);
	lightpath_burst(&light_port);
	ck_assert_uint_eq(calls.sends, least + more);
	expect_all(SENDERS, EACH, -1);
	tear_down();
}
END_TEST

/* One sender that asks for several DSCPs: numbers in the order of arrival, each with its own. */
START_TEST(light_dscp_in_turn)
{
	uint8_t packet[60];

	set_up(4);
	make_light(true);
	for (uint32_t i = 0; i < EACH; i++) {
		int tos = i % 2 ? 0x28 : 0xb8;

		ck_assert_int_eq(setsockopt(senders[0], IPPROTO_IP, IP_TOS, &tos, sizeof(tos)), 0);
		rig_fill(packet, sizeof(packet), 1000 + i, 0x0a0b);
		rig_send(senders[0], 4, port, packet, sizeof(packet));
	}
	rig_settle();
	lightpath_burst(&light_port);
	rig_settle();
	for (uint32_t i = 0; i < EACH; i++) {
		rig_receive(senders[0], &reply, 0);
		ck_assert_uint_eq(rig_get32(reply.octets), i);
		ck_assert_uint_eq(rig_get32(reply.octets + 24), 1000 + i);
		ck_assert_int_eq(reply.tos, i % 2 ? 0x28 : 0xb8);
	}
	senders_free(light_port.table);
	tear_down();
}
END_TEST

/* Sessions that send by turns keep UDP_SEGMENT. T-045 */
START_TEST(sessions_in_turn)
{
	unsigned n = _i / 2 ? SENDERS : 2, each = BATCH_MAX / n;

	set_up(_i % 2 ? 6 : 4);
	make_shared();
	send_in_turn(n, each, 200);
	ck_assert_int_eq(shared_burst(&w, &common_port), REFLECT_MORE);
	ck_assert_uint_eq(calls.receives, 1);
	ck_assert_uint_eq(calls.sends, n);
	expect_all(n, each, 0);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_eq(rig_count(&sessions[i], COUNTER_SEGMENTED), each);
		ck_assert(rig_session_adds_up(&sessions[i]));
	}
	hashmap_wipe(&table.sessions);
	tear_down();
}
END_TEST

/* Strangers in between are counted, and get nothing. */
START_TEST(nobodys_in_between)
{
	set_up(4);
	make_shared();
	hashmap_remove(&table.sessions, &sessions[1].node);
	send_in_turn(3, EACH, 200);
	ck_assert_int_eq(shared_burst(&w, &common_port), REFLECT_EMPTY);
	ck_assert_uint_eq(calls.sends, 2);
	rig_settle();
	expect(0, EACH, 0);
	expect(2, EACH, 0);
	rig_expect_silence(senders[1], 0);
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_DROP_SOURCE), EACH);
	ck_assert(rig_adds_up(&w.totals));
	hashmap_wipe(&table.sessions);
	tear_down();
}
END_TEST

/* The setting reflector.segmentation: each reply is a packet from the start. */
START_TEST(without_segmentation)
{
	struct reflector r = { .count = 1, .workers = &w };

	set_up(4);
	make_shared();
	reflector_segment(&r, false);
	send_in_turn(2, EACH, 200);
	ck_assert_int_eq(shared_burst(&w, &common_port), REFLECT_EMPTY);
	ck_assert_uint_eq(calls.sends, 2 * EACH / BATCH_CHUNK);
	expect_all(2, EACH, 0);
	ck_assert_uint_eq(counters_get(&w.totals, COUNTER_SEGMENTED), 0);
	reflector_segment(&r, true);
	send_in_turn(2, EACH, 200);
	ck_assert_int_eq(shared_burst(&w, &common_port), REFLECT_EMPTY);
	ck_assert_uint_eq(calls.sends, 2);
	expect_all(2, EACH, EACH);
	hashmap_wipe(&table.sessions);
	tear_down();
}
END_TEST

/* Two or fewer are answered one by one. */
START_TEST(few)
{
	set_up(4);
	make_shared();
	send_in_turn(2, 1, 200);
	ck_assert_int_eq(shared_burst(&w, &common_port), REFLECT_EMPTY);
	ck_assert_uint_eq(calls.sends, 2);
	expect_all(2, 1, 0);
	hashmap_wipe(&table.sessions);
	tear_down();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("grouping");
	TCase *tcase = tcase_create("grouping");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, light_sends_runs, 0, 4);
	tcase_add_loop_test(tcase, light_senders_in_turn, 0, 4);
	tcase_add_test(tcase, light_refused);
	tcase_add_test(tcase, light_dscp_in_turn);
	tcase_add_loop_test(tcase, sessions_in_turn, 0, 4);
	tcase_add_test(tcase, nobodys_in_between);
	tcase_add_test(tcase, without_segmentation);
	tcase_add_test(tcase, few);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
