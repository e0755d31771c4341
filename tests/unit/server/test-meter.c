// SPDX-License-Identifier: BSD-2-Clause
/* The packets of each client in a second: what came between two looks at its sessions. */
#include "daemon/server/meter.h"
#include "daemon/server/session_orders.h"
#include "daemon/server/standing.h"
#include "tests/unit/server/lobby.h"

#include <string.h>
#include <unistd.h>

#define SECOND TS_NS_PER_S

static struct lobby s;
static struct meter m;
static int client;
static int64_t now_ns;

static void set_up(void)
{
	memset(&m, 0, sizeof m);
	now_ns = 1000 * SECOND;
	lobby_init(&s, "");
	client = lobby_dial(&s);
	ck_assert_uint_eq(lobby_shake_hands(&s, client), ACCEPT_OK);
}

static void tear_down(void)
{
	meter_end(&m);
	close(client);
	lobby_wipe(&s);
}

static struct udp_session *run_one(uint16_t port)
{
	ck_assert_uint_eq(lobby_request(&s, client, port).accept, ACCEPT_OK);
	return fake_reflector.first;
}

static void after(unsigned seconds)
{
	now_ns += seconds * SECOND;
	meter_tick(&m, &s.conns, now_ns);
}

static double rate_of(const struct udp_session *u)
{
	const struct order_session *o = udp_owner(u);

	return meter_rate(&m, &o->standing->client->pace);
}

START_TEST(sum_of_sessions)
{
	struct udp_session *one = run_one(7000), *other = run_one(7001);

	one->n.n[COUNTER_RECEIVED] = 1000000; /* over a restart: it was not so now */
	after(1);
	ck_assert_double_eq(rate_of(one), 0);
	one->n.n[COUNTER_RECEIVED] += 30;
	other->n.n[COUNTER_RECEIVED] += 10;
	after(2);
	ck_assert_double_eq(rate_of(one), 20);
	after(1); /* too early */
	ck_assert_double_eq(rate_of(one), 20);
	one->n.n[COUNTER_RECEIVED] += 4;
	after(3);
	ck_assert_double_eq(rate_of(one), 1);
	after(2); /* silence */
	ck_assert_double_eq(rate_of(one), 0);
}
END_TEST

START_TEST(whole_rounds_only)
{
	struct pace_sum sum = { 0 };
	struct meter at = { .round = 7 };
	struct roll sessions = { 0 };

	pace_add(&sum, 7, 5);
	pace_add(&sum, 7, 6);
	ck_assert_double_eq(meter_rate(&at, &sum), 11);
	at.round = 8;
	roll_begin(&sessions, &at.at); /* none of this client was looked at yet */
	ck_assert_double_eq(meter_rate(&at, &sum), 11);
	pace_add(&sum, 8, 1);
	ck_assert_double_eq(meter_rate(&at, &sum), 11);
	roll_end(&at.at);
	ck_assert_double_eq(meter_rate(&at, &sum), 1);
	at.round = 9; /* it has no sessions any more */
	ck_assert_double_eq(meter_rate(&at, &sum), 0);
	pace_add(&sum, 10, 3);
	at.round = 10;
	roll_begin(&sessions, &at.at);
	ck_assert_double_eq(meter_rate(&at, &sum), 0);
	roll_end(&at.at);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("meter");
	TCase *c = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, sum_of_sessions);
	tcase_add_test(c, whole_rounds_only);
	suite_add_tcase(suite, c);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
