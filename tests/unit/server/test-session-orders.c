// SPDX-License-Identifier: BSD-2-Clause
/* What the control side orders is carried out, and what comes of it is told: sessions, keys. */
#include "base/clock.h"
#include "tests/unit/server/lobby.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct lobby s;
static int client;

static void set_up(void)
{
	lobby_init(&s, NULL);
	client = lobby_dial(&s);
}

static void tear_down(void)
{
	close(client);
	lobby_wipe(&s);
}

/* A session that runs. */
static struct udp_session *run_one(uint16_t port)
{
	ck_assert_uint_eq(lobby_request(&s, client, port).accept, ACCEPT_OK);
	ck_assert_uint_eq(lobby_start(&s, client), ACCEPT_OK);
	return fake_reflector.first;
}

START_TEST(from_request_to_end)
{
	struct msg_accept_session answer;
	struct udp_session *u;

	ck_assert_uint_eq(lobby_shake_hands(&s, client), ACCEPT_OK);
	answer = lobby_request(&s, client, 7000);
	u = fake_reflector.first;
	ck_assert_uint_eq(answer.accept, ACCEPT_OK);
	ck_assert_uint_eq(answer.port, u->port);
	ck_assert_uint_eq(u->spec.remote.port, 7000);
	ck_assert_ptr_nonnull(u->total);
	ck_assert(!u->started);
	ck_assert_uint_eq(s.conns.sessions.n, 1);
	ck_assert_uint_eq(s.conns.admit.sessions, 1);
	ck_assert_uint_eq(lobby_start(&s, client), ACCEPT_OK);
	ck_assert(u->started && !u->stop_ns);
	lobby_stop(&s, client, 1);
	ck_assert_int_eq(u->stop_ns, 2 * TS_NS_PER_S);
	fake_end(&s.conns, u, UDP_END_TIMEOUT);
	ck_assert_uint_eq(fake_said(LOG_EVENT_SESSION_ENDED), 1);
	ck_assert_uint_eq(s.conns.sessions.n, 0);
	ck_assert_uint_eq(s.conns.admit.sessions, 0);
	ck_assert_uint_eq(run_one(7000)->spec.remote.port, 7000); /* the connection goes on */
}
END_TEST

/* with its connection a session ends, but for one that is stopping. */
START_TEST(the_connection_goes)
{
	struct udp_session *u, *stopping;

	ck_assert_uint_eq(lobby_shake_hands(&s, client), ACCEPT_OK);
	stopping = run_one(7000);
	lobby_stop(&s, client, 1);
	u = run_one(7001);
	close(client);
	client = -1;
	lobby_turn(&s);
	ck_assert_uint_eq(s.conns.all.n, 0);
	ck_assert(u->ending && !stopping->ending);
	ck_assert_uint_eq(s.conns.admit.sessions, 2); /* they are there, and count */
	ck_assert_uint_eq(fake_settle(&s.conns), 1);
	ck_assert_uint_eq(s.conns.admit.sessions, 1);
	fake_end(&s.conns, stopping, UDP_END_TIMEOUT);
	ck_assert_uint_eq(fake_said(LOG_EVENT_SESSION_ENDED), 2);
	ck_assert_ptr_null(s.conns.standings);
}
END_TEST

/* */
static const struct {
	int error;
	enum accept_code code;
	enum reason reason;
} failures[] = {
	{ -EADDRINUSE, ACCEPT_PERMANENT, REASON_NO_PORT },
	{ -EEXIST, ACCEPT_TEMPORARY, REASON_TUPLE_IN_USE },
	{ -ENOMEM, ACCEPT_TEMPORARY, REASON_MEMORY_LOW },
	{ -EMFILE, ACCEPT_TEMPORARY, REASON_DESCRIPTORS_LOW },
	{ -ENETUNREACH, ACCEPT_UNSUPPORTED, REASON_NO_ROUTE },
	{ -EMSGSIZE, ACCEPT_PERMANENT, REASON_BUFFER_SIZE },
};

START_TEST(no_port)
{
	struct msg_accept_session answer;
	const struct refusal *r;

	ck_assert_uint_eq(lobby_shake_hands(&s, client), ACCEPT_OK);
	fake_reflector.open_error = failures[_i].error;
	answer = lobby_request(&s, client, 7000);
	r = (const void *)refusals_roll(s.conns.refusals)->first;
	ck_assert_uint_eq(answer.accept, failures[_i].code);
	ck_assert_uint_eq(answer.port, 0);
	ck_assert_int_eq(r->reason, failures[_i].reason);
	ck_assert_uint_eq(s.conns.admit.sessions, 0);
	ck_assert_uint_eq(s.conns.sessions.n, 0);
	ck_assert_uint_eq(lobby_request(&s, client, 7000).accept, ACCEPT_OK);
}
END_TEST

START_TEST(no_start)
{
	ck_assert_uint_eq(lobby_shake_hands(&s, client), ACCEPT_OK);
	ck_assert_uint_eq(lobby_request(&s, client, 7000).accept, ACCEPT_OK);
	fake_reflector.start_error = -ENOMEM;
	ck_assert_uint_eq(lobby_start(&s, client), ACCEPT_TEMPORARY);
	ck_assert(!fake_reflector.first->started);
}
END_TEST

/* One packet between two of our own sessions would go to and fro for ever. */
START_TEST(no_loop)
{
	uint16_t ours;
	const struct refusal *r;

	ck_assert_uint_eq(lobby_shake_hands(&s, client), ACCEPT_OK);
	ours = run_one(7000)->port;
	lobby_stop(&s, client, 1);
	ck_assert_uint_eq(lobby_request(&s, client, ours).accept, ACCEPT_UNSUPPORTED);
	r = (const void *)refusals_roll(s.conns.refusals)->first;
	ck_assert_int_eq(r->reason, REASON_LOOP);
	fake_end(&s.conns, fake_reflector.first, UDP_END_TIMEOUT);
	ck_assert_uint_eq(lobby_request(&s, client, ours).accept, ACCEPT_OK);
}
END_TEST

/* On a shared port a client that begins anew does not wait for the Timeout of its last test; a
 * session that runs does not make room. */
START_TEST(a_rival_makes_room)
{
	struct udp_session *u;

	fake_reflector.shared = true;
	ck_assert_uint_eq(lobby_shake_hands(&s, client), ACCEPT_OK);
	u = run_one(7000);
	lobby_stop(&s, client, 1);
	ck_assert_uint_eq(run_one(7000)->spec.remote.port, 7000);
	ck_assert(u->ending);
	ck_assert_uint_eq(fake_settle(&s.conns), 1);
	lobby_stop(&s, client, 1);
	u = run_one(7001);
	close(client);
	client = lobby_dial(&s);
	ck_assert_uint_eq(lobby_shake_hands(&s, client), ACCEPT_OK);
	ck_assert(u->ending); /* its connection went: it is as good as gone */
	ck_assert_uint_eq(lobby_request(&s, client, 7001).accept, ACCEPT_OK);
	ck_assert_uint_eq(lobby_request(&s, client, 7001).accept, ACCEPT_TEMPORARY);
}
END_TEST

START_TEST(rates_of_the_class)
{
	static const char with[] =
		"clients = ( { name = \"lab\"; prefixes = [ \"127.0.0.1\" ]; } );";
	static const char without[] =
		"clients = ( { name = \"far\"; prefixes = [ \"192.0.2.1\" ]; } );";
	struct police_total *before;
	struct udp_session *u;

	ck_assert_uint_eq(lobby_shake_hands(&s, client), ACCEPT_OK);
	u = run_one(7000);
	before = u->total;
	lobby_use(&s, with);
	ck_assert_ptr_ne(u->total, before);
	ck_assert_ptr_eq(u->total, &s.conns.class_uses.of[0]->police);
	ck_assert_uint_eq(s.conns.class_uses.of[0]->admit.sessions, 1);
	before = u->total;
	lobby_use(&s, without); /* it keeps the rates that there were */
	ck_assert_ptr_eq(u->total, before);
	ck_assert_uint_eq(s.conns.class_uses.nobody.admit.sessions, 1);
	ck_assert_uint_eq(s.conns.admit.connections, 1);
	ck_assert_uint_eq(s.conns.class_uses.nobody.admit.connections, 0); /* in no class at all */
}
END_TEST

/* --- keys ------------------------------------------------------------------------------- */

static char keys_path[64], settings_text[200];

static void write_keys(const char *line)
{
	FILE *f = fopen(keys_path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fchmod(fileno(f), 0600), 0);
	fprintf(f, "%s\n", line);
	ck_assert_int_eq(fclose(f), 0);
}

static void set_up_keys(void)
{
	(void)snprintf(keys_path, sizeof keys_path, "/tmp/test-keys.%d", (int)getpid());
	(void)snprintf(settings_text, sizeof settings_text,
		       "keys_file = \"%s\"; modes = [ \"unauthenticated\", \"authenticated\" ];",
		       keys_path);
	write_keys("probe secret-of-the-probe");
	lobby_init(&s, settings_text);
	client = lobby_dial(&s);
}

static void tear_down_keys(void)
{
	tear_down();
	ck_assert_int_eq(unlink(keys_path), 0);
}

static void ask_with_key(const char *key_id)
{
	uint8_t octets[MSG_SETUP_LEN];
	struct msg_setup setup = { .mode = MODE_AUTHENTICATED };

	lobby_read(&s, client, octets, MSG_GREETING_LEN);
	memcpy(setup.key_id, key_id, strlen(key_id));
	msg_put_setup(octets, &setup);
	lobby_write(&s, client, octets, MSG_SETUP_LEN);
}

static uint8_t read_server_start(void)
{
	uint8_t octets[MSG_SERVER_START_LEN];
	struct msg_server_start start;

	lobby_read(&s, client, octets, sizeof octets);
	msg_get_server_start(octets, &start);
	return start.accept;
}

START_TEST(right_key)
{
	struct crypt_keys keys = { 0 };

	ask_with_key("probe");
	ck_assert_uint_eq(fake_kdf.submitted, 1);
	ck_assert_ptr_nonnull(fake_kdf.last.key);
	session_orders_derived(fake_kdf.last.owner, &keys, true);
	ck_assert_uint_eq(read_server_start(), ACCEPT_OK);
	ck_assert_mem_eq(s.conns.standings->key_id, "probe", 6);
}
END_TEST

/* a KeyID that nobody has is asked for as well. */
START_TEST(wrong_key)
{
	ask_with_key(_i ? "nobody" : "probe");
	ck_assert_uint_eq(fake_kdf.submitted, 1);
	ck_assert_int_eq(!fake_kdf.last.key, _i);
	session_orders_derived(fake_kdf.last.owner, NULL, !_i);
	ck_assert_uint_eq(read_server_start(), ACCEPT_FAILURE);
	ck_assert_uint_eq(fake_said(LOG_EVENT_AUTH_FAILED), 1);
	lobby_read_end(&s, client);
}
END_TEST

START_TEST(derivation_refused)
{
	fake_kdf.error = _i ? -ENOMEM : -EAGAIN;
	ask_with_key("probe");
	ck_assert_uint_eq(read_server_start(), ACCEPT_TEMPORARY);
	ck_assert_uint_eq(fake_kdf.submitted, 0);
}
END_TEST

START_TEST(client_goes_meanwhile)
{
	ask_with_key("probe");
	close(client);
	client = -1;
	lobby_turn(&s);
	ck_assert_uint_eq(fake_kdf.cancelled, 1);
	ck_assert_uint_eq(s.conns.all.n, 0);
}
END_TEST

/* What was proved is worth nothing then: it is asked again, with the key that there is now. */
START_TEST(key_changes_meanwhile)
{
	struct crypt_keys keys = { 0 };

	ask_with_key("probe");
	write_keys("probe another-secret-of-it");
	lobby_use(&s, settings_text);
	session_orders_derived(fake_kdf.last.owner, &keys, true);
	ck_assert_uint_eq(fake_kdf.submitted, 2);
	write_keys("else secret-of-another");
	lobby_use(&s, settings_text);
	session_orders_derived(fake_kdf.last.owner, &keys, true);
	ck_assert_uint_eq(fake_kdf.submitted, 3);
	ck_assert_ptr_null(fake_kdf.last.key);
	session_orders_derived(fake_kdf.last.owner, NULL, false);
	ck_assert_uint_eq(read_server_start(), ACCEPT_FAILURE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session-orders");
	TCase *sessions = tcase_create("sessions"), *keys = tcase_create("keys");
	SRunner *runner;
	int failed;

	tcase_set_timeout(sessions, 120);
	tcase_add_checked_fixture(sessions, set_up, tear_down);
	tcase_add_test(sessions, from_request_to_end);
	tcase_add_test(sessions, the_connection_goes);
	tcase_add_loop_test(sessions, no_port, 0, sizeof failures / sizeof *failures);
	tcase_add_test(sessions, no_start);
	tcase_add_test(sessions, no_loop);
	tcase_add_test(sessions, a_rival_makes_room);
	tcase_add_test(sessions, rates_of_the_class);
	suite_add_tcase(suite, sessions);
	tcase_set_timeout(keys, 120);
	tcase_add_checked_fixture(keys, set_up_keys, tear_down_keys);
	tcase_add_test(keys, right_key);
	tcase_add_loop_test(keys, wrong_key, 0, 2);
	tcase_add_loop_test(keys, derivation_refused, 0, 2);
	tcase_add_test(keys, client_goes_meanwhile);
	tcase_add_test(keys, key_changes_meanwhile);
	suite_add_tcase(suite, keys);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
