// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/control/talk.h"

#include "daemon/control/command.h"
#include "tests/unit/control/restart.h"
#include "tests/unit/protocol/vectors.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OCTETS_MAX 20000

static void init(struct talk *t, const struct address *local, const struct address *remote)
{
	memset(t, 0, sizeof(*t));
	t->policy = (struct policy){
		.modes = MODE_UNAUTHENTICATED,
		.max_connections = 4,
		.max_connections_per_client = 3,
		.max_sessions = 10,
		.max_sessions_per_client = 8,
		.max_sessions_per_connection = 5,
		.max_padding = 9000,
		.kdf_count = 32768,
		.port_first = 49152,
		.port_last = 65535,
		.handshake_s = 30,
		.message_s = 60,
		.send_stall_s = 30,
		.servwait_s = 900,
		.refwait_s = 900,
		.max_timeout_s = 900,
		.dscp_allowed = UINT64_MAX,
	};
	t->now.ns = INT64_C(5000000000);
	t->deadline.ns = CONTROL_NEVER;
	t->wall.ns = INT64_C(1700000000123456789); /* e8fe6f80.1f9add37, see time.hex */
	admit_client_init(&t->client, t->now);
	control_init(&t->control, local, remote, &t->total, &t->client);
	t->control.keyed = &t->secrets;
	t->control.class = &t->class;
	t->control.start_time = UINT64_C(0xeeae300040000000);
	memcpy(t->control.sid_ipv4, (uint8_t[]){ 192, 0, 2, 10 }, 4);
}

void talk_init(struct talk *t)
{
	init(t, &(struct address){ .family = 4, .port = 862, .ip = { 192, 0, 2, 10 } },
	     &(struct address){ .family = 4, .port = 33333, .ip = { 198, 51, 100, 7 } });
}

void talk_init_v6(struct talk *t)
{
	init(t,
	     &(struct address){
		     .family = 6, .port = 862, .ip = { 0x20, 1, 0xd, 0xb8, [15] = 0x10 } },
	     &(struct address){
		     .family = 6, .port = 33333, .ip = { 0x20, 1, 0xd, 0xb8, [15] = 0x07 } });
}

static void __attribute__((format(printf, 2, 3))) add(struct talk *t, const char *format, ...)
{
	size_t used = strlen(t->words);
	va_list ap;

	va_start(ap, format);
	vsnprintf(t->words + used, sizeof(t->words) - used, format, ap);
	va_end(ap);
}

static const char *name_state(enum control_state s)
{
	static const char *const names[] = { "?",	 "GREETED", "DERIVING", "READY", "OPENING",
					     "STARTING", "ACTIVE",  "CLOSING",	"DEAD" };

	return names[s];
}

static const char *name_why(enum control_why why)
{
	static const char *const names[] = {
		[CONTROL_WHY_PEER] = "peer",	     [CONTROL_WHY_MODE_ZERO] = "mode-zero",
		[CONTROL_WHY_REFUSED] = "refused",   [CONTROL_WHY_HANDSHAKE] = "handshake",
		[CONTROL_WHY_MESSAGE] = "message",   [CONTROL_WHY_SEND_STALL] = "stall",
		[CONTROL_WHY_SERVWAIT] = "servwait", [CONTROL_WHY_STOP_WRONG] = "stop-wrong",
		[CONTROL_WHY_DENIED] = "denied",     [CONTROL_WHY_HMAC] = "hmac",
		[CONTROL_WHY_UNKNOWN] = "unknown",   [CONTROL_WHY_SID_COUNT] = "sid-count",
		[CONTROL_WHY_GARBAGE] = "garbage",   [CONTROL_WHY_SHUTDOWN] = "shutdown",
		[CONTROL_WHY_BARRED] = "barred",
	};

	return names[why];
}

static int number(const struct talk *t, const struct session *s)
{
	return (int)(s - t->sessions);
}

static void add_report(struct talk *t, const struct control_report *r)
{
	unsigned long long v = r->value, o = r->other;

	switch (r->fact) {
	case CONTROL_FACT_ESTABLISHED:
		add(t, " established=%llu", v);
		return;
	case CONTROL_FACT_REFUSED_CONNECTION:
		add(t, " refused-connection=%s/%llu", reason_info(r->reason)->key, v);
		return;
	case CONTROL_FACT_REFUSED_REQUEST:
		add(t, r->other ? " refused-request=%s/errno %llu" : " refused-request=%s/%llu",
		    reason_info(r->reason)->key, r->other ? (unsigned long long)r->other : v);
		return;
	case CONTROL_FACT_REFUSED_START:
		add(t, v ? " refused-start=%s/%llu" : " refused-start=%s",
		    reason_info(r->reason)->key, v);
		return;
	case CONTROL_FACT_REFUSED_STOP:
		add(t, " refused-stop=%s/%llu", reason_info(r->reason)->key, v);
		return;
	case CONTROL_FACT_ACCEPTED:
		add(t, " accepted#%d", number(t, r->session));
		return;
	case CONTROL_FACT_STARTED:
		add(t, " started=%llu", v);
		return;
	case CONTROL_FACT_STOPPED:
		add(t, " stopped=%llu/%llu", v, o);
		return;
	case CONTROL_FACT_STOP_WRONG:
		add(t, " wrong=%llu/%llu", v, o);
		return;
	case CONTROL_FACT_PACKETS_IGNORED:
		add(t, " packets=%llu", v);
		return;
	case CONTROL_FACT_BARRED:
		add(t, " barred=%s", reason_info(r->reason)->key);
		return;
	case CONTROL_FACT_CLOSED:
		add(t, " closed=%s", name_why(r->why));
		return;
	}
	ck_abort_msg("fact %d", (int)r->fact);
}

static void add_todos(struct talk *t)
{
	static const char *const names[] = { "none", "start", "stop", "end", "free" };
	enum session_todo todo;
	struct session *s;

	while ((s = control_next_todo(&t->control, &todo)) != NULL) {
		add(t, " %s#%d", names[todo], number(t, s));
	}
}

/* Of a message in the clear that has @n octets at most; an unknown one is all of them. */
static size_t length_of(const uint8_t *m, size_t n)
{
	struct msg_n head;
	size_t len = n;

	switch (m[0]) {
	case MSG_CMD_START_SESSIONS:
	case MSG_CMD_STOP_SESSIONS:
		len = MSG_START_LEN;
		break;
	case MSG_CMD_REQUEST_TW_SESSION:
		len = MSG_REQUEST_LEN;
		break;
	case MSG_CMD_START_N_SESSIONS:
	case MSG_CMD_START_N_ACK:
	case MSG_CMD_STOP_N_SESSIONS:
	case MSG_CMD_STOP_N_ACK:
		msg_get_n_head(m, &head);
		len = MSG_N_LEN(head.n);
		break;
	default:
		break;
	}
	return len < n ? len : n;
}

/* Open what the server said in one go: several messages are acknowledgements, whose heads say
 * how long they are. */
static void open_answers(struct talk *t, uint8_t *at, size_t n)
{
	while (n) {
		size_t len;

		ck_assert_int_eq(crypt_open_part(&t->open, at, MSG_BLOCK), 0);
		len = at[0] == MSG_CMD_START_N_ACK || at[0] == MSG_CMD_STOP_N_ACK ? length_of(at, n)
										  : n;
		ck_assert_int_eq(crypt_open(&t->open, at + MSG_BLOCK, len - MSG_BLOCK), 0);
		memset(at + len - MSG_HMAC_LEN, 0, MSG_HMAC_LEN);
		at += len;
		n -= len;
	}
}

static void take_answers(struct talk *t, const struct control_out *out, enum control_state before)
{
	uint8_t *at = t->got + t->n_got;

	if (out->len > sizeof(t->got) - t->n_got) {
		ck_abort_msg("%zu octets of answers", out->len);
	}
	memcpy(at, out->octets, out->len);
	t->n_got += out->len;
	if (!t->keyed || !out->len || before == CONTROL_GREETED) {
		return;
	}
	if (before != CONTROL_DERIVING) {
		open_answers(t, at, out->len);
	} else if (t->control.state == CONTROL_READY) { /* a refusal is clear: R-018 */
		crypt_stream_init_receive(&t->open, &t->keys, at + 16);
		ck_assert_int_eq(crypt_open_part(&t->open, at + 32, MSG_BLOCK), 0);
	}
}

static void feed(struct talk *t, struct control_in *in)
{
	enum control_state before = t->control.state;
	struct control_out out;

	out.size = control_room(&t->control, in->kind);
	out.octets = malloc(out.size); /* exactly, so that what is more is found out */
	ck_assert_ptr_nonnull(out.octets);
	if (!t->own_total) {
		t->total.max_connections = t->policy.max_connections;
		t->total.max_sessions = t->policy.max_sessions;
	}
	control_feed(&t->control, &t->policy, in, t->now, &out);
	take_answers(t, &out, before);
	free(out.octets);
	t->deadline = out.deadline;
	add(t, "%s%s%s%s%s", out.derive ? " +derive" : "", out.open ? " +open" : "",
	    out.start ? " +start" : "", out.close ? " +close" : "", out.abort ? " +abort" : "");
	add_todos(t);
	for (unsigned i = 0; i < out.n_reports; i++) {
		add_report(t, &out.reports[i]);
	}
}

void talk_say(struct talk *t, const uint8_t *octets, size_t n)
{
	while (n) {
		size_t want = control_want(&t->control);
		struct control_in in = { .kind = CONTROL_OCTETS, .octets = t->last, .len = want };

		/* no ck_assert: it notes each time that it held, which costs too much per octet */
		if (!want || want > n || want > sizeof(t->last)) {
			ck_abort_msg("%zu octets are left, %zu are wanted", n, want);
		}
		memcpy(t->last, octets, want);
		feed(t, &in);
		octets += want;
		n -= want;
	}
}

static void seal_all(struct talk *t, uint8_t *octets, size_t n)
{
	for (size_t len; n; octets += len, n -= len) {
		len = length_of(octets, n);
		if (len == MSG_BLOCK) { /* the head alone: no HMAC yet */
			crypt_seal_block(&t->seal, octets, len);
		} else {
			crypt_seal(&t->seal, octets, len);
		}
	}
}

static void say_text(struct talk *t, const char *text, bool raw)
{
	uint8_t octets[OCTETS_MAX];
	size_t n = talk_hex(text, octets, sizeof(octets));

	if (t->keyed && !raw && t->control.state != CONTROL_GREETED) {
		seal_all(t, octets, n);
	}
	talk_say(t, octets, n);
}

static void key_ready(struct talk *t)
{
	struct control_in in = { .kind = CONTROL_KEY_READY, .keys = &t->keys };

	memcpy(in.random, t->server_iv, sizeof(t->server_iv));
	feed(t, &in);
}

static void ready(struct talk *t, int64_t port)
{
	struct session *s = &t->sessions[t->n_sessions];
	struct control_in in = {
		.kind = CONTROL_PORT_READY,
		.session = s,
		.wall = t->wall,
		.random = { 0xa1, 0xb2, 0xc3, (uint8_t)(0xd4 + t->n_sessions) },
	};

	ck_assert_int_lt(t->n_sessions, TALK_SESSIONS);
	t->n_sessions++;
	s->spec = *control_spec(&t->control);
	s->port = (uint16_t)port;
	feed(t, &in);
}

static void started(struct talk *t, int64_t failed)
{
	struct control_in in = { .kind = CONTROL_STARTED, .octets = t->last };

	for (int i = 0; i < t->n_sessions; i++) {
		t->sessions[i].start_error = failed >> i & 1 ? -ENOMEM : 0;
	}
	feed(t, &in);
}

static void ended(struct talk *t, struct session *s)
{
	struct control_in in = { .kind = CONTROL_SESSION_ENDED, .session = s };

	feed(t, &in);
	admit_session_end(&t->total, t->control.class, &t->client);
	ck_assert_int_eq(s->state, SESSION_ENDED);
}

static void feed_kind(struct talk *t, enum control_kind kind, int error, enum reason reason)
{
	struct control_in in = { .kind = kind, .error = error, .reason = reason };

	if (kind == CONTROL_OPENED) {
		talk_hex("101112131415161718191a1b1c1d1e1f 000102030405060708090a0b0c0d0e0f",
			 in.random, sizeof(in.random));
	}
	feed(t, &in);
}

void talk_row(struct talk *t, const struct talk_row *row)
{
	/* of the rows that say no more than this */
	static const enum control_kind kinds[] = {
		[TALK_OPENED] = CONTROL_OPENED,	    [TALK_PART] = CONTROL_ARRIVED,
		[TALK_BLOCKED] = CONTROL_BLOCKED,   [TALK_FLUSHED] = CONTROL_FLUSHED,
		[TALK_DEADLINE] = CONTROL_DEADLINE, [TALK_POLICY] = CONTROL_POLICY,
		[TALK_GONE] = CONTROL_PEER_GONE,    [TALK_SHUTDOWN] = CONTROL_SHUTDOWN,
	};

	restart_control(&t->control);
	switch (row->event) {
	case TALK_END:
		return;
	case TALK_OPENED:
	case TALK_PART:
	case TALK_BLOCKED:
	case TALK_FLUSHED:
	case TALK_DEADLINE:
	case TALK_POLICY:
	case TALK_GONE:
	case TALK_SHUTDOWN:
		feed_kind(t, kinds[row->event], 0, REASON_OK);
		return;
	case TALK_SAY:
	case TALK_RAW:
		say_text(t, row->in, row->event == TALK_RAW);
		return;
	case TALK_KEY:
		key_ready(t);
		return;
	case TALK_KEY_REFUSED:
		feed_kind(t, CONTROL_KEY_REFUSED, 0, (enum reason)row->n);
		return;
	case TALK_READY:
		ready(t, row->n);
		return;
	case TALK_REFUSED:
		feed_kind(t, CONTROL_PORT_REFUSED, (int)row->n, REASON_OK);
		return;
	case TALK_DENIED:
		feed_kind(t, CONTROL_PORT_REFUSED, 0, (enum reason)row->n);
		return;
	case TALK_STARTED:
		started(t, row->n);
		return;
	case TALK_ENDED:
		ended(t, &t->sessions[row->n]);
		return;
	case TALK_WAIT:
		t->now.ns += row->n;
		if (t->now.ns >= t->deadline.ns) {
			feed_kind(t, CONTROL_DEADLINE, 0, REASON_OK);
		}
		return;
	case TALK_BARRED:
	case TALK_RESUMED:
		t->control.barred = (enum reason)row->n;
		feed_kind(t, row->event == TALK_BARRED ? CONTROL_POLICY : CONTROL_RESUMED, 0,
			  REASON_OK);
		return;
	}
}

void talk_run(struct talk *t, const struct talk_row *rows)
{
	for (int i = 0; rows[i].event != TALK_END; i++) {
		uint8_t expected[sizeof(t->got)];
		char words[sizeof(t->words) + 16];
		size_t n = 0;

		if (rows[i].out) {
			n = talk_hex(rows[i].out, expected, sizeof(expected));
		}
		t->n_got = 0;
		t->words[0] = '\0';
		talk_row(t, &rows[i]);
		snprintf(words, sizeof(words), "%s%s", name_state(t->control.state), t->words);
		ck_assert_msg(!strcmp(words, rows[i].words), "%s row %d: got '%s', expected '%s'",
			      t->name, i, words, rows[i].words);
		ck_assert_msg(t->n_got == n && !memcmp(t->got, expected, n),
			      "%s row %d: %zu octets %02x..., expected %zu", t->name, i, t->n_got,
			      t->got[0], n);
	}
}

void talk_offer(struct talk *t, uint32_t modes)
{
	struct vectors *in = vectors_load("inputs.hex");

	t->policy.modes = modes & MODE_SECURITY_MASK;
	t->policy.features = modes & MODE_FEATURE_MASK;
	t->policy.kdf_count = (uint32_t)vectors_number(in, "in.count");
	memcpy(t->keys.aes, vectors_octets(in, "in.aes_session_key", 16), 16);
	memcpy(t->keys.hmac, vectors_octets(in, "in.hmac_session_key", 32), 32);
	memcpy(t->server_iv, vectors_octets(in, "in.server_iv", 16), 16);
	crypt_stream_init_send(&t->seal, &t->keys, vectors_octets(in, "in.client_iv", 16));
	t->keyed = modes & MODE_KEYED_MASK;
	vectors_free(in);
}

void talk_establish(struct talk *t, uint32_t mode)
{
	uint8_t setup[MSG_SETUP_LEN];

	talk_offer(t, mode);
	feed_kind(t, CONTROL_OPENED, 0, REASON_OK);
	talk_hex("$setup.mode4", setup, sizeof(setup));
	for (int i = 0; i < 4; i++) {
		setup[i] = (uint8_t)(mode >> (24 - 8 * i));
	}
	talk_say(t, setup, sizeof(setup));
	if (t->keyed) {
		key_ready(t);
	}
	ck_assert_int_eq(t->control.state, CONTROL_READY);
}

void talk_end(struct talk *t)
{
	if (t->control.state == CONTROL_OPENING) {
		feed_kind(t, CONTROL_PORT_REFUSED, 0, REASON_INTERNAL);
	}
	feed_kind(t, CONTROL_PEER_GONE, 0, REASON_OK);
	for (struct session *s = t->control.first, *next; s; s = next) {
		next = s->next;
		if (!s->kept) { /* that one has ended before, its owner frees it: orders_forget */
			ended(t, s);
		}
	}
	while (t->control.first) {
		ck_assert(t->control.first->kept);
		command_unlink(&t->control, t->control.first);
	}
	for (int i = 0; i < CONTROL_SID_BUCKETS; i++) {
		ck_assert_ptr_null(t->control.by_sid[i]);
	}
	control_wipe(&t->control);
	ck_assert_uint_eq(t->control.sessions, 0);
	ck_assert_uint_eq(t->total.sessions, 0);
	ck_assert_uint_eq(t->client.sessions, 0);
	ck_assert_uint_eq(t->control.class->sessions, 0);
	ck_assert_uint_eq(t->control.class->connections, 0);
	ck_assert_uint_eq(t->total.connections, 0);
	ck_assert_uint_eq(t->client.connections, 0);
}
