// SPDX-License-Identifier: BSD-2-Clause
/* Sessions that share a port, over real sockets on loopback: whose packet it is, who is not
 * answered, and every way to begin and to end. */
#include "tests/unit/reflector/fixture.h"

#include "protocol/crypt.h"
#include "protocol/pkt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint16_t first; /* of the shared ports */

static void make_one(void)
{
	first = fixture_make_shared(1, false);
}

static void make_two(void)
{
	first = fixture_make_shared(2, false);
}

static void make_common(void)
{
	first = fixture_make_shared(3, true);
}

static uint64_t total_drops(enum counter why)
{
	struct counters_values t;

	reflector_totals(fixture.r, &t);
	return t.n[why];
}

/* All of these wait for the thread, or have been handled. */
static void send_many(int fd, uint16_t port, uint32_t n)
{
	rig_pin();
	for (uint32_t i = 0; i < n; i++) {
		rig_send_seq(fd, 4, port, i);
	}
	rig_settle();
}

/* A session of a thread that has handled all orders and packets before: it answers. */
static void settle(int fd, struct fixture_end *e)
{
	uint16_t from = 0, port;
	int own = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	int ends = fixture.ends;
	struct udp_session *u = fixture_start(&spec, e, &port);

	rig_send_seq(own, 4, port, 9);
	fixture_expect(own, 0, 9);
	udp_end(u);
	fixture_pump(ends + 1);
	close(own);
}

/* R-100 T-045 T-047 C-077: one port, each with its own numbers and DSCP, over IPv4 and IPv6 */
START_TEST(two_sessions)
{
	int family = _i ? 6 : 4;
	uint16_t from[2] = { 0, 0 }, port[2];
	int fd[2] = { rig_sender(family, &from[0]), rig_sender(family, &from[1]) };
	struct session_spec spec[2] = { rig_spec(family, from[0]), rig_spec(family, from[1]) };
	static struct fixture_end e[2];

	spec[1].dscp = 46;
	spec[1].modes |= MODE_DSCP_ECN;
	for (int i = 0; i < 2; i++) {
		fixture_start(&spec[i], &e[i], &port[i]);
		ck_assert_uint_eq(port[i], first);
	}
	for (uint32_t seq = 0; seq < 20; seq++) {
		rig_send_seq(fd[0], family, first, seq);
		fixture_expect(fd[0], seq, seq);
		ck_assert_int_eq(fixture.reply.tos, 0);
		ck_assert_int_eq(fixture.reply.ttl, 255);
		ck_assert_int_eq(fixture.reply.len, 41);
		if (seq % 2) {
			rig_send_seq(fd[1], family, first, 100 + seq);
			fixture_expect(fd[1], seq / 2, 100 + seq);
			ck_assert_int_eq(fixture.reply.tos, 46 << 2);
			ck_assert_int_eq(fixture.reply.ttl, 255);
		}
	}
	close(fd[0]);
	close(fd[1]);
}
END_TEST

/* in backlogs of many, in the order they came, with runs and without */
START_TEST(bursts)
{
	enum { SESSIONS = 3, PACKETS = 40, ROUNDS = 30 };
	int family = _i ? 6 : 4;
	int fd[SESSIONS];
	static struct fixture_end e[SESSIONS];
	struct udp_session *u[SESSIONS];
	struct counters_values totals;

	for (int i = 0; i < SESSIONS; i++) {
		uint16_t from = 0, port;
		struct session_spec spec;

		fd[i] = rig_sender(family, &from);
		spec = rig_spec(family, from);
		spec.modes |= i == 1 ? MODE_PTP : 0;
		u[i] = fixture_start(&spec, &e[i], &port);
	}
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t k = 0; k < PACKETS; k++) {
			/* in turn, then one behind the other */
			uint32_t i = round % 2 ? k % SESSIONS : k * SESSIONS / PACKETS;

			rig_send_seq(fd[i], family, first, round);
		}
		for (uint32_t k = 0; k < PACKETS; k++) {
			uint32_t i = round % 2 ? k % SESSIONS : k * SESSIONS / PACKETS;

			rig_receive(fd[i], &fixture.reply, RIG_WAIT_MS);
			ck_assert_int_eq(fixture.reply.len, 41);
			ck_assert_uint_eq(rig_get32(fixture.reply.octets + 24), round);
		}
	}
	for (int i = 0; i < SESSIONS; i++) {
		udp_end(u[i]);
	}
	fixture_pump(SESSIONS); /* a reply may be here before it is counted */
	reflector_totals(fixture.r, &totals);
	ck_assert_uint_eq(totals.n[COUNTER_REFLECTED], PACKETS * ROUNDS);
	ck_assert_uint_eq(totals.n[COUNTER_RECEIVED], PACKETS * ROUNDS);
	for (int i = 0; i < SESSIONS; i++) {
		close(fd[i]);
	}
}
END_TEST

/* T-040: another port, another address, nobody at all: never answered, and counted */
START_TEST(strangers)
{
	int family = _i ? 6 : 4;
	uint16_t from = 0, other = 0, port;
	int fd = rig_sender(family, &from), stranger = rig_sender(family, &other);
	struct session_spec spec = rig_spec(family, from);
	static struct fixture_end e, last;
	struct udp_session *u;

	rig_send_seq(stranger, family, first, 1); /* no session at all */
	u = fixture_open(&spec, &e, &port);
	rig_send_seq(stranger, family, port, 2);
	ck_assert_int_eq(udp_start(u, &fixture_keys, fixture_sid), 0);
	rig_send_seq(stranger, family, port, 3);
	rig_send_seq(fd, family, port, 4);
	fixture_expect(fd, 0, 4);
	rig_expect_silence(stranger, 50);
	ck_assert_uint_eq(rig_count(u, COUNTER_RECEIVED), 1);
	ck_assert_uint_eq(total_drops(COUNTER_DROP_SOURCE), 3);
	udp_end(u);
	fixture_pump(1);
	rig_send_seq(fd, family, port, 5); /* of one that has ended */
	settle(fd, &last);
	rig_expect_silence(fd, 50);
	ck_assert_uint_eq(total_drops(COUNTER_DROP_SOURCE), 4);
	close(fd);
	close(stranger);
}
END_TEST

/* The same sender to two addresses of ours; to a third nobody listens. R-100 */
START_TEST(local_addresses)
{
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	struct sockaddr_in to = { .sin_family = AF_INET }, source;
	static struct fixture_end e[2];
	uint8_t packet[41];

	fixture_start(&spec, &e[0], &port);
	spec.local.ip[3] = 2;
	fixture_start(&spec, &e[1], &port);
	to.sin_port = htons(port);
	for (uint32_t i = 1; i <= 3; i++) {
		socklen_t len = sizeof(source);

		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + i);
		rig_fill(packet, sizeof(packet), i, 0x0101);
		ck_assert_int_eq(
			sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)),
			sizeof(packet));
		if (i == 3) {
			rig_expect_silence(fd, 50);
			break;
		}
		ck_assert_int_eq(
			recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&source, &len),
			sizeof(packet));
		ck_assert_uint_eq(source.sin_addr.s_addr, to.sin_addr.s_addr);
		ck_assert_uint_eq(source.sin_port, to.sin_port);
		ck_assert_uint_eq(rig_get32(packet), 0);
		ck_assert_uint_eq(rig_get32(packet + 24), i);
	}
	close(fd);
}
END_TEST

/* T-041 R-142: nothing before the start, not even later; everything after it */
START_TEST(early)
{
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	static struct fixture_end e;
	struct udp_session *u = fixture_open(&spec, &e, &port);

	send_many(fd, port, 200);
	ck_assert_int_eq(udp_start(u, &fixture_keys, fixture_sid), 0);
	ck_assert_int_eq(udp_start(u, &fixture_keys, fixture_sid), -EALREADY);
	rig_send_seq(fd, 4, port, 200);
	fixture_expect(fd, 0, 200);
	udp_end(u);
	fixture_pump(1);
	ck_assert_uint_eq(e.received, 201);
	ck_assert_uint_eq(e.early, 200);
	ck_assert_uint_eq(e.reflected, 1);
	ck_assert(e.adds_up);
	close(fd);
}
END_TEST

/* opened, started and at once a packet: answered, whatever the thread is doing */
START_TEST(at_once)
{
	enum { N = 200 };
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from), ends = 0;
	struct session_spec spec = rig_spec(4, from);
	static struct fixture_end e;

	for (uint32_t i = 0; i < N; i++) {
		struct udp_session *u = fixture_start(&spec, &e, &port);

		rig_send_seq(fd, 4, port, i);
		fixture_expect(fd, 0, i);
		udp_end(u);
		fixture_pump(++ends);
		ck_assert_uint_eq(e.reflected, 1);
	}
	close(fd);
}
END_TEST

/* never started, ended, and the same addresses again at once: the new one answers */
START_TEST(same_again)
{
	enum { N = 200 };
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	static struct fixture_end old[N], e[N];

	for (uint32_t i = 0; i < N; i++) {
		struct udp_session *u = fixture_open(&spec, &old[i], &port);

		if (i % 2) {
			rig_send_seq(fd, 4, port, 7);
		}
		udp_end(u);
		udp_end(u);
		u = fixture_start(&spec, &e[i], &port);
		rig_send_seq(fd, 4, port, i);
		fixture_expect(fd, 0, i);
		udp_end(u);
		fixture_pump(2 * (int)i + 2);
		ck_assert_int_eq(old[i].why, UDP_END_ORDERED);
		ck_assert_int_eq(old[i].count, 1);
		ck_assert_uint_eq(old[i].reflected, 0);
		ck_assert_uint_eq(e[i].reflected, 1);
	}
	close(fd);
}
END_TEST

/* R-160 R-161 */
START_TEST(stop_and_timeout)
{
	uint16_t from = 0, other = 0, port;
	int fd = rig_sender(4, &from), neighbour = rig_sender(4, &other);
	struct session_spec spec = rig_spec(4, from), next = rig_spec(4, other);
	static struct fixture_end e, f;
	struct udp_session *u = fixture_start(&spec, &e, &port);

	fixture_start(&next, &f, &port);
	fixture_stop_and_timeout(u, &e, fd, port);
	rig_send_seq(fd, 4, port, 2);
	rig_send_seq(neighbour, 4, port, 3);
	fixture_expect(neighbour, 0, 3); /* the others go on */
	rig_expect_silence(fd, 50);
	close(fd);
	close(neighbour);
}
END_TEST

/* what came before the Stop is answered */
START_TEST(stop_at_once)
{
	uint16_t from = 0, port;
	int fd = rig_sender(4, &from);
	struct session_spec spec = rig_spec(4, from);
	static struct fixture_end e;
	struct udp_session *u = fixture_start(&spec, &e, &port);

	send_many(fd, port, 100);
	udp_stop(u, 0);
	fixture_pump(1);
	ck_assert_int_eq(e.why, UDP_END_TIMEOUT);
	ck_assert_uint_eq(e.reflected, 100);
	close(fd);
}
END_TEST

/* R-170 R-172: restarted by packets of the session, but not by short ones or a neighbour's */
START_TEST(refwait)
{
	uint16_t from = 0, other = 0, port;
	int fd = rig_sender(4, &from), neighbour = rig_sender(4, &other);
	struct session_spec next = rig_spec(4, other);
	static struct fixture_end e, f;

	fixture_start(&next, &f, &port);
	fixture_refwait(rig_spec(4, from), &e, fd, neighbour);
	close(fd);
	close(neighbour);
}
END_TEST

/* T-005 T-012 T-042: keyed sessions beside a clear one, each by its own keys */
START_TEST(keyed)
{
	static const uint32_t modes[] = { MODE_UNAUTHENTICATED, MODE_AUTHENTICATED,
					  MODE_ENCRYPTED };
	enum { N = 3, LEN = 120 };
	static struct fixture_end e[N];
	static struct crypt_test sender;
	struct udp_session *u[N];
	uint16_t from[N] = { 0 }, port;
	int fd[N];

	crypt_test_init(&sender, &fixture_keys, fixture_sid);
	for (int i = 0; i < N; i++) {
		struct session_spec spec;

		fd[i] = rig_sender(4, &from[i]);
		spec = rig_spec(4, from[i]);
		spec.modes = modes[i];
		u[i] = fixture_start(&spec, &e[i], &port);
	}
	for (uint32_t seq = 0; seq < 90; seq++) {
		const struct pkt_layout *l = pkt_layout(modes[seq % N]);
		bool encrypted = modes[seq % N] == MODE_ENCRYPTED;
		uint8_t packet[LEN];
		int from_fd = fd[seq % N];

		rig_fill(packet, sizeof(packet), seq, 0x0101);
		if (l->send_min > 14) {
			memset(packet + 4, 0, 12);
			crypt_pkt_seal_send(&sender, encrypted, packet);
		}
		rig_send(from_fd, 4, port, packet, sizeof(packet));
		if (l->send_min > 14) { /* a forgery, which takes no number */
			packet[l->send_min - 1] ^= 1;
			rig_send(from_fd, 4, port, packet, sizeof(packet));
		}
		rig_receive(from_fd, &fixture.reply, RIG_WAIT_MS);
		ck_assert_int_ge(fixture.reply.len, (ssize_t)l->reply_min);
		if (l->send_min > 14) {
			ck_assert_int_eq(crypt_pkt_open_reply(&sender, encrypted,
							      fixture.reply.octets,
							      (size_t)fixture.reply.len),
					 0);
		}
		ck_assert_uint_eq(rig_get32(fixture.reply.octets), seq / N);
	}
	for (int i = 0; i < N; i++) {
		udp_stop(u[i], 0);
	}
	fixture_pump(N);
	for (int i = 0; i < N; i++) {
		ck_assert_uint_eq(e[i].reflected, 30);
		ck_assert_uint_eq(e[i].received, i ? 60 : 30);
		ck_assert(e[i].adds_up);
		close(fd[i]);
	}
}
END_TEST

static void add_case(Suite *s, const char *name, void (*make)(void), const TTest *const *tests)
{
	TCase *t = tcase_create(name);

	tcase_set_timeout(t, 240);
	tcase_add_checked_fixture(t, make, fixture_tear_down);
	for (; *tests; tests++) {
		tcase_add_loop_test(t, *tests, 0, 2);
	}
	suite_add_tcase(s, t);
}

int main(void)
{
	const TTest *one[] = { two_sessions, bursts,  strangers,  local_addresses,
			       early,	     at_once, same_again, stop_and_timeout,
			       stop_at_once, refwait, keyed,	  NULL };
	const TTest *two[] = { at_once, same_again, NULL };
	const TTest *common[] = { keyed, NULL };
	Suite *s = suite_create("shared");
	SRunner *runner;
	int failed;

	add_case(s, "one thread", make_one, one);
	add_case(s, "two threads", make_two, two);
	add_case(s, "one port", make_common, common);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
