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

uint64_t client_sum(const uint8_t *sid)
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
		e->sum += client_sum(sid);
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
