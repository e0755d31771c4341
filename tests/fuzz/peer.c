// SPDX-License-Identifier: BSD-2-Clause
#include "tests/fuzz/shell.h"

const struct crypt_keys peer_keys = { .aes = "sixteen octets..",
				      .hmac = "thirty-two octets of a client..." };

/* --- what it says --------------------------------------------------------------------- */

static bool has_room(const struct shell *s, size_t n)
{
	return n <= SHELL_IN - s->peer.wire_len;
}

/* Some octets of a message become what the input wants. */
static void garble(struct shell *s, uint8_t *m, size_t n)
{
	unsigned times = input_octet(&s->input) % 8;

	while (times--) {
		size_t at = input_octet(&s->input) % n;

		m[at] = input_octet(&s->input);
	}
}

/* Octets of the message by its first block; 0 = the server cannot go on behind it. */
static size_t framed(const uint8_t *m)
{
	struct msg_n list;

	msg_get_n_head(m, &list);
	switch (m[0]) {
	case MSG_CMD_REQUEST_TW_SESSION:
		return MSG_REQUEST_LEN;
	case MSG_CMD_START_SESSIONS:
	case MSG_CMD_STOP_SESSIONS:
		return MSG_START_LEN;
	case MSG_CMD_START_N_SESSIONS:
	case MSG_CMD_STOP_N_SESSIONS:
		return list.n <= MSG_N_MAX ? MSG_N_LEN(list.n) : 0;
	}
	return 0;
}

/* On its way: sealed, where it must be, and now and then damaged. */
static void send_message(struct shell *s, uint8_t *m, size_t n)
{
	struct peer *p = &s->peer;

	if (!has_room(s, n)) {
		return;
	}
	p->garbled |= n != MSG_SETUP_LEN && (!p->set_up || n != framed(m));
	if (p->sealing && n % CRYPT_BLOCK == 0) { /* a second Set-Up-Response is not */
		crypt_seal(&p->to_server, m, n);
	}
	if (p->sealing && input_octet(&s->input) % 32 == 31) {
		p->garbled = true;
		m[input_16(&s->input) % n] ^= 1;
	}
	memcpy(s->wire + p->wire_len, m, n);
	p->wire_len += n;
}

void peer_say_setup(struct shell *s)
{
	static const uint32_t modes[] = { 1, 2, 4, 8, 1 | 0x10, 2 | 0x70, 4 | 0x170, 8 | 0x3f0 };
	struct msg_setup m = { .key_id = "fuzz" };
	uint8_t octets[MSG_SETUP_LEN], choice = input_octet(&s->input);
	struct peer *p = &s->peer;

	m.mode = choice < 128 ? modes[choice % 8] : input_32(&s->input);
	input_fill(&s->input, m.client_iv, sizeof(m.client_iv));
	msg_put_setup(octets, &m);
	p->garbled |= s->received + p->wire_len > 0; /* one too many */
	send_message(s, octets, sizeof(octets));
	p->set_up = true;
	if (m.mode & MODE_KEYED_MASK && !p->sealing) {
		p->sealing = true;
		crypt_stream_init_send(&p->to_server, &peer_keys, m.client_iv);
	}
}

void peer_say_request(struct shell *s)
{
	struct msg_request m = { .ipvn = s->control.remote.family,
				 .sender_port = 5000,
				 .timeout = UINT64_C(1) << 32,
				 .padding = input_octet(&s->input) };
	uint8_t octets[MSG_REQUEST_LEN];

	m.receiver_port = input_octet(&s->input);
	m.reflect_octets = input_octet(&s->input);
	m.reflect_length = input_octet(&s->input) % 16;
	msg_put_request(octets, &m);
	garble(s, octets, sizeof(octets));
	send_message(s, octets, sizeof(octets));
}

/* Start-Sessions, Stop-Sessions, or a command of any first block and a rest that fits. */
void peer_say_command(struct shell *s)
{
	uint8_t octets[MSG_REQUEST_LEN] = { 0 }, choice = input_octet(&s->input);
	struct msg_stop stop = { .sessions = s->control.in_progress };
	size_t n = MSG_START_LEN;

	if (choice < 100) {
		msg_put_start(octets);
	} else if (choice < 200) {
		stop.sessions += choice % 16 == 0;
		stop.accept = choice & 1;
		msg_put_stop(octets, &stop);
	} else {
		octets[0] = input_octet(&s->input);
		n = octets[0] == MSG_CMD_REQUEST_TW_SESSION ? MSG_REQUEST_LEN : MSG_START_LEN;
		input_fill(&s->input, octets + 1, 15);
	}
	send_message(s, octets, n);
}

/* Start-N-Sessions, Stop-N-Sessions, with SIDs that it was told, and others. */
void peer_say_list(struct shell *s)
{
	static uint8_t octets[MSG_N_LEN(2 * MSG_N_MAX)];
	struct msg_n m = { .command = 7 };
	uint8_t choice = input_octet(&s->input), n = input_octet(&s->input) % 32;
	size_t len;

	m.command = choice & 1 ? 9 : 7;
	m.n = choice < 240 ? n : choice < 248 ? (uint32_t)MSG_N_MAX + n % 2 : input_32(&s->input);
	len = m.n <= MSG_N_MAX + 1 ? MSG_N_LEN(m.n) : MSG_N_LEN(1);
	memset(octets, 0, len);
	msg_put_n_head(octets, &m);
	for (size_t at = MSG_BLOCK; at < len - MSG_HMAC_LEN; at += MSG_SID_LEN) {
		uint8_t which = input_octet(&s->input);

		if (which < 200 && s->peer.n_sids) {
			memcpy(octets + at, s->peer.sids[which % SHELL_SESSIONS], MSG_SID_LEN);
		} else {
			octets[at + MSG_SID_LEN - 1] = which;
		}
	}
	send_message(s, octets, len);
}

/* No message at all. Cut by whatever length: a keyed stream does not recover from it. */
void peer_say_octets(struct shell *s)
{
	size_t n = input_octet(&s->input);
	struct peer *p = &s->peer;

	if (!has_room(s, n)) {
		return;
	}
	p->garbled |= n > 0;
	input_fill(&s->input, s->wire + p->wire_len, n);
	p->wire_len += n;
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

/* C-042 R-018: a refusal is all clear, and says nothing else. */
static void hear_server_start(struct shell *s, uint8_t *octets, size_t n)
{
	struct peer *p = &s->peer;

	MUST(n == MSG_SERVER_START_LEN);
	MUST(octets[15] <= ACCEPT_TEMPORARY && is_zero(octets, 15));
	if (octets[15]) {
		MUST(is_zero(octets + 16, n - 16) && s->closing);
		return;
	}
	if (s->control.modes & MODE_KEYED_MASK) {
		crypt_stream_init_receive(&p->from_server, &peer_keys, octets + 16);
		MUST(!crypt_open_part(&p->from_server, octets + 32, MSG_BLOCK));
		p->opening = true;
	} else {
		MUST(is_zero(octets + 16, 16));
	}
	MUST(is_zero(octets + 40, 8));
}

/* R-103 R-112 C-081 */
static void hear_accept_session(struct shell *s, const uint8_t *octets)
{
	struct msg_accept_session m;
	struct peer *p = &s->peer;

	msg_get_accept_session(octets, &m);
	MUST(m.accept <= ACCEPT_TEMPORARY && !octets[1]);
	MUST(m.reflected_octets == 0 || (s->control.modes & MODE_REFLECT_OCTETS));
	MUST(is_zero(octets + 22, 10));
	if (m.accept) {
		MUST(!m.port && is_zero(m.sid, MSG_SID_LEN));
		return;
	}
	MUST(m.port && !is_zero(m.sid, MSG_SID_LEN));
	memcpy(p->sids[p->n_sids++ % SHELL_SESSIONS], m.sid, MSG_SID_LEN);
}

/* One message of a server that is beyond its Server-Start. Its octets. */
static size_t hear_message(struct shell *s, uint8_t *octets, size_t n)
{
	size_t len = MSG_START_ACK_LEN;
	struct peer *p = &s->peer;
	struct msg_n m;
	bool list;

	MUST(n >= MSG_START_ACK_LEN);
	if (p->opening) {
		MUST(!crypt_open_part(&p->from_server, octets, MSG_BLOCK));
	}
	msg_get_n_head(octets, &m);
	list = m.command == MSG_CMD_START_N_ACK || m.command == MSG_CMD_STOP_N_ACK;
	if (list) {
		len = MSG_N_LEN(m.n);
	} else if (n == MSG_ACCEPT_SESSION_LEN) {
		len = n;
	}
	MUST(len <= n);
	if (p->opening) {
		MUST(!crypt_open(&p->from_server, octets + MSG_BLOCK, len - MSG_BLOCK));
	} else {
		MUST(is_zero(octets + len - MSG_HMAC_LEN, MSG_HMAC_LEN));
	}
	if (list) {
		MUST(s->control.modes & MODE_INDIVIDUAL_CONTROL);
		MUST(m.accept <= ACCEPT_TEMPORARY && m.n && is_zero(octets + 2, 10));
	} else if (len == MSG_ACCEPT_SESSION_LEN) {
		hear_accept_session(s, octets);
	} else {
		MUST(octets[0] <= ACCEPT_TEMPORARY && is_zero(octets + 1, 15));
	}
	return len;
}

void peer_hear(struct shell *s, enum control_state before, uint8_t *octets, size_t n)
{
	size_t at = 0;

	if (!n) {
		return;
	}
	switch (before) {
	case CONTROL_GREETED:
		if (s->fed == 1) {
			MUST(n == MSG_GREETING_LEN && is_zero(octets, 12));
			return;
		}
		hear_server_start(s, octets, n);
		return;
	case CONTROL_DERIVING:
		hear_server_start(s, octets, n);
		return;
	case CONTROL_READY:
	case CONTROL_ACTIVE:
	case CONTROL_OPENING:
	case CONTROL_STARTING:
		while (at < n) {
			at += hear_message(s, octets + at, n - at);
		}
		return;
	case CONTROL_CLOSING:
	case CONTROL_DEAD:
		break;
	}
	MUST(before != CONTROL_CLOSING && before != CONTROL_DEAD);
}
