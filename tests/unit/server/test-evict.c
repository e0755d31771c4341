// SPDX-License-Identifier: BSD-2-Clause
/* Who holds a place and does nothing with it makes room, the oldest first; who works stays. */
#include "tests/unit/server/lobby.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct lobby s;

static void tear_down(void)
{
	lobby_wipe(&s);
}

static bool is_closed(int fd)
{
	uint8_t octets[MSG_GREETING_LEN];

	lobby_turn(&s);
	while (recv(fd, octets, sizeof octets, MSG_DONTWAIT) > 0) {
		;
	}
	return recv(fd, octets, 1, MSG_DONTWAIT) == 0;
}

/* Of the server. */
START_TEST(the_oldest_idle_one_goes)
{
	int idle[2], busy, late;

	lobby_init(&s, "limits = { max_connections = 3; };");
	idle[0] = lobby_dial(&s);
	busy = lobby_dial(&s);
	ck_assert_uint_eq(lobby_shake_hands(&s, busy), ACCEPT_OK);
	idle[1] = lobby_dial(&s);
	ck_assert_uint_eq(s.conns.idlers.n, 2);
	late = lobby_dial(&s);
	ck_assert_uint_eq(lobby_shake_hands(&s, late), ACCEPT_OK);
	ck_assert(is_closed(idle[0]));
	ck_assert(!is_closed(idle[1]) && !is_closed(busy));
	ck_assert_uint_eq(fake_said(LOG_EVENT_CROWDED), 1);
	ck_assert_uint_eq(s.conns.admit.connections, 3);
}
END_TEST

/* Of a class: one of another class does not go for it. */
START_TEST(only_of_its_class)
{
	int other, own, late;

	lobby_init(&s, "clients = ("
		       "{ name = \"few\"; prefixes = [ \"127.0.0.1\" ];"
		       "  limits = { max_connections = 1; }; },"
		       "{ name = \"many\"; prefixes = [ \"127.0.0.2\" ]; } );");
	other = lobby_dial_from(&s, 2);
	own = lobby_dial_from(&s, 1);
	late = lobby_dial_from(&s, 1);
	ck_assert_uint_eq(lobby_shake_hands(&s, late), ACCEPT_OK);
	ck_assert(is_closed(own) && !is_closed(other));
}
END_TEST

/* Who has as many as it may have is refused, and takes nobody's place. */
START_TEST(not_for_a_client_at_its_limit)
{
	int fds[3];

	lobby_init(&s, "limits = { max_connections = 2; max_connections_per_client = 2; };");
	fds[0] = lobby_dial(&s);
	fds[1] = lobby_dial(&s);
	fds[2] = lobby_dial(&s);
	ck_assert_uint_eq(s.conns.refused.n, 1);
	ck_assert_uint_eq(lobby_shake_hands(&s, fds[2]), ACCEPT_PERMANENT);
	ck_assert(!is_closed(fds[0]) && !is_closed(fds[1]));
	ck_assert_uint_eq(fake_said(LOG_EVENT_CROWDED), 0);
}
END_TEST

/* What came meanwhile is answered first: its place is used after all. */
START_TEST(who_has_just_spoken_stays)
{
	uint8_t octets[MSG_SETUP_LEN];
	struct msg_setup setup = { .mode = MODE_UNAUTHENTICATED };
	int first, late;

	lobby_init(&s, "limits = { max_connections = 1; };");
	first = lobby_dial(&s);
	lobby_read(&s, first, octets, MSG_GREETING_LEN);
	msg_put_setup(octets, &setup);
	ck_assert_int_eq(send(first, octets, sizeof octets, 0), sizeof octets); /* not seen yet */
	late = lobby_dial(&s);
	ck_assert_uint_eq(lobby_shake_hands(&s, late), ACCEPT_PERMANENT);
	lobby_read(&s, first, octets, MSG_SERVER_START_LEN);
	ck_assert_uint_eq(octets[15], ACCEPT_OK);
}
END_TEST

/* For lack of descriptors: first who has been refused, then who is idle, never who works. */
START_TEST(room_for_lack_of_descriptors)
{
	int busy, idle, refused;

	lobby_init(&s, "limits = { max_connections_per_client = 2; };");
	busy = lobby_dial(&s);
	ck_assert_uint_eq(lobby_shake_hands(&s, busy), ACCEPT_OK);
	idle = lobby_dial(&s);
	refused = lobby_dial(&s);
	ck_assert_uint_eq(s.conns.refused.n, 1);
	ck_assert(conn_make_room(&s.conns));
	ck_assert(is_closed(refused) && !is_closed(idle));
	ck_assert(conn_make_room(&s.conns));
	ck_assert(is_closed(idle));
	ck_assert(!conn_make_room(&s.conns));
	ck_assert(!is_closed(busy));
	ck_assert_uint_eq(s.conns.all.n, 1);
}
END_TEST

/* Who waits for a key is bounded by auth.queue; its place is not for others. */
START_TEST(queues_follow_the_state)
{
	int fd;
	struct conn *c;

	lobby_init(&s, NULL);
	fd = lobby_dial(&s);
	c = conns_first(&s.conns);
	ck_assert_ptr_eq(c->evict.in, &s.conns.idlers);
	c->control.state = CONTROL_DERIVING;
	evict_sort(c);
	ck_assert_ptr_null(c->evict.in);
	ck_assert_uint_eq(s.conns.idlers.n, 0);
	c->control.state = CONTROL_GREETED;
	evict_sort(c);
	evict_sort(c);
	ck_assert_uint_eq(s.conns.idlers.n, 1);
	ck_assert_uint_eq(lobby_shake_hands(&s, fd), ACCEPT_OK);
	ck_assert_uint_eq(s.conns.idlers.n, 0);
}
END_TEST

/* A flood of them holds no more than so many, and costs two for each that comes. */
START_TEST(refused_ones_are_bounded)
{
	int fds[300];

	lobby_init(&s, "limits = { max_connections_per_client = 1; };");
	for (int i = 0; i < 300; i++) {
		fds[i] = lobby_dial(&s);
	}
	ck_assert_uint_le(s.conns.refused.n, 256);
	ck_assert(is_closed(fds[1]) && !is_closed(fds[0]));
	for (int i = 0; i < 300; i++) {
		close(fds[i]);
	}
	lobby_turn(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evict");
	TCase *t = tcase_create("evict");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, NULL, tear_down);
	tcase_add_test(t, the_oldest_idle_one_goes);
	tcase_add_test(t, only_of_its_class);
	tcase_add_test(t, not_for_a_client_at_its_limit);
	tcase_add_test(t, who_has_just_spoken_stays);
	tcase_add_test(t, room_for_lack_of_descriptors);
	tcase_add_test(t, queues_follow_the_state);
	tcase_add_test(t, refused_ones_are_bounded);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
