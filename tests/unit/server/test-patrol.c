// SPDX-License-Identifier: BSD-2-Clause
/* Sessions are looked at in turn: a way that is bad is told once, whatever happens meanwhile. */
#include "daemon/server/patrol.h"
#include "tests/unit/server/lobby.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ONE_PERCENT "watch = { forward_loss = 1.0; };"
#define NOTHING ""
#define SECOND TS_NS_PER_S

static struct lobby s;
static struct patrol p;
static int client;
static int64_t now_ns;

static void begin(const char *settings)
{
	memset(&p, 0, sizeof p);
	now_ns = 1000 * SECOND;
	lobby_init(&s, settings);
	client = lobby_dial(&s);
	ck_assert_uint_eq(lobby_shake_hands(&s, client), ACCEPT_OK);
}

static void tear_down(void)
{
	patrol_end(&p);
	close(client);
	lobby_wipe(&s);
}

static struct udp_session *run_one(uint16_t port)
{
	ck_assert_uint_eq(lobby_request(&s, client, port).accept, ACCEPT_OK);
	return fake_reflector.first;
}

static void pass(struct udp_session *u, unsigned received, unsigned lost)
{
	u->forward.flow.any = true;
	u->forward.flow.gaps += lost;
	u->n.n[COUNTER_RECEIVED] += received;
	u->n.n[COUNTER_REFLECTED] += received;
}

static void round_of(unsigned seconds)
{
	while (seconds--) {
		now_ns += SECOND;
		patrol_tick(&p, &s.conns, now_ns);
	}
}

static void expect(unsigned bad, unsigned good)
{
	ck_assert_uint_eq(fake_said(LOG_EVENT_FORWARD_BAD), bad);
	ck_assert_uint_eq(fake_said(LOG_EVENT_FORWARD_GOOD), good);
}

START_TEST(bad_and_good)
{
	struct udp_session *one, *other;

	begin(ONE_PERCENT);
	one = run_one(7000);
	other = run_one(7001);
	round_of(1);
	pass(one, 980, 20);
	pass(other, 1000, 0);
	round_of(11);
	expect(1, 0);
	ck_assert_ptr_nonnull(
		strstr(fake_detail(LOG_EVENT_FORWARD_BAD), "2.000 % of the test packets"));
	ck_assert_ptr_nonnull(strstr(fake_detail(LOG_EVENT_FORWARD_BAD), "watch.forward_loss"));
	pass(one, 900, 100);
	round_of(11);
	expect(1, 0);
	for (int i = 0; i < 2; i++) {
		pass(one, 1000, 0);
		pass(other, 1000, 0);
		round_of(11);
	}
	expect(1, 1);
}
END_TEST

/* A reload takes the limit away, and gives it back. */
START_TEST(reload)
{
	struct udp_session *u;

	begin(ONE_PERCENT);
	u = run_one(7000);
	round_of(1);
	pass(u, 500, 500);
	round_of(11);
	expect(1, 0);
	lobby_use(&s, NOTHING);
	round_of(21);
	expect(1, 1);
	ck_assert_ptr_nonnull(strstr(fake_detail(LOG_EVENT_FORWARD_GOOD), "not watched any more"));
	pass(u, 500, 500);
	round_of(21);
	expect(1, 1);
	lobby_use(&s, ONE_PERCENT);
	round_of(11);
	pass(u, 500, 500);
	round_of(21);
	expect(2, 1);
}
END_TEST

/* Each class has its own; the class is found anew when the settings change. */
START_TEST(classes)
{
	struct udp_session *u;

	begin("clients = ( { name = \"lax\"; prefixes = [ \"127.0.0.1\" ]; watch = { "
	      "forward_loss = 60; }; } );" ONE_PERCENT);
	u = run_one(7000);
	round_of(1);
	pass(u, 500, 500);
	round_of(11);
	expect(0, 0);
	lobby_use(
		&s,
		"clients = ( { name = \"strict\"; prefixes = [ \"127.0.0.1\" ]; } );" ONE_PERCENT);
	pass(u, 500, 500);
	round_of(11);
	expect(1, 0);
}
END_TEST

/* No more than a piece in a second; sessions that end meanwhile do no harm. */
START_TEST(many)
{
	enum { N = 2 * PATROL_PIECE + 10 };

	begin("limits = { max_sessions = 10000; max_sessions_per_client = 10000; "
	      "max_sessions_per_connection = 10000; request_rate = 0; };"
	      "ports = { first = 1024; last = 65535; };" ONE_PERCENT);
	for (int i = 0; i < N; i++) {
		(void)run_one((uint16_t)(1024 + i));
	}
	round_of(3);
	ck_assert_ptr_null(p.at.of); /* one round */
	for (struct udp_session *u = fake_reflector.first; u; u = u->next) {
		pass(u, 500, 500);
	}
	round_of(8);
	expect(PATROL_PIECE, 0);
	for (int i = 0; i < PATROL_PIECE + 100; i++) {
		fake_end(&s.conns, fake_reflector.first, UDP_END_ORDERED);
	}
	round_of(2);
	expect(2 * PATROL_PIECE + 10 - 100, 0);
	while (fake_reflector.first) {
		fake_end(&s.conns, fake_reflector.first, UDP_END_ORDERED);
	}
	round_of(20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("patrol");
	TCase *tc = tcase_create("patrol");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, NULL, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, bad_and_good);
	tcase_add_test(tc, reload);
	tcase_add_test(tc, classes);
	tcase_add_test(tc, many);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
