// SPDX-License-Identifier: BSD-2-Clause
/* TCP is a stream: however a conversation is cut, the same octets come back. And time. */
#include "daemon/control/command.h"
#include "tests/flow/world.h"

#include <stdlib.h>
#include <string.h>

#define S TS_NS_PER_S
#define SESSIONS 1200

/* A server that has everything at once, and nothing at random. */
struct stream {
	struct policy policy;
	struct admit_total total;
	struct admit_class class;
	struct admit_client client;
	struct control_keyed secrets;
	struct control control;
	struct mono now;
	int64_t deadline_ns;
	uint8_t in[MSG_N_LEN(SESSIONS) + 4096];
	size_t in_len;
	uint8_t *got;
	size_t n_got, size;
	struct session sessions[SESSIONS];
	int n_sessions;
	bool closed;
};

static const struct crypt_keys keys = { .aes = { 1, 2, 3 }, .hmac = { 4, 5, 6 } };
static const uint8_t client_iv[CRYPT_BLOCK] = { 7, 8, 9 };

static void feed(struct stream *s, struct control_in *in)
{
	static uint8_t room[MSG_N_LEN(SESSIONS) * 2];
	struct control_out out = { .octets = room };
	enum session_todo todo;
	struct session *i;

	do {
		uint8_t *octets = in->octets;

		out.size = control_room(&s->control, in->kind);
		MUST(out.size <= sizeof(room));
		control_feed(&s->control, &s->policy, in, s->now, &out);
		while ((i = control_next_todo(&s->control, &todo)) != NULL) {
			i->port = (uint16_t)(i->port + todo);
		}
		MUST(out.len <= s->size - s->n_got);
		memcpy(s->got + s->n_got, out.octets, out.len);
		s->n_got += out.len;
		s->closed |= out.close;
		s->deadline_ns = out.deadline.ns;
		*in = (struct control_in){ .kind = CONTROL_STARTED, .octets = octets };
		if (out.derive) {
			in->kind = CONTROL_KEY_READY;
			in->keys = &keys;
		}
		if (out.open) {
			MUST(s->n_sessions < SESSIONS);
			in->kind = CONTROL_PORT_READY;
			in->session = &s->sessions[s->n_sessions++];
			in->session->spec = *control_spec(&s->control);
			in->session->port = (uint16_t)(50000 + s->n_sessions);
			in->random[0] = (uint8_t)(s->n_sessions >> 8);
			in->random[3] = (uint8_t)s->n_sessions;
		}
	} while (out.derive || out.open || out.start);
}

static void feed_kind(struct stream *s, enum control_kind kind)
{
	struct control_in in = { .kind = kind };

	feed(s, &in);
}

static void receive(struct stream *s, const uint8_t *octets, size_t n)
{
	size_t want, used = 0;

	if (!n) {
		return;
	}
	memcpy(s->in + s->in_len, octets, n);
	s->in_len += n;
	while (!s->closed && (want = control_want(&s->control)) && want <= s->in_len - used) {
		struct control_in in = { .kind = CONTROL_OCTETS,
					 .octets = s->in + used,
					 .len = want };

		used += want;
		feed(s, &in);
	}
	s->in_len -= used;
	memmove(s->in, s->in + used, s->in_len);
	if (s->in_len && !s->closed) {
		feed_kind(s, CONTROL_ARRIVED);
	}
}

static void begin(struct stream *s, uint8_t *got, size_t size)
{
	struct address local = { .family = 4, .port = 862, .ip = { 192, 0, 2, 10 } };
	struct address remote = { .family = 4, .port = 33333, .ip = { 198, 51, 100, 7 } };

	memset(s, 0, sizeof(*s));
	s->policy = (struct policy){
		.modes = MODE_SECURITY_MASK,
		.features = MODE_FEATURE_MASK,
		.kdf_count = MSG_COUNT_MIN,
		.max_connections = 1,
		.max_connections_per_client = 1,
		.max_sessions = SESSIONS,
		.max_sessions_per_client = SESSIONS,
		.max_sessions_per_connection = SESSIONS,
		.max_padding = 9000,
		.handshake_s = 30,
		.message_s = 60,
		.send_stall_s = 30,
		.servwait_s = 900,
		.refwait_s = 900,
		.max_timeout_s = 900,
		.dscp_allowed = UINT64_MAX,
	};
	s->total.max_connections = s->policy.max_connections;
	s->total.max_sessions = s->policy.max_sessions;
	s->got = got;
	s->size = size;
	s->now.ns = S;
	admit_client_init(&s->client, s->now);
	control_init(&s->control, &local, &remote, &s->total, &s->client);
	s->control.class = &s->class;
	s->control.keyed = &s->secrets;
	feed_kind(s, CONTROL_OPENED);
}

static void end(struct stream *s)
{
	struct control_in in = { .kind = CONTROL_SESSION_ENDED };

	feed_kind(s, CONTROL_PEER_GONE);
	while (s->control.first) {
		in.session = s->control.first;
		if (in.session->kept) { /* it has ended before */
			command_unlink(&s->control, in.session);
			continue;
		}
		control_feed(&s->control, &s->policy, &in, s->now, &(struct control_out){ 0 });
		admit_session_end(&s->total, &s->class, &s->client);
	}
	MUST(!s->total.connections && !s->total.sessions && !s->control.sessions);
	MUST(!s->client.connections && !s->client.sessions);
	MUST(!s->class.connections && !s->class.sessions);
}

/* --- cuts ----------------------------------------------------------------------------- */

struct said {
	uint8_t octets[2 * MSG_N_LEN(SESSIONS) + 2048];
	size_t n;
	bool keyed;
	struct crypt_stream seal;
};

static uint8_t *say(struct said *t, size_t n)
{
	uint8_t *at = t->octets + t->n;

	MUST(n <= sizeof(t->octets) - t->n);
	memset(at, 0, n);
	t->n += n;
	return at;
}

/* The message at the end is complete. */
static void done(struct said *t, size_t n)
{
	if (t->keyed) {
		crypt_seal(&t->seal, t->octets + t->n - n, n);
	}
}

static void say_setup(struct said *t, uint32_t mode)
{
	struct msg_setup m = { .mode = mode };

	t->n = 0;
	t->keyed = mode & MODE_KEYED_MASK;
	memcpy(m.client_iv, client_iv, sizeof(client_iv));
	crypt_stream_init_send(&t->seal, &keys, client_iv);
	msg_put_setup(say(t, MSG_SETUP_LEN), &m);
}

static void say_request(struct said *t, uint32_t slots)
{
	struct msg_request m = { .ipvn = 4, .sender_port = 5000, .slots = slots };

	msg_put_request(say(t, MSG_REQUEST_LEN), &m);
	done(t, MSG_REQUEST_LEN);
}

static void say_start(struct said *t)
{
	msg_put_start(say(t, MSG_START_LEN));
	done(t, MSG_START_LEN);
}

static void say_stop(struct said *t, uint32_t sessions)
{
	msg_put_stop(say(t, MSG_STOP_LEN), &(struct msg_stop){ .sessions = sessions });
	done(t, MSG_STOP_LEN);
}

/* Start-N-Sessions or Stop-N-Sessions of the sessions first .. first + n - 1, counted from 1. */
static void say_list(struct said *t, uint8_t command, uint32_t first, uint32_t n)
{
	uint8_t *at = say(t, MSG_N_LEN(n));

	msg_put_n_head(at, &(struct msg_n){ .command = command, .n = n });
	for (uint32_t i = 0; i < n; i++) {
		uint8_t random[4] = { (uint8_t)((first + i) >> 8), 0, 0, (uint8_t)(first + i) };

		session_sid(at + MSG_BLOCK + MSG_SID_LEN * (size_t)i, (uint8_t[4]){ 0 },
			    ts_encode(TS_NTP, (struct wall){ 0 }), random);
	}
	done(t, MSG_N_LEN(n));
}

/* Two rounds, with everything in them that is answered, and then too many stopped. */
static void compose_common(struct said *t)
{
	say_start(t);
	for (int round = 0; round < 2; round++) {
		say_request(t, 0);
		say_request(t, 7);
		say_request(t, 0);
		say_list(t, 7, 1, 3);
		say_start(t);
		say_start(t);
		say_request(t, 0);
		say_list(t, 9, 1, 1);
		say_stop(t, 2);
	}
	say_stop(t, 1);
}

/* Requests and commands in turn; the last list is too long. */
static void compose_individual(struct said *t)
{
	say_list(t, 7, 1, 1);
	for (uint32_t round = 0; round < 2; round++) {
		say_request(t, 0);
		say_list(t, 7, 2 * round + 1, 2);
		say_request(t, 7);
		say_request(t, 0);
		say_start(t);
		say_list(t, 7, 2 * round + 1, 3);
		say_list(t, 9, 2 * round + 2, 1);
		say_stop(t, 2);
		say_list(t, 9, 2 * round + 1, 4);
	}
	msg_put_n_head(say(t, MSG_BLOCK), &(struct msg_n){ .command = 9 });
	if (t->keyed) {
		crypt_seal_block(&t->seal, t->octets + t->n - MSG_BLOCK, MSG_BLOCK);
	}
}

static void compose(struct said *t, uint32_t mode)
{
	say_setup(t, mode);
	if (mode & MODE_INDIVIDUAL_CONTROL) {
		compose_individual(t);
	} else {
		compose_common(t);
	}
}

static const uint32_t modes[] = { MODE_UNAUTHENTICATED, MODE_ENCRYPTED,
				  MODE_UNAUTHENTICATED | MODE_INDIVIDUAL_CONTROL,
				  MODE_MIXED | MODE_INDIVIDUAL_CONTROL };

static struct seed seed;
static struct said said;
static uint8_t whole[2048], parts[2048];
static size_t n_whole;

static void play_whole(uint32_t mode)
{
	static struct stream s;

	compose(&said, mode);
	begin(&s, whole, sizeof(whole));
	receive(&s, said.octets, said.n);
	MUST(s.closed);
	end(&s);
	n_whole = s.n_got;
	/* Greeting, Server-Start; Start-Ack 1, and per round 6 of 48 and 2 of 32. Or an
	 * acknowledgement of one SID, and per round 5 of 48; 0 and 1 for two SIDs; 0, 1 and 3 for
	 * three; 0 for one; 0, 1 (two of them) and 3 for four. */
	ck_assert_uint_eq(n_whole,
			  mode & MODE_INDIVIDUAL_CONTROL
				  ? 64 + 48 + 48 + 2 * (5 * 48) + 2 * (2 + 3 + 1 + 3) * 48 + 2 * 16
				  : 64 + 48 + 32 + 2 * (6 * 48 + 2 * 32));
}

/* R-012 R-077 C-005: each place where it can be cut in two */
START_TEST(cut_in_two)
{
	static struct stream s;

	play_whole(modes[_i]);
	for (size_t at = 0; at <= said.n; at++) {
		begin(&s, parts, sizeof(parts));
		receive(&s, said.octets, at);
		MUST(s.control.message.ns == CONTROL_OFF || s.deadline_ns <= s.now.ns + 60 * S);
		receive(&s, said.octets + at, said.n - at);
		end(&s);
		MUST(s.n_got == n_whole && !memcmp(parts, whole, n_whole));
	}
}
END_TEST

/* R-012 C-005: octet by octet, and at random */
START_TEST(cut_in_many)
{
	static struct stream s;

	play_whole(modes[_i]);
	for (int i = 0; i < 500; i++) {
		begin(&s, parts, sizeof(parts));
		for (size_t at = 0, n; at < said.n; at += n) {
			n = i ? 1 + seed_next(&seed) % 200 : 1;
			if (n > said.n - at) {
				n = said.n - at;
			}
			receive(&s, said.octets + at, n);
		}
		end(&s);
		MUST(s.n_got == n_whole && !memcmp(parts, whole, n_whole));
	}
}
END_TEST

/* R-074 R-190: it may break off at every octet, and nothing is left */
START_TEST(broken_off)
{
	static struct stream s;

	compose(&said, modes[_i]);
	for (size_t at = 0; at <= said.n; at++) {
		begin(&s, parts, sizeof(parts));
		receive(&s, said.octets, at);
		end(&s);
		MUST(s.control.state == CONTROL_CLOSING);
	}
}
END_TEST

/* --- size and time -------------------------------------------------------------------- */

static void request_many(struct stream *s, int n)
{
	struct msg_request m = { .ipvn = 4, .sender_port = 5000 };
	uint8_t octets[MSG_REQUEST_LEN];

	msg_put_request(octets, &m);
	for (int i = 0; i < n; i++) {
		receive(s, octets, sizeof(octets));
	}
}

/* R-120 R-141: a thousand sessions on one connection */
START_TEST(thousand_sessions)
{
	static struct stream s;
	static uint8_t got[SESSIONS * 48 + 1024];
	uint8_t octets[MSG_START_LEN];

	compose(&said, MODE_UNAUTHENTICATED);
	begin(&s, got, sizeof(got));
	receive(&s, said.octets, MSG_SETUP_LEN);
	request_many(&s, SESSIONS);
	ck_assert_int_eq(s.n_sessions, SESSIONS);
	request_many(&s, 1);
	ck_assert_uint_eq(s.got[s.n_got - 48], ACCEPT_PERMANENT);
	msg_put_start(octets);
	receive(&s, octets, sizeof(octets));
	ck_assert_uint_eq(s.control.running, SESSIONS);
	/* each got its order once: START is 1, and the port was raised by it */
	for (int i = 0; i < SESSIONS; i++) {
		MUST(s.sessions[i].port == 50001 + i + SESSION_TODO_START);
	}
	msg_put_stop(octets, &(struct msg_stop){ .sessions = SESSIONS });
	receive(&s, octets, sizeof(octets));
	ck_assert_int_eq(s.control.state, CONTROL_READY);
	end(&s);
}
END_TEST

static void send_list(struct stream *s, uint8_t command, uint32_t first, uint32_t n)
{
	size_t before = said.n;

	say_list(&said, command, first, n);
	receive(s, said.octets + before, said.n - before);
}

/* Acknowledgement of Accept 0 with @n SIDs, and nothing else since @before. */
static void check_ack(const struct stream *s, size_t before, uint8_t command, uint32_t n)
{
	struct crypt_stream open;
	uint8_t head[MSG_BLOCK];
	struct msg_n m;

	ck_assert_uint_eq(s->n_got - before, MSG_N_LEN(n));
	memcpy(head, s->got + before, sizeof(head));
	if (said.keyed) { /* enough to see what it is */
		crypt_stream_init_receive(&open, &keys, s->got + before - CRYPT_BLOCK);
		MUST(!crypt_open_part(&open, head, sizeof(head)));
	}
	msg_get_n_head(head, &m);
	ck_assert_uint_eq(m.command, command);
	ck_assert_uint_eq(m.accept, ACCEPT_OK);
	ck_assert_uint_eq(m.n, n);
}

/* R-203 C-092: one more than the connection has sessions, when these are many */
START_TEST(one_sid_too_many)
{
	static struct stream s;
	static uint8_t got[SESSIONS * 48 + 1024];
	size_t before;

	said.n = 0;
	begin(&s, got, sizeof(got));
	s.policy.max_sessions_per_connection *= 2;
	say_setup(&said, modes[_i]);
	receive(&s, said.octets, said.n);
	for (int i = 0; i < SESSIONS; i++) {
		said.n = 0;
		say_request(&said, 0);
		receive(&s, said.octets, said.n);
	}
	before = s.n_got;
	said.n = 0;
	send_list(&s, 7, 1, SESSIONS + 1);
	ck_assert_int_eq(s.control.state, CONTROL_CLOSING);
	ck_assert_uint_eq(s.n_got, before);
	end(&s);
}
END_TEST

/* R-201 R-204 R-205 C-092: 1200 SIDs in one command, a part of them gone by REFWAIT */
START_TEST(thousand_sids)
{
	static struct stream s;
	static uint8_t got[SESSIONS * 48 + 3 * MSG_N_LEN(SESSIONS)];
	size_t before;

	said.n = 0;
	begin(&s, got, sizeof(got));
	say_setup(&said, modes[_i]);
	receive(&s, said.octets, said.n);
	for (int i = 0; i < SESSIONS; i++) {
		said.n = 0;
		say_request(&said, 0);
		receive(&s, said.octets, said.n);
	}
	before = s.n_got;
	said.n = 0;
	send_list(&s, 7, 1, SESSIONS);
	check_ack(&s, before, MSG_CMD_START_N_ACK, SESSIONS);
	ck_assert_uint_eq(s.control.running, SESSIONS);
	for (int i = 0; i < SESSIONS; i += 6) {
		struct control_in in = { .kind = CONTROL_SESSION_ENDED, .session = &s.sessions[i] };

		feed(&s, &in);
		admit_session_end(&s.total, &s.class, &s.client);
	}
	ck_assert_uint_eq(s.control.sessions, SESSIONS);
	ck_assert_uint_eq(s.total.sessions, SESSIONS - SESSIONS / 6);
	before = s.n_got;
	said.n = 0;
	send_list(&s, 9, 1, SESSIONS);
	check_ack(&s, before, MSG_CMD_STOP_N_ACK, SESSIONS);
	ck_assert_int_eq(s.control.state, CONTROL_READY);
	ck_assert_uint_eq(s.control.sessions, SESSIONS - SESSIONS / 6);
	for (int i = 0; i < SESSIONS; i++) { /* each order once: the port was raised by them */
		MUST(s.sessions[i].port == 50001 + i + SESSION_TODO_START +
						   (i % 6 ? SESSION_TODO_STOP : SESSION_TODO_FREE));
	}
	end(&s);
}
END_TEST

static bool closes_at(struct stream *s, int64_t ns)
{
	s->now.ns = ns;
	if (ns < s->deadline_ns) {
		return false;
	}
	feed_kind(s, CONTROL_DEADLINE);
	return s->closed;
}

/* the largest SERVWAIT, a week, with one octet short of it and at it */
START_TEST(week)
{
	static struct stream s;
	int64_t week_ns = INT64_C(604800) * S;

	compose(&said, MODE_UNAUTHENTICATED);
	begin(&s, parts, sizeof(parts));
	s.policy.servwait_s = 604800;
	receive(&s, said.octets, MSG_SETUP_LEN);
	ck_assert_int_eq(s.deadline_ns, s.now.ns + week_ns);
	ck_assert(!closes_at(&s, S + week_ns - 1));
	/* Start-Sessions that starts nothing is heard all the same */
	receive(&s, said.octets + MSG_SETUP_LEN, MSG_START_LEN);
	ck_assert(!closes_at(&s, S + 2 * week_ns - 2));
	ck_assert(closes_at(&s, S + 2 * week_ns - 1));
	end(&s);
}
END_TEST

/* R-168 R-169: a slow client is never quiet, but each message has 60 s */
START_TEST(slow_octets)
{
	static struct stream s;
	size_t at;

	play_whole(modes[_i]);
	begin(&s, parts, sizeof(parts));
	for (at = 0; at < said.n; at++) {
		MUST(!closes_at(&s, s.now.ns + S / 6)); /* 164 octets in less than 30 s */
		receive(&s, said.octets + at, 1);
	}
	end(&s);
	ck_assert(s.n_got == n_whole && !memcmp(parts, whole, n_whole));
	/* a little slower, and the Request takes 60 s and more */
	begin(&s, parts, sizeof(parts));
	receive(&s, said.octets, MSG_SETUP_LEN + MSG_START_LEN);
	for (at = MSG_SETUP_LEN + MSG_START_LEN; at < said.n && !s.closed; at++) {
		receive(&s, said.octets + at, 1);
		if (closes_at(&s, s.now.ns + 60 * S / 111 + 1)) {
			break;
		}
	}
	ck_assert(s.closed);
	ck_assert_uint_eq(at, MSG_SETUP_LEN + MSG_START_LEN + MSG_REQUEST_LEN - 2);
	end(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stream");
	TCase *tc = tcase_create("stream");
	SRunner *runner;
	int failed;

	seed = seed_start();
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, cut_in_two, 0, 4);
	tcase_add_loop_test(tc, cut_in_many, 0, 4);
	tcase_add_loop_test(tc, broken_off, 0, 4);
	tcase_add_test(tc, thousand_sessions);
	tcase_add_loop_test(tc, one_sid_too_many, 2, 4);
	tcase_add_loop_test(tc, thousand_sids, 2, 4);
	tcase_add_test(tc, week);
	tcase_add_test(tc, slow_octets);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
