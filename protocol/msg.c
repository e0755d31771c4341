// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/msg.h"

#include "protocol/mode.h"

_Static_assert(MSG_GREETING_LEN == 12 + 4 + 16 + 16 + 4 + 12, "RFC 4656 3.1");
_Static_assert(MSG_SETUP_LEN == 4 + MSG_KEY_ID_LEN + MSG_TOKEN_LEN + 16, "RFC 4656 3.1");
_Static_assert(MSG_SERVER_START_LEN == 15 + 1 + 16 + 8 + 8, "RFC 4656 3.1");
_Static_assert(MSG_REQUEST_LEN == 48 + MSG_SID_LEN + 32 + MSG_HMAC_LEN, "RFC 5357 3.5");
_Static_assert(MSG_ACCEPT_SESSION_LEN == 4 + MSG_SID_LEN + 12 + MSG_HMAC_LEN, "RFC 5357 3.5");
_Static_assert(MSG_STOP_LEN == MSG_BLOCK + MSG_HMAC_LEN, "RFC 5357 3.8");

void msg_put_greeting(uint8_t out[static MSG_GREETING_LEN], const struct msg_greeting *m)
{
	struct wire_out w = wire_out(out, MSG_GREETING_LEN);

	wire_zero(&w, 12);
	wire_put32(&w, m->modes);
	wire_put(&w, m->challenge, sizeof(m->challenge));
	wire_put(&w, m->salt, sizeof(m->salt));
	wire_put32(&w, m->count);
	wire_zero(&w, 12);
}

int msg_get_greeting(const uint8_t in[static MSG_GREETING_LEN], struct msg_greeting *m)
{
	struct wire_in w = wire_in(in, MSG_GREETING_LEN);

	wire_skip(&w, 12);
	m->modes = wire_get32(&w);
	wire_get(&w, m->challenge, sizeof(m->challenge));
	wire_get(&w, m->salt, sizeof(m->salt));
	m->count = wire_get32(&w);
	/* Without a mode with keys nothing is derived, and some servers leave Count at 0. */
	if (m->modes & MODE_KEYED_MASK &&
	    (m->count < MSG_COUNT_MIN || (m->count & (m->count - 1)) != 0)) {
		return MSG_BAD_VALUE;
	}
	return 0;
}

void msg_put_setup(uint8_t out[static MSG_SETUP_LEN], const struct msg_setup *m)
{
	struct wire_out w = wire_out(out, MSG_SETUP_LEN);

	wire_put32(&w, m->mode);
	wire_put(&w, m->key_id, sizeof(m->key_id));
	wire_put(&w, m->token, sizeof(m->token));
	wire_put(&w, m->client_iv, sizeof(m->client_iv));
}

void msg_get_setup(const uint8_t in[static MSG_SETUP_LEN], struct msg_setup *m)
{
	struct wire_in w = wire_in(in, MSG_SETUP_LEN);

	m->mode = wire_get32(&w);
	wire_get(&w, m->key_id, sizeof(m->key_id));
	wire_get(&w, m->token, sizeof(m->token));
	wire_get(&w, m->client_iv, sizeof(m->client_iv));
}

void msg_put_server_start(uint8_t out[static MSG_SERVER_START_LEN],
			  const struct msg_server_start *m)
{
	struct wire_out w = wire_out(out, MSG_SERVER_START_LEN);

	wire_zero(&w, 15);
	wire_put8(&w, m->accept);
	if (m->accept != 0) {
		wire_zero(&w, 32);
		return;
	}
	wire_put(&w, m->server_iv, sizeof(m->server_iv));
	wire_put64(&w, m->start_time);
	wire_zero(&w, 8);
}

void msg_get_server_start(const uint8_t in[static MSG_SERVER_START_LEN], struct msg_server_start *m)
{
	struct wire_in w = wire_in(in, MSG_SERVER_START_LEN);

	wire_skip(&w, 15);
	m->accept = wire_get8(&w);
	wire_get(&w, m->server_iv, sizeof(m->server_iv));
	m->start_time = wire_get64(&w);
}

void msg_put_request(uint8_t out[static MSG_REQUEST_LEN], const struct msg_request *m)
{
	struct wire_out w = wire_out(out, MSG_REQUEST_LEN);

	wire_put8(&w, MSG_CMD_REQUEST_TW_SESSION);
	wire_put8(&w, m->ipvn & 0x0f);
	wire_put8(&w, m->conf_sender);
	wire_put8(&w, m->conf_receiver);
	wire_put32(&w, m->slots);
	wire_put32(&w, m->packets);
	wire_put16(&w, m->sender_port);
	wire_put16(&w, m->receiver_port);
	wire_put(&w, m->sender_address, sizeof(m->sender_address));
	wire_put(&w, m->receiver_address, sizeof(m->receiver_address));
	wire_zero(&w, MSG_SID_LEN);
	wire_put32(&w, m->padding);
	wire_put64(&w, m->start_time);
	wire_put64(&w, m->timeout);
	wire_put32(&w, m->type_p);
	wire_put16(&w, m->reflect_octets);
	wire_put16(&w, m->reflect_length);
	wire_zero(&w, 4);
	wire_zero(&w, MSG_HMAC_LEN);
}

void msg_get_request(const uint8_t in[static MSG_REQUEST_LEN], struct msg_request *m)
{
	struct wire_in w = wire_in(in, MSG_REQUEST_LEN);

	wire_skip(&w, 1);
	m->ipvn = wire_get8(&w) & 0x0f;
	m->conf_sender = wire_get8(&w);
	m->conf_receiver = wire_get8(&w);
	m->slots = wire_get32(&w);
	m->packets = wire_get32(&w);
	m->sender_port = wire_get16(&w);
	m->receiver_port = wire_get16(&w);
	wire_get(&w, m->sender_address, sizeof(m->sender_address));
	wire_get(&w, m->receiver_address, sizeof(m->receiver_address));
	wire_skip(&w, MSG_SID_LEN);
	m->padding = wire_get32(&w);
	m->start_time = wire_get64(&w);
	m->timeout = wire_get64(&w);
	m->type_p = wire_get32(&w);
	m->reflect_octets = wire_get16(&w);
	m->reflect_length = wire_get16(&w);
}

void msg_put_accept_session(uint8_t out[static MSG_ACCEPT_SESSION_LEN],
			    const struct msg_accept_session *m)
{
	struct wire_out w = wire_out(out, MSG_ACCEPT_SESSION_LEN);

	wire_put8(&w, m->accept);
	wire_zero(&w, 1);
	if (m->accept == 0) {
		wire_put16(&w, m->port);
		wire_put(&w, m->sid, sizeof(m->sid));
	} else {
		wire_zero(&w, 2 + MSG_SID_LEN);
	}
	/* Reflected also by a refusal: it tells a pipelining client which request it answers. */
	wire_put16(&w, m->reflected_octets);
	wire_put16(&w, m->server_octets);
	wire_zero(&w, 8);
	wire_zero(&w, MSG_HMAC_LEN);
}

void msg_get_accept_session(const uint8_t in[static MSG_ACCEPT_SESSION_LEN],
			    struct msg_accept_session *m)
{
	struct wire_in w = wire_in(in, MSG_ACCEPT_SESSION_LEN);

	m->accept = wire_get8(&w);
	wire_skip(&w, 1);
	m->port = wire_get16(&w);
	wire_get(&w, m->sid, sizeof(m->sid));
	m->reflected_octets = wire_get16(&w);
	m->server_octets = wire_get16(&w);
}

void msg_put_start(uint8_t out[static MSG_START_LEN])
{
	struct wire_out w = wire_out(out, MSG_START_LEN);

	wire_put8(&w, MSG_CMD_START_SESSIONS);
	wire_zero(&w, 15);
	wire_zero(&w, MSG_HMAC_LEN);
}

void msg_put_start_ack(uint8_t out[static MSG_START_ACK_LEN], uint8_t accept)
{
	struct wire_out w = wire_out(out, MSG_START_ACK_LEN);

	wire_put8(&w, accept);
	wire_zero(&w, 15);
	wire_zero(&w, MSG_HMAC_LEN);
}

uint8_t msg_get_start_ack(const uint8_t in[static MSG_START_ACK_LEN])
{
	struct wire_in w = wire_in(in, MSG_START_ACK_LEN);

	return wire_get8(&w);
}

void msg_put_stop(uint8_t out[static MSG_STOP_LEN], const struct msg_stop *m)
{
	struct wire_out w = wire_out(out, MSG_STOP_LEN);

	wire_put8(&w, MSG_CMD_STOP_SESSIONS);
	wire_put8(&w, m->accept);
	wire_zero(&w, 2);
	wire_put32(&w, m->sessions);
	wire_zero(&w, 8);
	wire_zero(&w, MSG_HMAC_LEN);
}

void msg_get_stop(const uint8_t in[static MSG_STOP_LEN], struct msg_stop *m)
{
	struct wire_in w = wire_in(in, MSG_STOP_LEN);

	wire_skip(&w, 1);
	m->accept = wire_get8(&w);
	wire_skip(&w, 2);
	m->sessions = wire_get32(&w);
}

void msg_put_n_head(uint8_t out[static MSG_BLOCK], const struct msg_n *m)
{
	struct wire_out w = wire_out(out, MSG_BLOCK);

	wire_put8(&w, m->command);
	wire_put8(&w, m->accept);
	wire_zero(&w, 10);
	wire_put32(&w, m->n);
}

void msg_get_n_head(const uint8_t in[static MSG_BLOCK], struct msg_n *m)
{
	struct wire_in w = wire_in(in, MSG_BLOCK);

	m->command = wire_get8(&w);
	m->accept = wire_get8(&w);
	wire_skip(&w, 10);
	m->n = wire_get32(&w);
}

int msg_type_p_dscp(uint32_t type_p)
{
	if (type_p & ~UINT32_C(0x3f000000)) {
		return -1;
	}
	return (int)(type_p >> 24);
}
