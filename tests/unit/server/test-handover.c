// SPDX-License-Identifier: BSD-2-Clause
/*
 * From one process into the next: the state in its sealed file, the sockets in their parcel, and what
 * becomes of both. Two of them play the processes. R-190
 */
#include "base/sock.h"
#include "daemon/server/adopt.h"
#include "daemon/server/inherited.h"
#include "daemon/server/listener.h"
#include "daemon/server/parcel.h"
#include "daemon/server/sealed.h"
#include "tests/unit/server/lobby.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct lobby old, new;
static int client;
static struct inherited left;
static struct adopt load;

/* inherited.c takes them from descriptor 3 on: here they come by hand. */
static void receive_parcel(int from)
{
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(INHERITED_LOT_MAX * sizeof(int))];
	} control;
	char kind;
	struct iovec octet = { &kind, 1 };
	struct msghdr m = { .msg_iov = &octet, .msg_iovlen = 1, .msg_control = &control };

	left = (struct inherited){ .state = -1, .kept = KEPT_NONE };
	left.left = calloc(64, sizeof *left.left);
	for (;;) {
		const struct cmsghdr *c;

		m.msg_controllen = sizeof control;
		if (recvmsg(from, &m, MSG_DONTWAIT) != 1) {
			break;
		}
		c = CMSG_FIRSTHDR(&m);
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			struct inherited_socket *s = &left.left[left.n_left++];

			memcpy(&s->fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			s->cookie = sock_cookie(s->fd);
			s->port = kind == INHERITED_LOT_ADDRESS;
		}
	}
	close(from);
}

static int by_cookie(const void *a, const void *b)
{
	const struct inherited_socket *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

static void set_up(void)
{
	lobby_init(&old, NULL);
	client = lobby_dial(&old);
	ck_assert_uint_eq(lobby_shake_hands(&old, client), ACCEPT_OK);
	load = (struct adopt){ .conns = &new.conns, .from = &left };
}

/* The first process gives all, and ends; its sessions go without a trace. Return the state. */
static int give(void)
{
	struct adopt all = { .conns = &old.conns };
	struct inherited none = { .n_control = 0 };
	struct listeners listeners = { .inherited = &none };
	const struct kept kept = KEPT_NONE;
	int state, parcel;

	state = sealed_write("twampd-state", adopt_save, &all);
	ck_assert_int_ge(state, 0);
	parcel = parcel_pack(&old.conns, &listeners, &kept);
	ck_assert_int_ge(parcel, 0);
	receive_parcel(parcel);
	qsort(left.left, left.n_left, sizeof *left.left, by_cookie);
	conn_free_all(&old.conns);
	while (fake_reflector.first) {
		fake_end(&old.conns, fake_reflector.first, UDP_END_HANDED_OVER);
	}
	lobby_wipe(&old);
	return state;
}

static const char *take(int state, const char *settings)
{
	const char *fault;

	lobby_init(&new, settings);
	fault = sealed_read(state, adopt_load, &load);
	close(state);
	return fault;
}

static void finish(void)
{
	inherited_free(&left);
	lobby_wipe(&new);
	close(client);
}

static struct udp_session *open_one(uint16_t port)
{
	ck_assert_uint_eq(lobby_request(&old, client, port).accept, ACCEPT_OK);
	return fake_reflector.first;
}

/* conn_free_all() closes the socket of the first process; the second has a copy of it. */
START_TEST(a_connection_goes_on)
{
	struct udp_session *u = open_one(7000);
	struct msg_accept_session answer;
	uint16_t port = u->port;

	u->n.n[COUNTER_RECEIVED] = 4711;
	ck_assert_uint_eq(lobby_start(&old, client), ACCEPT_OK);
	ck_assert_ptr_null(take(give(), NULL));
	ck_assert_uint_eq(new.conns.all.n, 1);
	ck_assert_uint_eq(new.conns.sessions.n, 1);
	ck_assert_uint_eq(new.conns.admit.connections, 1);
	ck_assert_uint_eq(new.conns.admit.sessions, 1);
	u = fake_reflector.first;
	ck_assert_uint_eq(u->port, port);
	ck_assert_uint_eq(u->n.n[COUNTER_RECEIVED], 4711);
	ck_assert_uint_eq(u->spec.remote.port, 7000);
	adopt_go_on(&new.conns);
	lobby_stop(&new, client, 1);
	ck_assert_int_eq(fake_reflector.first->stop_ns, 2 * TS_NS_PER_S);
	answer = lobby_request(&new, client, 7001);
	ck_assert_uint_eq(answer.accept, ACCEPT_OK);
	ck_assert_str_eq(fake_detail(LOG_EVENT_TAKEN_OVER), "1 connection and 1 session");
	finish();
}
END_TEST

/* Half of a message is on its way: the other half is read by the next process. */
START_TEST(half_a_message)
{
	uint8_t octets[MSG_REQUEST_LEN];

	msg_put_request(octets, &(struct msg_request){ .ipvn = 4, .sender_port = 7000 });
	lobby_write(&old, client, octets, 50);
	ck_assert_ptr_null(take(give(), NULL));
	adopt_go_on(&new.conns);
	lobby_write(&new, client, octets + 50, sizeof octets - 50);
	lobby_read(&new, client, octets, MSG_ACCEPT_SESSION_LEN);
	ck_assert_uint_eq(octets[0], ACCEPT_OK);
	finish();
}
END_TEST

/* Its connection is gone, and it is stopping: it comes along, and is its client's. */
START_TEST(an_orphan)
{
	(void)open_one(7000);
	ck_assert_uint_eq(lobby_start(&old, client), ACCEPT_OK);
	lobby_stop(&old, client, 1);
	close(client);
	client = -1;
	lobby_turn(&old);
	ck_assert_ptr_null(take(give(), NULL));
	ck_assert_uint_eq(new.conns.all.n, 0);
	ck_assert_uint_eq(new.conns.sessions.n, 1);
	ck_assert_uint_eq(new.conns.admit.sessions, 1);
	ck_assert_uint_eq(new.conns.standings->client->admit.sessions, 1);
	fake_end(&new.conns, fake_reflector.first, UDP_END_TIMEOUT);
	ck_assert_ptr_null(new.conns.standings);
	finish();
}
END_TEST

/* The socket of a connection did not come: its session ends, but for one that is stopping. */
START_TEST(a_lost_socket)
{
	(void)open_one(7000);
	ck_assert_uint_eq(lobby_start(&old, client), ACCEPT_OK);
	if (_i) {
		lobby_stop(&old, client, 1);
	}
	{
		int state = give();

		ck_assert_uint_eq(left.n_left, 1);
		inherited_free(&left);
		ck_assert_ptr_null(take(state, NULL));
	}
	ck_assert_uint_eq(new.conns.all.n, 0);
	ck_assert_uint_eq(fake_said(LOG_EVENT_HANDOVER_LOST), 1);
	ck_assert_int_eq(fake_reflector.first->ending, !_i);
	ck_assert_uint_eq(fake_settle(&new.conns), !_i);
	ck_assert_uint_eq(new.conns.admit.sessions, (unsigned)_i);
	lobby_read_end(&new, client);
	finish();
}
END_TEST

/* Of a session that has a socket of its own: the connection goes on without it. */
START_TEST(a_lost_socket_of_a_session)
{
	struct udp_session *u = open_one(7000), *kept = open_one(7001);
	uint64_t cookie;
	int state;

	u->fd = socket(AF_INET, SOCK_DGRAM, 0);
	kept->fd = socket(AF_INET, SOCK_DGRAM, 0);
	cookie = sock_cookie(u->fd);
	state = give();
	close(inherited_socket(&left, cookie));
	ck_assert_ptr_null(take(state, NULL));
	ck_assert_uint_eq(new.conns.all.n, 1);
	ck_assert_uint_eq(new.conns.sessions.n, 1);
	ck_assert_uint_eq(new.conns.admit.sessions, 1);
	ck_assert_uint_eq(fake_reflector.first->spec.remote.port, 7001);
	ck_assert_int_ge(fake_reflector.first->fd, 0);
	adopt_go_on(&new.conns);
	ck_assert_uint_eq(lobby_start(&new, client), ACCEPT_OK);
	ck_assert_uint_eq(lobby_request(&new, client, 7000).accept, ACCEPT_UNSUPPORTED);
	lobby_stop(&new, client, 1);
	ck_assert_uint_eq(lobby_request(&new, client, 7000).accept, ACCEPT_OK);
	finish();
}
END_TEST

/* Its port cannot be had: the connection goes on without it. */
START_TEST(a_lost_port)
{
	int state;

	(void)open_one(7000);
	state = give();
	lobby_init(&new, NULL);
	fake_reflector.open_error = -EADDRINUSE;
	ck_assert_ptr_null(sealed_read(state, adopt_load, &load));
	close(state);
	ck_assert_uint_eq(new.conns.all.n, 1);
	ck_assert_uint_eq(new.conns.sessions.n, 0);
	ck_assert_uint_eq(new.conns.admit.sessions, 0);
	ck_assert_str_eq(fake_detail(LOG_EVENT_HANDOVER_LOST),
			 "0 connections and 1 sessions: their sockets or ports are not there any "
			 "more");
	fake_reflector.open_error = 0;
	adopt_go_on(&new.conns);
	finish();
}
END_TEST

/* The settings are others: what comes is in the class that it has now, though there is no room there
 * for more. */
START_TEST(other_settings)
{
	static const char tight[] = "clients = ( { name = \"lab\"; prefixes = [ \"127.0.0.0/8\" ];"
				    "limits = { max_sessions = 0; }; } );";

	(void)open_one(7000);
	ck_assert_uint_eq(lobby_start(&old, client), ACCEPT_OK);
	ck_assert_ptr_null(take(give(), tight));
	ck_assert_str_eq(new.conns.standings->class->name, "lab");
	ck_assert_uint_eq(new.conns.class_uses.of[0]->admit.connections, 1);
	ck_assert_uint_eq(new.conns.class_uses.of[0]->admit.sessions, 1);
	adopt_go_on(&new.conns);
	ck_assert_uint_eq(new.conns.all.n, 1);
	lobby_stop(&new, client, 1);
	ck_assert_uint_eq(lobby_request(&new, client, 7001).accept, ACCEPT_PERMANENT);
	finish();
}
END_TEST

START_TEST(draining_goes_on)
{
	old.conns.admit.draining = true;
	ck_assert_ptr_null(take(give(), NULL));
	ck_assert(load.draining && !load.drain_light);
	finish();
}
END_TEST

START_TEST(draining_of_light_goes_on)
{
	old.conns.admit.draining = old.conns.drain_light = true;
	ck_assert_ptr_null(take(give(), NULL));
	ck_assert(load.draining && load.drain_light);
	finish();
}
END_TEST

/* --- the file ----------------------------------------------------------------------------- */

static int copy_of(const uint8_t *octets, size_t n, bool sealed)
{
	int fd = memfd_create("copy", MFD_ALLOW_SEALING);

	ck_assert_int_eq(write(fd, octets, n), (ssize_t)n);
	if (sealed) {
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS,
				       F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
				 0);
	}
	return fd;
}

/* Each octet that is another one, each length: nothing is taken up, nothing breaks. */
START_TEST(damage)
{
	uint8_t octets[8192];
	int state;
	ssize_t n;

	(void)open_one(7000);
	state = give();
	n = pread(state, octets, sizeof octets, 0);
	close(state);
	ck_assert_int_gt(n, 100);
	lobby_init(&new, NULL);
	for (ssize_t i = 0; i < n; i += i < 64 ? 1 : 37) {
		int fd;

		octets[i] ^= 0x40;
		fd = copy_of(octets, (size_t)n, true);
		octets[i] ^= 0x40;
		if (i < 12 || i >= 16) { /* but what is reserved */
			ck_assert_ptr_nonnull(sealed_read(fd, adopt_load, &load));
		}
		close(fd);
		fd = copy_of(octets, (size_t)i, true);
		ck_assert_ptr_nonnull(sealed_read(fd, adopt_load, &load));
		close(fd);
	}
	state = copy_of(octets, (size_t)n, false);
	ck_assert_str_eq(sealed_read(state, adopt_load, &load), "it is not a sealed memory file");
	close(state);
	ck_assert_uint_eq(new.conns.all.n, 0);
	finish();
}
END_TEST

/* What the operator is told of it. */
START_TEST(damage_is_named)
{
	static const struct {
		ssize_t at, cut; /* of the end, if not 0 */
		const char *words;
	} rows[] = {
		{ 0, 0, "it is not twampd's" },	    { 8, 0, "it is of another version" },
		{ 16, 0, "it is damaged" },	    { 100, 0, "it is damaged" },
		{ -1, 8, "it is damaged" },	    { -1, -8, "it is damaged" },
		{ -1, 8192, "its size cannot be" },
	};
	uint8_t octets[8192 + 8] = { 0 };
	int state, fd;
	ssize_t n;

	(void)open_one(7000);
	state = give();
	n = pread(state, octets, 8192, 0);
	close(state);
	lobby_init(&new, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		octets[rows[i].at < 0 ? 0 : rows[i].at] ^= rows[i].at < 0 ? 0 : 0x10;
		fd = copy_of(octets, rows[i].cut > n ? 0 : (size_t)(n - rows[i].cut), true);
		octets[rows[i].at < 0 ? 0 : rows[i].at] ^= rows[i].at < 0 ? 0 : 0x10;
		ck_assert_str_eq(sealed_read(fd, adopt_load, &load), rows[i].words);
		close(fd);
	}
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_str_eq(sealed_read(fd, adopt_load, &load), "it is not a sealed memory file");
	close(fd);
	finish();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover");
	TCase *t = tcase_create("handover");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, set_up, NULL);
	tcase_add_test(t, a_connection_goes_on);
	tcase_add_test(t, half_a_message);
	tcase_add_test(t, an_orphan);
	tcase_add_loop_test(t, a_lost_socket, 0, 2);
	tcase_add_test(t, a_lost_socket_of_a_session);
	tcase_add_test(t, a_lost_port);
	tcase_add_test(t, other_settings);
	tcase_add_test(t, draining_goes_on);
	tcase_add_test(t, draining_of_light_goes_on);
	tcase_add_test(t, damage);
	tcase_add_test(t, damage_is_named);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
