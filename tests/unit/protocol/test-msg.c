// SPDX-License-Identifier: BSD-2-Clause
#include "protocol/msg.h"

#include "protocol/accept.h"
#include "protocol/ts.h"
#include "tests/unit/protocol/vectors.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define PADDING 64u
#define START_TIME UINT64_C(0xeeae310000000000)
#define TIMEOUT UINT64_C(0x0000000280000000)

static struct vectors *in, *handshake, *control, *cipher;

static const uint8_t client_v4[16] = { 198, 51, 100, 7 };
static const uint8_t server_v4[16] = { 192, 0, 2, 10 };
static const uint8_t client_v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x07 };
static const uint8_t server_v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x10 };

/* C-010 C-020 C-021 */
START_TEST(greeting_of_the_vectors)
{
	struct msg_greeting m = { .modes = 0x3f, .count = 2048 }, back;
	uint8_t out[MSG_GREETING_LEN];

	memcpy(m.challenge, vectors_octets(in, "in.challenge", 16), 16);
	memcpy(m.salt, vectors_octets(in, "in.salt", 16), 16);
	ck_assert_uint_eq(vectors_number(in, "in.count"), m.count);
	msg_put_greeting(out, &m);
	ck_assert_mem_eq(out, vectors_octets(handshake, "greeting.modes_0x3f", 64), 64);
	ck_assert_int_eq(msg_get_greeting(out, &back), 0);
	ck_assert_mem_eq(&back, &m, sizeof(m));

	memset(&m, 0, sizeof(m));
	msg_put_greeting(out, &m);
	ck_assert_mem_eq(out, vectors_octets(handshake, "greeting.modes_0", 64), 64);
	ck_assert_int_eq(msg_get_greeting(out, &back), 0);
	ck_assert_uint_eq(back.modes, 0);
}
END_TEST

/* A power of two, not below 1024, unless nothing is derived from it. C-010 C-022 */
START_TEST(greeting_count)
{
	static const uint32_t bad[] = { 0, 1, 512, 1023, 1025, 2047, 3072, 32767, UINT32_MAX };
	struct msg_greeting m = { .modes = 4 }, back;
	uint8_t out[MSG_GREETING_LEN];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		m.modes = 1u << (1 + i % 3);
		m.count = bad[i];
		msg_put_greeting(out, &m);
		ck_assert_int_eq(msg_get_greeting(out, &back), MSG_BAD_VALUE);
		m.modes = i % 2;
		msg_put_greeting(out, &m);
		ck_assert_int_eq(msg_get_greeting(out, &back), 0);
	}
	for (unsigned bit = 0; bit < 32; bit++) {
		m.modes = 4;
		m.count = UINT32_C(1) << bit;
		msg_put_greeting(out, &m);
		ck_assert_int_eq(msg_get_greeting(out, &back), bit < 10 ? MSG_BAD_VALUE : 0);
	}
}
END_TEST

/* C-011 C-030 C-031 */
START_TEST(setup_of_the_vectors)
{
	static const struct {
		const char *name;
		uint32_t mode;
	} rows[] = {
		{ "setup.mode0", 0 }, { "setup.mode1", 1 }, { "setup.mode2", 2 },
		{ "setup.mode4", 4 }, { "setup.mode8", 8 },
	};
	const struct vector *key_id = vectors_get(in, "in.keyid");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *wire = vectors_octets(handshake, rows[i].name, MSG_SETUP_LEN);
		struct msg_setup m = { .mode = rows[i].mode }, back;
		uint8_t out[MSG_SETUP_LEN];

		if (m.mode & MODE_KEYED_MASK) {
			memcpy(m.key_id, key_id->octets, key_id->n);
			memcpy(m.token, vectors_octets(cipher, "token.cipher", MSG_TOKEN_LEN),
			       MSG_TOKEN_LEN);
			memcpy(m.client_iv, vectors_octets(in, "in.client_iv", 16), 16);
		}
		msg_put_setup(out, &m);
		ck_assert_mem_eq(out, wire, sizeof(out));
		msg_get_setup(wire, &back);
		ck_assert_mem_eq(&back, &m, sizeof(m));
	}
}
END_TEST

static void assert_server_start(const uint8_t *wire, const struct msg_server_start *m)
{
	struct msg_server_start back;

	msg_get_server_start(wire, &back);
	ck_assert_uint_eq(back.accept, m->accept);
	ck_assert_mem_eq(back.server_iv, m->server_iv, sizeof(m->server_iv));
	ck_assert_uint_eq(back.start_time, m->start_time);
}

/* C-040 C-041 C-042 */
START_TEST(server_start_of_the_vectors)
{
	struct msg_server_start m = { .start_time = UINT64_C(0xeeae300040000000) };
	uint8_t out[MSG_SERVER_START_LEN];

	msg_put_server_start(out, &m);
	ck_assert_mem_eq(out, vectors_octets(handshake, "serverstart.mode1", 48), 48);
	assert_server_start(out, &m);

	memcpy(m.server_iv, vectors_octets(in, "in.server_iv", 16), 16);
	msg_put_server_start(out, &m);
	ck_assert_mem_eq(out, vectors_octets(handshake, "serverstart.enc.plain", 48), 48);
	assert_server_start(out, &m);

	m.accept = ACCEPT_UNSUPPORTED;
	msg_put_server_start(out, &m);
	ck_assert_mem_eq(out, vectors_octets(handshake, "serverstart.reject3", 48), 48);
	assert_server_start(out, &(struct msg_server_start){ .accept = 3 });
}
END_TEST

static void assert_request(const struct msg_request *m, const char *name)
{
	const uint8_t *wire = vectors_octets(control, name, MSG_REQUEST_LEN);
	uint8_t out[MSG_REQUEST_LEN];
	struct msg_request back;

	memset(out, 0xee, sizeof(out));
	msg_put_request(out, m);
	ck_assert_mem_eq(out, wire, sizeof(out));
	memset(&back, 0xee, sizeof(back));
	msg_get_request(wire, &back);
	msg_put_request(out, &back);
	ck_assert_mem_eq(out, wire, sizeof(out));
	ck_assert_uint_eq(back.ipvn, m->ipvn);
	ck_assert_uint_eq(back.sender_port, m->sender_port);
	ck_assert_uint_eq(back.receiver_port, m->receiver_port);
	ck_assert_mem_eq(back.sender_address, m->sender_address, 16);
	ck_assert_mem_eq(back.receiver_address, m->receiver_address, 16);
	ck_assert_uint_eq(back.padding, m->padding);
	ck_assert_uint_eq(back.type_p, m->type_p);
	ck_assert_int_eq(ts_duration_ns(back.timeout), 2500000000);
}

/* C-070 C-071 C-075 C-076 */
START_TEST(request_of_the_vectors)
{
	struct msg_request m = {
		.ipvn = 4,
		.sender_port = 40000,
		.receiver_port = 50000,
		.padding = PADDING,
		.start_time = START_TIME,
		.timeout = TIMEOUT,
		.type_p = msg_type_p(46),
	};

	memcpy(m.sender_address, client_v4, 16);
	memcpy(m.receiver_address, server_v4, 16);
	assert_request(&m, "req.v4.plain_unauth");

	m.ipvn = 6;
	m.sender_port = 40001;
	m.receiver_port = 50001;
	m.type_p = 0;
	memcpy(m.sender_address, client_v6, 16);
	memcpy(m.receiver_address, server_v6, 16);
	assert_request(&m, "req.v6.plain_unauth");

	m.ipvn = 4;
	m.sender_port = 40000;
	m.receiver_port = 862;
	memset(m.sender_address, 0, 16);
	memset(m.receiver_address, 0, 16);
	assert_request(&m, "req.zero_addr.plain_unauth");

	m.receiver_port = 50000;
	m.reflect_octets = 0xbeef;
	m.reflect_length = 10;
	assert_request(&m, "req.reflect_octets.plain_unauth");
}
END_TEST

/* Non-zero Must Be Zero fields change nothing. C-002 R-084 */
START_TEST(request_ignores_mbz)
{
	const uint8_t *clean = vectors_octets(control, "req.v4.plain_unauth", MSG_REQUEST_LEN);
	uint8_t dirty[MSG_REQUEST_LEN];
	struct msg_request a, b;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	memcpy(dirty, clean, sizeof(dirty));
	dirty[1] |= 0xf0;
	memset(dirty + 48, 0xff, MSG_SID_LEN);
	memset(dirty + 92, 0xff, 4);
	memset(dirty + 96, 0xff, MSG_HMAC_LEN);
	msg_get_request(clean, &a);
	msg_get_request(dirty, &b);
	ck_assert_mem_eq(&a, &b, sizeof(a));
	ck_assert_uint_eq(b.ipvn, 4);
	/* Nor do we send a high nibble. */
	b.ipvn = 0xf4;
	msg_put_request(dirty, &b);
	ck_assert_mem_eq(dirty, clean, sizeof(dirty));
}
END_TEST

/* C-080 C-081 */
START_TEST(accept_session_of_the_vectors)
{
	struct msg_accept_session m = { .port = 50000 }, back;
	uint8_t out[MSG_ACCEPT_SESSION_LEN];

	memcpy(m.sid, vectors_octets(in, "in.sid", MSG_SID_LEN), MSG_SID_LEN);
	msg_put_accept_session(out, &m);
	ck_assert_mem_eq(out, vectors_octets(control, "acc.unauth.ok", 48), 48);
	msg_get_accept_session(out, &back);
	ck_assert_mem_eq(back.sid, m.sid, MSG_SID_LEN);
	ck_assert_uint_eq(back.port, 50000);
	ck_assert_uint_eq(back.accept, 0);

	m.port = 50002;
	msg_put_accept_session(out, &m);
	ck_assert_mem_eq(out, vectors_octets(control, "acc.unauth.alt_port", 48), 48);

	m.port = 50000;
	m.reflected_octets = 0xbeef;
	m.server_octets = 0xcafe;
	msg_put_accept_session(out, &m);
	ck_assert_mem_eq(out, vectors_octets(control, "acc.reflect_octets", 48), 48);
	msg_get_accept_session(out, &back);
	ck_assert_uint_eq(back.reflected_octets, 0xbeef);
	ck_assert_uint_eq(back.server_octets, 0xcafe);

	/* A refusal tells neither port nor SID, but which request it answers. */
	m.accept = ACCEPT_PERMANENT;
	m.server_octets = 0;
	msg_put_accept_session(out, &m);
	msg_get_accept_session(out, &back);
	ck_assert_uint_eq(back.accept, 4);
	ck_assert_uint_eq(back.reflected_octets, 0xbeef);
	m.reflected_octets = 0;
	msg_put_accept_session(out, &m);
	ck_assert_mem_eq(out, vectors_octets(control, "acc.unauth.reject4", 48), 48);
}
END_TEST

/* Control.md 7: the layouts of RFC 5357 3.7 and 3.8. R-075 */
START_TEST(start_and_stop_of_the_vectors)
{
	struct msg_stop stop = { .sessions = 1 }, back;
	uint8_t out[32];

	memset(out, 0xee, sizeof(out));
	msg_put_start(out);
	ck_assert_mem_eq(out, vectors_octets(control, "start.unauth", 32), 32);

	memset(out, 0xee, sizeof(out));
	msg_put_start_ack(out, 0);
	ck_assert_mem_eq(out, vectors_octets(control, "startack.unauth.ok", 32), 32);
	for (unsigned accept = 0; accept < 256; accept++) {
		msg_put_start_ack(out, (uint8_t)accept);
		ck_assert_uint_eq(msg_get_start_ack(out), accept);
	}

	memset(out, 0xee, sizeof(out));
	msg_put_stop(out, &stop);
	ck_assert_mem_eq(out, vectors_octets(control, "stop.unauth.n1", 32), 32);
	msg_get_stop(out, &back);
	ck_assert_uint_eq(back.sessions, 1);
	ck_assert_uint_eq(back.accept, 0);
	stop = (struct msg_stop){ .accept = 77, .sessions = UINT32_MAX };
	msg_put_stop(out, &stop);
	msg_get_stop(out, &back);
	ck_assert_uint_eq(back.accept, 77);
	ck_assert_uint_eq(back.sessions, UINT32_MAX);
}
END_TEST

static void assert_n(const struct vectors *file, const char *name, const struct msg_n *m, bool hmac)
{
	const struct vector *wire = vectors_get(file, name);
	uint8_t head[MSG_BLOCK];
	struct msg_n back;

	memset(head, 0xee, sizeof(head));
	msg_put_n_head(head, m);
	ck_assert_mem_eq(head, wire->octets, sizeof(head));
	ck_assert_uint_eq(wire->n, MSG_N_LEN(m->n) - (hmac ? 0 : MSG_HMAC_LEN));
	msg_get_n_head(wire->octets, &back);
	ck_assert_uint_eq(back.command, m->command);
	ck_assert_uint_eq(back.accept, m->accept);
	ck_assert_uint_eq(back.n, m->n);
}

/* C-090 C-091 */
START_TEST(individual_control_of_the_vectors)
{
	const struct msg_n start = { .command = MSG_CMD_START_N_SESSIONS, .n = 2 };
	const struct msg_n start_ack = { .command = MSG_CMD_START_N_ACK, .n = 2 };
	const struct msg_n start_ack_1 = { .command = MSG_CMD_START_N_ACK, .n = 1 };
	const struct msg_n start_ack_5 = { .command = MSG_CMD_START_N_ACK, .accept = 5, .n = 1 };
	const struct msg_n stop = { .command = MSG_CMD_STOP_N_SESSIONS, .n = 1 };
	const struct msg_n stop_ack = { .command = MSG_CMD_STOP_N_ACK, .n = 1 };

	assert_n(control, "isc.unauth.start_n", &start, true);
	assert_n(control, "isc.unauth.start_n_ack", &start_ack, true);
	assert_n(cipher, "isc.c2s.3_start_n.hmac_input", &start, false);
	assert_n(cipher, "isc.s2c.3_start_n_ack_0.hmac_input", &start_ack_1, false);
	assert_n(cipher, "isc.s2c.4_start_n_ack_5.hmac_input", &start_ack_5, false);
	assert_n(cipher, "isc.c2s.4_stop_n.hmac_input", &stop, false);
	assert_n(cipher, "isc.s2c.5_stop_n_ack.hmac_input", &stop_ack, false);
	ck_assert_uint_eq(MSG_N_LEN(UINT32_MAX), 32 + UINT64_C(16) * UINT32_MAX);
}
END_TEST

/* The plaintext that the HMACs of the ciphered connection cover is ours. C-063 C-064 */
START_TEST(ciphered_messages_start_as_clear_ones)
{
	uint8_t expected[64];
	uint8_t out[MSG_REQUEST_LEN];
	const struct msg_stop stop = { .sessions = 1 };

	ck_assert_mem_eq(vectors_octets(cipher, "enc.c2s.1_request_v4.hmac_input", 96),
			 vectors_octets(control, "req.v4.plain_unauth", 112), 96);
	ck_assert_mem_eq(vectors_octets(cipher, "enc.c2s.2_request_v6.hmac_input", 96),
			 vectors_octets(control, "req.v6.plain_unauth", 112), 96);
	memcpy(expected, vectors_octets(handshake, "serverstart.enc.plain", 48) + 32, 16);
	memcpy(expected + 16, vectors_octets(control, "acc.unauth.ok", 48), 32);
	ck_assert_mem_eq(vectors_octets(cipher, "enc.s2c.1_accept_session.hmac_input", 48),
			 expected, 48);
	msg_put_accept_session(out, &(struct msg_accept_session){ .accept = 3 });
	ck_assert_mem_eq(vectors_octets(cipher, "enc.s2c.2_accept_session_reject3.hmac_input", 32),
			 out, 32);
	msg_put_start(out);
	ck_assert_mem_eq(vectors_octets(cipher, "enc.c2s.3_start_sessions.hmac_input", 16), out,
			 16);
	msg_put_start_ack(out, 0);
	ck_assert_mem_eq(vectors_octets(cipher, "enc.s2c.3_start_ack.hmac_input", 16), out, 16);
	msg_put_stop(out, &stop);
	ck_assert_mem_eq(vectors_octets(cipher, "enc.c2s.4_stop_sessions.hmac_input", 16), out, 16);
	/* Challenge, AES Session-key, HMAC Session-key. */
	memcpy(expected, vectors_octets(in, "in.challenge", 16), 16);
	memcpy(expected + 16, vectors_octets(in, "in.aes_session_key", 16), 16);
	memcpy(expected + 32, vectors_octets(in, "in.hmac_session_key", 32), 32);
	ck_assert_mem_eq(vectors_octets(cipher, "token.plain", 64), expected, 64);
}
END_TEST

/* C-075 C-076 R-093 */
START_TEST(type_p)
{
	static const char *const bad[] = { "typep.bad.phb_id", "typep.bad.prefix_10",
					   "typep.bad.prefix_11", "typep.bad.low_bits" };
	static const uint8_t dscps[] = { 0, 10, 46, 63 };

	for (size_t i = 0; i < sizeof(dscps); i++) {
		char name[32];
		uint32_t wire;

		(void)snprintf(name, sizeof(name), "typep.dscp_%u", dscps[i]);
		wire = (uint32_t)vectors_number(control, name);
		ck_assert_uint_eq(msg_type_p(dscps[i]), wire);
		ck_assert_int_eq(msg_type_p_dscp(wire), dscps[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(msg_type_p_dscp((uint32_t)vectors_number(control, bad[i])), -1);
	}
	for (unsigned dscp = 0; dscp < 256; dscp++) {
		ck_assert_int_eq(msg_type_p_dscp(msg_type_p((uint8_t)dscp)), (int)(dscp & 0x3f));
	}
	for (unsigned bit = 0; bit < 32; bit++) {
		int dscp = msg_type_p_dscp(UINT32_C(1) << bit);

		ck_assert_int_eq(dscp, bit < 24 || bit >= 30 ? -1 : 1 << (bit - 24));
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("msg");
	TCase *tc = tcase_create("msg");
	SRunner *runner;
	int failed;

	in = vectors_load("inputs.hex");
	handshake = vectors_load("handshake.hex");
	control = vectors_load("control.hex");
	cipher = vectors_load("cipher.hex");
	tcase_add_test(tc, greeting_of_the_vectors);
	tcase_add_test(tc, greeting_count);
	tcase_add_test(tc, setup_of_the_vectors);
	tcase_add_test(tc, server_start_of_the_vectors);
	tcase_add_test(tc, request_of_the_vectors);
	tcase_add_test(tc, request_ignores_mbz);
	tcase_add_test(tc, accept_session_of_the_vectors);
	tcase_add_test(tc, start_and_stop_of_the_vectors);
	tcase_add_test(tc, individual_control_of_the_vectors);
	tcase_add_test(tc, ciphered_messages_start_as_clear_ones);
	tcase_add_test(tc, type_p);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	vectors_free(in);
	vectors_free(handshake);
	vectors_free(control);
	vectors_free(cipher);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
