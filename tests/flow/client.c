// SPDX-License-Identifier: BSD-2-Clause
#include "tests/flow/world.h"

#include <string.h>

#define MS (TS_NS_PER_S / 1000)

void client_init(struct world *w, struct client *k)
{
	k->manner = (enum manner)world_random(w, MANNER_COUNT);
	k->commands = (int)world_random(w, 30);
	k->expected[k->n_expected++].reply = REPLY_GREETING;
	seed_fill(&w->seed, &k->keys, sizeof(k->keys));
	seed_fill(&w->seed, k->iv, sizeof(k->iv));
	crypt_stream_init_send(&k->seal, &k->keys, k->iv);
	k->act_ns = w->now_ns + (int64_t)world_random(w, 20) * MS;
}

/* --- what it says --------------------------------------------------------------------- */

static uint8_t *room(struct client *k, size_t n)
{
	uint8_t *at = k->out + k->out_len;

	MUST(n <= sizeof(k->out) - k->out_len);
	memset(at, 0, n);
	k->out_len += n;
	return at;
}

static void expect(struct client *k, enum reply r)
{
	MUST(k->n_expected < WORLD_EXPECTED);
	k->expected[k->n_expected++] = (struct expected){ .reply = r };
}

bool client_individual(const struct client *k)
{
	return k->mode & MODE_INDIVIDUAL_CONTROL;
}

static uint32_t choose_mode(struct world *w, const struct client *k)
{
	uint32_t bit = 0;

	while (k->offered && !(bit & k->offered)) {
		bit = UINT32_C(1) << world_random(w, 4);
	}
	return bit | ((uint32_t)world_random(w, 1024) & k->offered & MODE_FEATURE_MASK);
}

static void say_setup(struct world *w, struct client *k)
{
	static const uint32_t bad[] = { 0, 3, 16, 7, 129, 0x80000000 };
	struct msg_setup m = { .mode = choose_mode(w, k) };

	if (world_one_in(w, 8)) {
		m.mode = bad[world_random(w, sizeof(bad) / sizeof(bad[0]))];
		k->refused_mode = true;
	}
	memcpy(m.client_iv, k->iv, sizeof(k->iv));
	msg_put_setup(room(k, MSG_SETUP_LEN), &m);
	k->mode = m.mode;
	if (m.mode) {
		expect(k, REPLY_SERVER_START);
	}
}

static void say_request(struct world *w, struct client *k)
{
	struct msg_request m = { .ipvn = 4, .sender_port = 5000, .timeout = UINT64_C(2) << 32 };

	m.timeout = world_random(w, 5) << 31;
	m.receiver_port = (uint16_t)world_random(w, 65536);
	m.packets = (uint32_t)world_random(w, 2);
	msg_put_request(room(k, MSG_REQUEST_LEN), &m);
	expect(k, REPLY_SESSION);
}

static void say_bad_request(struct world *w, struct client *k)
{
	struct msg_request m = { .ipvn = 4, .sender_port = 5000 };

	switch (world_random(w, 6)) {
	case 0:
		m.ipvn = 6;
		break;
	case 1:
		m.conf_sender = 1;
		break;
	case 2:
		m.slots = 3;
		break;
	case 3:
		m.sender_port = 0;
		break;
	case 4:
		m.padding = 9001;
		break;
	default:
		memcpy(m.sender_address, (uint8_t[]){ 203, 0, 113, 1 }, 4);
	}
	msg_put_request(room(k, MSG_REQUEST_LEN), &m);
	expect(k, REPLY_REFUSAL);
}

static void say_start(struct client *k)
{
	msg_put_start(room(k, MSG_START_LEN));
	expect(k, REPLY_START_ACK);
}

/* Only when it knows how many there are: after all answers. */
static void say_stop(struct world *w, struct client *k)
{
	struct msg_stop m = { .sessions = k->in_progress,
			      .accept = (uint8_t)(world_one_in(w, 4) ? world_random(w, 256) : 0) };

	if (world_one_in(w, 10)) {
		m.sessions += 1 + (uint32_t)world_random(w, 70000);
		k->wrong_stop = true;
	}
	k->in_progress = 0;
	msg_put_stop(room(k, MSG_STOP_LEN), &m);
}

static uint64_t sum_sid(const uint8_t *sid)
{
	uint64_t half[2];

	memcpy(half, sid, sizeof(half));
	return half[0] * UINT64_C(0x9e3779b97f4a7c15) + half[1];
}

static void say_isc(struct world *w, struct client *k)
{
	uint32_t n = world_one_in(w, 10) ? MSG_N_MAX : 1 + (uint32_t)world_random(w, 20);
	struct msg_n m = { .command = world_one_in(w, 2) ? 7 : 9, .n = n };

	if (MSG_N_LEN(n) > sizeof(k->out) - k->out_len) {
		return;
	}
	msg_put_n_head(room(k, MSG_N_LEN(n)), &m);
	expect(k, REPLY_UNEXPECTED);
}

/* Start-N-Sessions or Stop-N-Sessions of sessions that are known, and some that are not. */
static void say_list(struct world *w, struct client *k)
{
	uint32_t n = 1 + (uint32_t)world_random(w, world_one_in(w, 20) ? 300 : 6);
	struct msg_n m = { .command = world_one_in(w, 2) ? 7 : 9, .n = n };
	struct expected *e = &k->expected[k->n_expected];
	uint8_t *at;

	if (MSG_N_LEN(n) > sizeof(k->out) - k->out_len) {
		return;
	}
	expect(k, m.command == 7 ? REPLY_START_N : REPLY_STOP_N);
	at = room(k, MSG_N_LEN(n));
	msg_put_n_head(at, &m);
	e->n = n;
	for (uint8_t *sid = at + MSG_BLOCK; n--; sid += MSG_SID_LEN) {
		if (k->n_sessions && !world_one_in(w, 8)) {
			memcpy(sid, k->sessions[world_random(w, k->n_sessions)].sid, MSG_SID_LEN);
		} else {
			seed_fill(&w->seed, sid, MSG_SID_LEN);
		}
		e->sum += sum_sid(sid);
		for (uint8_t *other = at + MSG_BLOCK; other < sid; other += MSG_SID_LEN) {
			e->repeats |= !memcmp(other, sid, MSG_SID_LEN);
		}
	}
}

/* none, or more than there may be; then the server says no more */
static void say_wrong_list(struct world *w, struct client *k)
{
	struct msg_n m = { .command = world_one_in(w, 2) ? 7 : 9,
			   .n = world_one_in(w, 2) ? 0 : 5000 };

	msg_put_n_head(room(k, MSG_BLOCK), &m);
	k->wrong_list = true;
}

/* Start-Sessions and Stop-Sessions are not for it */
static void say_common(struct world *w, struct client *k)
{
	room(k, MSG_START_LEN)[0] = world_one_in(w, 2) ? 2 : 3;
	expect(k, REPLY_UNEXPECTED);
}

/* then it has to be quiet. */
static void say_unknown(struct world *w, struct client *k)
{
	size_t more = k->keyed ? MSG_BLOCK * world_random(w, 9) : world_random(w, 150);

	room(k, MSG_BLOCK + more)[0] = (uint8_t)(11 + world_random(w, 245));
	expect(k, REPLY_UNEXPECTED);
	k->quiet = true;
}

static void say_individual(struct world *w, struct conn *c)
{
	struct client *k = &c->client;

	switch (world_random(w, 30)) {
	case 0:
	case 1:
		say_bad_request(w, k);
		return;
	case 2:
	case 3:
		say_common(w, k);
		return;
	case 4:
		if (k->n_expected == 0 && k->out_len == 0 && !c->stuck) {
			say_unknown(w, k);
		}
		return;
	case 5:
		if (world_one_in(w, 4)) {
			say_wrong_list(w, k);
		}
		return;
	case 6:
	case 7:
	case 8:
	case 9:
	case 10:
	case 11:
	case 12:
	case 13:
		say_request(w, k);
		return;
	default:
		say_list(w, k);
	}
}

static void say_plain(struct world *w, struct conn *c)
{
	struct client *k = &c->client;

	switch (world_random(w, 20)) {
	case 0:
	case 1:
	case 2:
		say_bad_request(w, k);
		return;
	case 3:
	case 4:
	case 5:
		say_start(k);
		return;
	case 6:
	case 7:
	case 8:
		if (k->n_expected == 0) {
			say_stop(w, k);
		}
		return;
	case 9:
		say_isc(w, k);
		return;
	case 10:
		if (k->n_expected == 0 && k->out_len == 0 && !c->stuck) {
			say_unknown(w, k);
		}
		return;
	default:
		say_request(w, k);
	}
}

/* One command, sealed where the mode wants it; one bit is flipped now and then. */
static void say_command(struct world *w, struct conn *c)
{
	struct client *k = &c->client;
	size_t before = k->out_len, n;
	uint8_t *at = k->out + before;

	if (client_individual(k)) {
		say_individual(w, c);
	} else {
		say_plain(w, c);
	}
	n = k->out_len - before;
	if (!n || !k->keyed) {
		return;
	}
	if (n == MSG_BLOCK) {
		crypt_seal_block(&k->seal, at, n);
	} else {
		crypt_seal(&k->seal, at, n);
	}
	if (world_one_in(w, 100)) {
		at[world_random(w, n)] ^= (uint8_t)(1u << world_random(w, 8));
		k->damaged = true;
	}
}

/* Any octets, with a grain of sense, so that it comes beyond the first block now and then. */
static void say_garbage(struct world *w, struct client *k)
{
	static const uint8_t commands[] = { 2, 3, 5, 5, 5, 7, 9 };
	size_t n = 1 + world_random(w, world_one_in(w, 4) ? 8000 : 700);

	for (uint8_t *at = room(k, n), *end = at + n; at < end; at++) {
		if (world_one_in(w, 3)) {
			*at = (uint8_t)world_random(w, 256);
		}
	}
	if (world_one_in(w, 2)) {
		k->out[0] = commands[world_random(w, sizeof(commands))];
	}
	if (!k->set_up && world_one_in(w, 2)) {
		memcpy(k->out, (uint8_t[]){ 0, 0, 0, (uint8_t)choose_mode(w, k) }, n < 4 ? n : 4);
	}
	k->set_up = true;
}

static void compose(struct world *w, struct conn *c)
{
	struct client *k = &c->client;
	uint64_t n = k->manner == MANNER_PIPELINE ? 1 + world_random(w, 8) : 1;

	k->out_len = k->out_at = 0;
	if (k->manner == MANNER_GARBAGE) {
		say_garbage(w, k);
		return;
	}
	if (!k->set_up) {
		say_setup(w, k);
		k->set_up = true;
		k->keyed = k->mode & MODE_KEYED_MASK;
		/* commands may follow at once */
		if (k->manner != MANNER_PIPELINE) {
			return;
		}
	}
	while (n-- && !k->quiet && !k->wrong_stop && !k->wrong_list && !k->damaged) {
		say_command(w, c);
	}
}

/* --- when ----------------------------------------------------------------------------- */

static size_t portion(struct world *w, const struct client *k)
{
	size_t left = k->out_len - k->out_at;

	switch (k->manner) {
	case MANNER_SLOW:
		return 1;
	case MANNER_FRAGMENT:
	case MANNER_GARBAGE:
		return 1 + world_random(w, left);
	case MANNER_WELL:
	case MANNER_PIPELINE:
	case MANNER_COUNT:
		break;
	}
	return left;
}

static void send_some(struct world *w, struct conn *c)
{
	struct client *k = &c->client;
	size_t n = portion(w, k), at = k->out_at;

	/* once in a while it stops in the middle of a message, for good */
	if (world_one_in(w, k->manner == MANNER_SLOW ? 4000 : 400)) {
		k->act_ns = CONTROL_NEVER;
		return;
	}
	if (n > sizeof(c->in) - c->in_len) { /* as TCP would */
		n = sizeof(c->in) - c->in_len;
	}
	k->out_at += n;
	k->act_ns = w->now_ns + (int64_t)world_random(w, k->manner == MANNER_SLOW ? 3 : 30) * MS;
	if (k->out_at == k->out_len && k->quiet) {
		k->act_ns = w->now_ns + CONTROL_QUIET_NS + 1;
	}
	world_receive(w, c, k->out + at, n);
}

static void leave(struct world *w, struct conn *c)
{
	if (world_one_in(w, 3)) {
		c->client.act_ns = CONTROL_NEVER; /* it forgets about us */
	} else {
		world_hang_up(w, c);
	}
}

void client_act(struct world *w, struct conn *c)
{
	struct client *k = &c->client;

	if (k->out_at < k->out_len) {
		send_some(w, c);
		return;
	}
	if (k->quiet && c->control.skipping) { /* the answer took its time */
		k->act_ns = w->now_ns + CONTROL_QUIET_NS;
		return;
	}
	k->quiet = false;
	k->act_ns = w->now_ns + 1 + (int64_t)world_random(w, 400) * MS;
	if (k->commands <= 0 || k->damaged || k->wrong_list || world_one_in(w, 40)) {
		leave(w, c);
		return;
	}
	if (k->n_expected && k->manner != MANNER_GARBAGE && k->manner != MANNER_PIPELINE) {
		return;
	}
	if (k->n_expected > WORLD_EXPECTED - 10) {
		return;
	}
	k->commands--;
	compose(w, c);
}

/* --- what it hears -------------------------------------------------------------------- */

static bool is_zero(const uint8_t *octets, size_t n)
{
	while (n && !*octets) {
		octets++;
		n--;
	}
	return !n;
}

/* R-103 R-112: a refusal carries nothing but its code. */
static void check_refusal(const uint8_t *octets, size_t n)
{
	MUST(n == MSG_ACCEPT_SESSION_LEN);
	MUST(octets[0] >= ACCEPT_FAILURE && octets[0] <= ACCEPT_TEMPORARY);
	MUST(is_zero(octets + 1, n - 1));
}

static void hear_start_ack(const struct conn *c, struct client *k, const uint8_t *octets, size_t n)
{
	MUST(n == MSG_START_ACK_LEN);
	MUST(is_zero(octets + 1, n - 1));
	switch (octets[0]) {
	case ACCEPT_OK: /* */
		MUST(k->accepted > 0);
		k->in_progress += k->accepted;
		k->accepted = 0;
		return;
	case ACCEPT_FAILURE: /* */
		MUST(k->accepted == 0 || k->barred);
		return;
	case ACCEPT_UNSUPPORTED: /* */
		MUST(c->control.state == CONTROL_ACTIVE);
		return;
	case ACCEPT_INTERNAL: /* */
	case ACCEPT_TEMPORARY:
		MUST(k->accepted > 0);
		k->accepted = 0;
		return;
	}
	ck_abort_msg("Start-Ack %u", octets[0]);
}

struct known *client_known(struct client *k, const uint8_t *sid)
{
	for (unsigned i = 0; i < k->n_sessions; i++) {
		if (!memcmp(k->sessions[i].sid, sid, MSG_SID_LEN)) {
			return &k->sessions[i];
		}
	}
	return NULL;
}

/* */
static void hear_started(const struct client *k, const struct expected *e, struct known *s,
			 unsigned accept)
{
	switch (accept) {
	case ACCEPT_OK:
		MUST(s && s->state == KNOWN_ACCEPTED);
		s->state = KNOWN_STARTED;
		return;
	case ACCEPT_FAILURE:
		MUST(!s || s->state == KNOWN_STOPPED || s->forgotten ||
		     (k->barred && s->state == KNOWN_ACCEPTED));
		return;
	case ACCEPT_UNSUPPORTED:
		MUST(s && (s->state != KNOWN_ACCEPTED || e->repeats));
		return;
	case ACCEPT_INTERNAL:
	case ACCEPT_TEMPORARY:
		MUST(s && s->state == KNOWN_ACCEPTED);
		return;
	}
	ck_abort_msg("Start-N-Ack %u", accept);
}

/* */
static void hear_stopped(struct known *s, unsigned accept)
{
	switch (accept) {
	case ACCEPT_OK:
		MUST(s && s->state != KNOWN_STOPPED);
		s->state = KNOWN_STOPPED;
		return;
	case ACCEPT_FAILURE:
		MUST(!s || s->state == KNOWN_STOPPED || s->forgotten);
		return;
	case ACCEPT_UNSUPPORTED:
		MUST(s && s->state == KNOWN_STOPPED);
		return;
	}
	ck_abort_msg("Stop-N-Ack %u", accept);
}

/* R-201 R-203 R-206: every SID of the command, and an Accept value once, ascending */
static void hear_list(struct client *k, const struct expected *e, uint8_t *octets, size_t len)
{
	uint64_t sum = 0;
	uint32_t total = 0;
	int accept = -1;

	while (len) {
		struct msg_n m;

		MUST(len >= MSG_N_LEN(1));
		if (k->keyed) {
			MUST(!crypt_open_part(&k->open, octets, MSG_BLOCK));
		}
		msg_get_n_head(octets, &m);
		MUST(m.command == (e->reply == REPLY_START_N ? 8 : 10));
		MUST(m.n && MSG_N_LEN(m.n) <= len && m.accept > accept);
		accept = m.accept;
		if (k->keyed) {
			MUST(!crypt_open(&k->open, octets + MSG_BLOCK, MSG_N_LEN(m.n) - MSG_BLOCK));
		}
		total += m.n;
		for (uint32_t i = 0; i < m.n; i++) {
			const uint8_t *sid = octets + MSG_BLOCK + MSG_SID_LEN * (size_t)i;

			sum += sum_sid(sid);
			if (e->reply == REPLY_START_N) {
				hear_started(k, e, client_known(k, sid), m.accept);
			} else {
				hear_stopped(client_known(k, sid), m.accept);
			}
		}
		octets += MSG_N_LEN(m.n);
		len -= MSG_N_LEN(m.n);
	}
	MUST(total == e->n && sum == e->sum);
}

static void hear_greeting(struct client *k, const uint8_t *octets, size_t n)
{
	struct msg_greeting m;

	MUST(n == MSG_GREETING_LEN);
	MUST(msg_get_greeting(octets, &m) == 0);
	k->offered = m.modes;
	k->greeted = true;
}

static void hear_server_start(struct client *k, uint8_t *octets, size_t n)
{
	MUST(n == MSG_SERVER_START_LEN);
	if (k->refused_mode) {
		MUST(octets[15] == ACCEPT_UNSUPPORTED ||
		     (k->barred && octets[15] == ACCEPT_FAILURE));
	}
	if (octets[15] != ACCEPT_OK) { /* clear, and nothing else in it */
		MUST(is_zero(octets, 15) && is_zero(octets + 16, n - 16));
		return;
	}
	if (!k->keyed) {
		return;
	}
	crypt_stream_init_receive(&k->open, &k->keys, octets + 16);
	MUST(!crypt_open_part(&k->open, octets + 32, MSG_BLOCK));
	MUST(is_zero(octets + 40, 8));
}

static void hear_session(struct client *k, const uint8_t *octets, size_t n)
{
	MUST(n == MSG_ACCEPT_SESSION_LEN);
	if (octets[0] != ACCEPT_OK) {
		check_refusal(octets, n);
		return;
	}
	MUST(!is_zero(octets + 2, 2));
	MUST(!is_zero(octets + 4, MSG_SID_LEN));
	k->accepted++;
	if (!client_individual(k)) {
		return;
	}
	MUST(k->n_sessions < WORLD_KNOWN && !client_known(k, octets + 4)); /* */
	memcpy(k->sessions[k->n_sessions++].sid, octets + 4, MSG_SID_LEN);
}

/* A sealed answer, opened and its HMAC field made what it is in the clear. */
static void unseal(struct client *k, uint8_t *octets, size_t n)
{
	MUST(!crypt_open(&k->open, octets, n));
	memset(octets + n - MSG_HMAC_LEN, 0, MSG_HMAC_LEN);
}

static void hear(const struct conn *c, struct client *k, const struct expected *e, uint8_t *octets,
		 size_t n)
{
	if (k->keyed && (e->reply == REPLY_SESSION || e->reply == REPLY_REFUSAL ||
			 e->reply == REPLY_UNEXPECTED || e->reply == REPLY_START_ACK)) {
		unseal(k, octets, n);
	}
	switch (e->reply) {
	case REPLY_GREETING:
		hear_greeting(k, octets, n);
		return;
	case REPLY_SERVER_START:
		hear_server_start(k, octets, n);
		return;
	case REPLY_SESSION:
		hear_session(k, octets, n);
		return;
	case REPLY_REFUSAL:
		check_refusal(octets, n);
		return;
	case REPLY_UNEXPECTED:
		check_refusal(octets, n);
		MUST(octets[0] == ACCEPT_UNSUPPORTED);
		return;
	case REPLY_START_ACK:
		hear_start_ack(c, k, octets, n);
		return;
	case REPLY_START_N:
	case REPLY_STOP_N:
		hear_list(k, e, octets, n);
		return;
	}
}

void client_reply(struct world *w, struct conn *c, const uint8_t *octets, size_t n)
{
	static uint8_t copy[4 * MSG_N_LEN(MSG_N_MAX)];
	struct client *k = &c->client;
	struct expected e;

	MUST(n <= sizeof(copy));
	memcpy(copy, octets, n);
	if (n == MSG_GREETING_LEN && !k->greeted) {
		hear_greeting(k, octets, n);
		k->n_expected = 0;
		return;
	}
	if (k->manner == MANNER_GARBAGE || k->damaged) {
		k->n_expected = 0;
		return;
	}
	MUST(k->n_expected);
	e = k->expected[0];
	k->n_expected--;
	memmove(k->expected, k->expected + 1, k->n_expected * sizeof(k->expected[0]));
	hear(c, k, &e, copy, n);
}
