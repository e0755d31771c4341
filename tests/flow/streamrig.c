// SPDX-License-Identifier: BSD-2-Clause
#include "tests/flow/test-stream.h"

#include <string.h>

#define S TS_NS_PER_S

const struct crypt_keys keys = { .aes = { 1, 2, 3 }, .hmac = { 4, 5, 6 } };
static const uint8_t client_iv[CRYPT_BLOCK] = { 7, 8, 9 };

void feed(struct stream *s, struct control_in *in)
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

void feed_kind(struct stream *s, enum control_kind kind)
{
	struct control_in in = { .kind = kind };

	feed(s, &in);
}

void receive(struct stream *s, const uint8_t *octets, size_t n)
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

void begin(struct stream *s, uint8_t *got, size_t size)
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

void end(struct stream *s)
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

void say_setup(struct said *t, uint32_t mode)
{
	struct msg_setup m = { .mode = mode };

	t->n = 0;
	t->keyed = mode & MODE_KEYED_MASK;
	memcpy(m.client_iv, client_iv, sizeof(client_iv));
	crypt_stream_init_send(&t->seal, &keys, client_iv);
	msg_put_setup(say(t, MSG_SETUP_LEN), &m);
}

void say_request(struct said *t, uint32_t slots)
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

void say_list(struct said *t, uint8_t command, uint32_t first, uint32_t n)
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

void compose(struct said *t, uint32_t mode)
{
	say_setup(t, mode);
	if (mode & MODE_INDIVIDUAL_CONTROL) {
		compose_individual(t);
	} else {
		compose_common(t);
	}
}
