// SPDX-License-Identifier: BSD-2-Clause
#include "tests/flow/world.h"

#include <string.h>

#define MS (TS_NS_PER_S / 1000)

void client_init(struct world *w, struct client *k)
{
	k->manner = (enum manner)world_random(w, MANNER_COUNT);
	k->commands = (int)world_random(w, 30);
	k->expected[k->n_expected++] = REPLY_GREETING;
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
	k->expected[k->n_expected++] = r;
}

static void say_setup(struct world *w, struct client *k)
{
	static const uint32_t bad[] = { 0, 2, 3, 16, 17, 129, 0x80000000 };
	struct msg_setup m = { .mode = 1 };

	if (world_one_in(w, 8)) {
		m.mode = bad[world_random(w, sizeof(bad) / sizeof(bad[0]))];
		k->refused_mode = true;
	}
	msg_put_setup(room(k, MSG_SETUP_LEN), &m);
	if (m.mode)
		expect(k, REPLY_SERVER_START);
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

static void say_isc(struct world *w, struct client *k)
{
	uint32_t n = world_one_in(w, 10) ? MSG_N_MAX : 1 + (uint32_t)world_random(w, 20);
	struct msg_n m = { .command = world_one_in(w, 2) ? 7 : 9, .n = n };

	if (MSG_N_LEN(n) > sizeof(k->out) - k->out_len)
		return;
	msg_put_n_head(room(k, MSG_N_LEN(n)), &m);
	expect(k, REPLY_UNEXPECTED);
}

/* then it has to be quiet. */
static void say_unknown(struct world *w, struct client *k)
{
	room(k, MSG_BLOCK + world_random(w, 150))[0] = (uint8_t)(11 + world_random(w, 245));
	expect(k, REPLY_UNEXPECTED);
	k->quiet = true;
}

static void say_command(struct world *w, struct conn *c)
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
		if (k->n_expected == 0)
			say_stop(w, k);
		return;
	case 9:
		say_isc(w, k);
		return;
	case 10:
		if (k->n_expected == 0 && k->out_len == 0 && !c->stuck)
			say_unknown(w, k);
		return;
	default:
		say_request(w, k);
	}
}

/* Any octets, with a grain of sense, so that it comes beyond the first block now and then. */
static void say_garbage(struct world *w, struct client *k)
{
	static const uint8_t commands[] = { 2, 3, 5, 5, 5, 7, 9 };
	size_t n = 1 + world_random(w, world_one_in(w, 4) ? 8000 : 700);

	for (uint8_t *at = room(k, n), *end = at + n; at < end; at++) {
		if (world_one_in(w, 3))
			*at = (uint8_t)world_random(w, 256);
	}
	if (world_one_in(w, 2))
		k->out[0] = commands[world_random(w, sizeof(commands))];
	if (!k->set_up && world_one_in(w, 2))
		memcpy(k->out, (uint8_t[]){ 0, 0, 0, 1 }, n < 4 ? n : 4);
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
		/* commands may follow at once */
		if (k->manner != MANNER_PIPELINE)
			return;
	}
	while (n-- && !k->quiet && !k->wrong_stop)
		say_command(w, c);
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
	if (n > sizeof(c->in) - c->in_len) /* as TCP would */
		n = sizeof(c->in) - c->in_len;
	k->out_at += n;
	k->act_ns = w->now_ns + (int64_t)world_random(w, k->manner == MANNER_SLOW ? 3 : 30) * MS;
	if (k->out_at == k->out_len && k->quiet)
		k->act_ns = w->now_ns + CONTROL_QUIET_NS + 1;
	world_receive(w, c, k->out + at, n);
}

static void leave(struct world *w, struct conn *c)
{
	if (world_one_in(w, 3))
		c->client.act_ns = CONTROL_NEVER; /* it forgets about us */
	else
		world_hang_up(w, c);
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
	if (k->commands <= 0 || world_one_in(w, 40)) {
		leave(w, c);
		return;
	}
	if (k->n_expected && k->manner != MANNER_GARBAGE && k->manner != MANNER_PIPELINE)
		return;
	if (k->n_expected > WORLD_EXPECTED - 10)
		return;
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
		MUST(k->accepted == 0);
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

static void hear(const struct conn *c, struct client *k, enum reply r, const uint8_t *octets,
		 size_t n)
{
	switch (r) {
	case REPLY_GREETING:
		MUST(n == MSG_GREETING_LEN);
		k->greeted = true;
		return;
	case REPLY_SERVER_START:
		MUST(n == MSG_SERVER_START_LEN);
		if (k->refused_mode)
			MUST(octets[15] == ACCEPT_UNSUPPORTED);
		return;
	case REPLY_SESSION:
		MUST(n == MSG_ACCEPT_SESSION_LEN);
		if (octets[0] != ACCEPT_OK) {
			check_refusal(octets, n);
			return;
		}
		MUST(!is_zero(octets + 2, 2));
		MUST(!is_zero(octets + 4, MSG_SID_LEN));
		k->accepted++;
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
	}
}

void client_reply(struct world *w, struct conn *c, const uint8_t *octets, size_t n)
{
	struct client *k = &c->client;
	enum reply r;

	MUST(n == MSG_GREETING_LEN || n == MSG_SERVER_START_LEN || n == MSG_START_ACK_LEN);
	if (k->manner == MANNER_GARBAGE) {
		k->n_expected = 0;
		return;
	}
	MUST(k->n_expected);
	r = k->expected[0];
	k->n_expected--;
	memmove(k->expected, k->expected + 1, k->n_expected * sizeof(k->expected[0]));
	hear(c, k, r, octets, n);
}
