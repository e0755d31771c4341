// SPDX-License-Identifier: BSD-2-Clause
/* The keyed modes: handshake, known answers, and messages that are not the client's. */
#include "tests/unit/control/rows-isc.h"
#include "tests/unit/protocol/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GREETING_KEYED(modes) \
	"00*12 " modes " 101112131415161718191a1b1c1d1e1f 000102030405060708090a0b0c0d0e0f" \
	" 00000800 00*12"
#define KEYED_MODES 3

static const uint32_t keyed_modes[KEYED_MODES] = { MODE_AUTHENTICATED, MODE_ENCRYPTED, MODE_MIXED };
static const char *const setups[KEYED_MODES] = { "$setup.mode2", "$setup.mode4", "$setup.mode8" };

static struct talk t;

static void start(void)
{
	talk_init(&t);
}

static void finish(void)
{
	talk_end(&t);
}

static void run(const struct talk_row *rows)
{
	talk_run(&t, rows);
}

/* OPENED and Set-Up-Response: up to DERIVING. */
static void derive(int mode)
{
	const struct talk_row rows[] = {
		{ TALK_OPENED, 0, NULL, "$greeting.modes_0x3f", "GREETED" },
		{ TALK_SAY, 0, setups[mode], NULL, "DERIVING +derive" },
		END_ROW,
	};

	talk_offer(&t, 0x3f);
	run(rows);
}

/* --- known answers -------------------------------------------------------------------- */

/* What the key derivation is given is enough to open the Token. R-016 */
static void check_order(void)
{
	struct vectors *in = vectors_load("inputs.hex"), *cipher = vectors_load("cipher.hex");
	const struct vector *pass = vectors_get(in, "in.passphrase");
	uint8_t dk[CRYPT_AES_KEY_LEN];
	struct crypt_keys keys;
	size_t len;

	ck_assert_int_eq(crypt_key_id_len(t.control.setup.key_id, &len), 0);
	ck_assert_uint_eq(len, vectors_get(in, "in.keyid")->n);
	ck_assert_mem_eq(t.control.setup.key_id, vectors_get(in, "in.keyid")->octets, len);
	crypt_derive(dk, pass->octets, pass->n, t.control.salt, t.control.count);
	ck_assert_mem_eq(dk, vectors_octets(cipher, "kdf.count2048", 16), 16);
	ck_assert_int_eq(crypt_token_open(t.control.setup.token, dk, t.control.challenge, &keys),
			 0);
	ck_assert_mem_eq(keys.aes, t.keys.aes, sizeof(keys.aes));
	ck_assert_mem_eq(keys.hmac, t.keys.hmac, sizeof(keys.hmac));
	vectors_free(in);
	vectors_free(cipher);
}

static void check_token_is_wiped(void)
{
	static const uint8_t zeros[MSG_TOKEN_LEN];

	ck_assert_mem_eq(t.control.setup.token, zeros, sizeof(zeros));
}

#define WIRE_RAW(name, out, words) \
	{ \
		TALK_RAW, 0, "$" name ".wire", out, words \
	}

/* R-002 R-006 R-014 R-016 R-020 R-021 R-070 R-216 C-060 C-061: every octet that goes over the wire in
 * either direction, as another implementation computed it */
START_TEST(known_conversation)
{
	static const struct talk_row begun[] = {
		{ TALK_KEY, 0, NULL, "$serverstart.enc.wire", NULL },
		WIRE_RAW("enc.c2s.1_request_v4", NULL, "OPENING +open"),
		{ TALK_READY, 0xc350, NULL, "$enc.s2c.1_accept_session.wire", "READY accepted#0" },
		END_ROW,
	};
	static const struct talk_row rest[] = {
		WIRE_RAW("enc.c2s.2_request_v6", "$enc.s2c.2_accept_session_reject3.wire",
			 "READY refused-request=timeout-too-large/2"),
		WIRE_RAW("enc.c2s.3_start_sessions", NULL, "STARTING +start start#0"),
		{ TALK_STARTED, 0, NULL, "$enc.s2c.3_start_ack.wire", "ACTIVE started=1" },
		WIRE_RAW("enc.c2s.4_stop_sessions", NULL, "READY stop#0 stopped=1/0"),
		END_ROW,
	};
	struct talk_row first[4];
	char words[40];

	snprintf(words, sizeof(words), "READY established=%u", keyed_modes[_i]);
	memcpy(first, begun, sizeof(first));
	first[0].words = words;
	derive(_i);
	check_order();
	t.keyed = false; /* compare what is sent, not what it says */
	t.wall.ns = INT64_C(1795404288071111111); /* eeae3080.12345678 */
	run(first);
	check_token_is_wiped();
	t.policy.max_timeout_s = 2; /* the vectors refuse the second request with 3 */
	run(rest);
}
END_TEST

/* R-200 R-201 R-204: the ciphered conversation of individual control. The time in the second
 * SID of the vectors is between two nanoseconds: it is set by hand after its Accept-Session, and
 * the answers from there on are compared opened. */
START_TEST(known_individual)
{
	static const struct talk_row begun[] = {
		{ TALK_OPENED, 0, NULL, "$greeting.modes_0x3f", "GREETED" },
		{ TALK_RAW, 0, "00000014 70726f62652d757365722d3031 00*67 $token", NULL,
		  "DERIVING +derive" },
		{ TALK_KEY, 0, NULL, "$serverstart.enc.plain", "READY established=20" },
		WIRE_RAW("isc.c2s.1_request", NULL, "OPENING +open"),
		{ TALK_READY, 0xc350, NULL, "$acc.unauth.ok", "READY accepted#0" },
		WIRE_RAW("isc.c2s.2_request", NULL, "OPENING +open"),
		END_ROW,
	};
	static const struct talk_row rest[] = {
		WIRE_RAW("isc.c2s.3_start_n", NULL, "STARTING +start start#0 start#1"),
		{ TALK_STARTED, 2, NULL,
		  LIST("08", "00", ONE, "c000020aeeae308012345678a1b2c3d4")
			  LIST("08", "05", ONE, "c000020aeeae30809abcdef00badcafe"),
		  "ACTIVE started=1 refused-start=memory-low/1" },
		WIRE_RAW("isc.c2s.4_stop_n",
			 LIST("0a", "00", ONE, "c000020aeeae308012345678a1b2c3d4"),
			 "READY stop#0 stopped=1/0"),
		END_ROW,
	};
	struct control_in in = { .kind = CONTROL_PORT_READY, .random = { 0x0b, 0xad, 0xca, 0xfe } };
	uint8_t room[512];
	struct control_out out = { .octets = room, .size = sizeof(room) };
	struct vectors *inputs = vectors_load("inputs.hex");

	talk_offer(&t, 0x3f);
	t.wall.ns = INT64_C(1795404288071111111);
	run(begun);
	in.wall.ns = INT64_C(1795404288604444440); /* eeae3080.9abcdeee */
	in.session = &t.sessions[t.n_sessions++];
	in.session->port = 0xc352;
	in.session->spec = *control_spec(&t.control);
	control_feed(&t.control, &t.policy, &in, t.now, &out);
	ck_assert_int_eq(crypt_open(&t.open, room, MSG_ACCEPT_SESSION_LEN), 0);
	in.session->sid[11] = 0xf0;
	ck_assert_mem_eq(in.session->sid, vectors_octets(inputs, "in.sid2", 16), 16);
	vectors_free(inputs);
	run(rest);
}
END_TEST

/* --- handshake ------------------------------------------------------------------------ */

#define REFUSED(accept, words) \
	"00*15 " accept " 00*32", "CLOSING +close refused-connection=" words " closed=refused"

/* R-017 R-018: the refusal is in the clear and says nothing else; then the end */
START_TEST(wrong_token)
{
	char words[80];
	const struct talk_row rows[] = {
		{ TALK_KEY_REFUSED, REASON_AUTH_FAILED, NULL, "00*15 01 00*32", words }, END_ROW
	};

	snprintf(words, sizeof(words),
		 "CLOSING +close refused-connection=auth-failed/%u closed=refused",
		 keyed_modes[_i]);
	derive(_i);
	run(rows);
	check_token_is_wiped();
	ck_assert_uint_eq(t.total.connections, 0);
}
END_TEST

/* R-022 R-243: the queue is full, no memory, no class for the key */
START_TEST(key_refused)
{
	static const struct {
		enum reason reason;
		const char *out, *words;
	} refusals[] = {
		{ REASON_KDF_QUEUE, REFUSED("05", "kdf-queue/4") },
		{ REASON_MEMORY_LOW, REFUSED("05", "memory-low/4") },
		{ REASON_NO_CLASS, REFUSED("01", "no-class/4") },
		{ REASON_INTERNAL, REFUSED("02", "internal/4") },
	};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct talk_row rows[] = { { TALK_KEY_REFUSED, refusals[i].reason, NULL,
						   refusals[i].out, refusals[i].words },
						 END_ROW };

		talk_init(&t);
		t.policy.failure_rate = 1;
		derive(1);
		run(rows);
		/* none of these is the client's failure: it may try again */
		ck_assert_int_eq(
			admit_authentication(&t.client, &t.policy, t.control.setup.key_id, t.now),
			REASON_OK);
		talk_end(&t);
	}
	talk_init(&t);
}
END_TEST

/* Another connection of the same client: its failures are remembered. */
static void next_connection(void)
{
	struct admit_client client = t.client;
	struct mono now = t.now;
	struct policy policy = t.policy;

	talk_end(&t);
	talk_init(&t);
	t.client.failed = client.failed;
	t.client.abandoned = client.abandoned;
	t.now = now;
	t.policy.failure_rate = policy.failure_rate;
	t.policy.abandon_rate = policy.abandon_rate;
}

/* R-022 R-243: three a minute; the fourth is refused unseen, until a third of a minute has gone */
START_TEST(failure_rate)
{
	static const struct talk_row fails[] = { { TALK_KEY_REFUSED, REASON_AUTH_FAILED, NULL,
						   REFUSED("01", "auth-failed/4") },
						 END_ROW };
	static const struct talk_row refused[] = {
		{ TALK_OPENED, 0, NULL, "$greeting.modes_0x3f", "GREETED" },
		{ TALK_SAY, 0, "$setup.mode4", REFUSED("05", "auth-rate/4") },
		END_ROW,
	};
	static const struct talk_row clear[] = {
		{ TALK_OPENED, 0, NULL, "$greeting.modes_0x3f", "GREETED" },
		{ TALK_SAY, 0, "$setup.mode1", "$serverstart.mode1", "READY established=1" },
		END_ROW,
	};

	t.policy.failure_rate = 3;
	for (int i = 0; i < 3; i++) {
		derive(1);
		run(fails);
		next_connection();
	}
	talk_offer(&t, 0x3f);
	run(refused);
	next_connection();
	talk_offer(&t, 0x3f);
	run(clear); /* who needs no key is not concerned */
	next_connection();
	t.now.ns += 20 * S - 1;
	talk_offer(&t, 0x3f);
	run(refused);
	next_connection();
	t.now.ns += 1;
	derive(1);
	run(fails);
	next_connection();
	talk_offer(&t, 0x3f);
	run(refused);
	next_connection();
	t.policy.failure_rate = 0;
	derive(1);
	run(fails);
	ck_assert(!admit_client_idle(&t.client, t.now)); /* an entry that is worth keeping */
}
END_TEST

/* The class of the KeyID allows less than was offered: 3, in the clear. R-018 R-042 R-043 */
START_TEST(class_allows_less)
{
	static const struct {
		uint32_t modes, features;
		const char *out, *words;
	} classes[] = {
		{ MODE_AUTHENTICATED, 0x30, REFUSED("03", "mode-not-offered/52") },
		{ 0, 0, REFUSED("03", "mode-not-offered/52") },
		{ MODE_ENCRYPTED, 0x20, REFUSED("03", "feature-not-offered/52") },
		{ 0xf, 0, REFUSED("03", "feature-not-offered/52") },
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		static const struct talk_row before[] = {
			{ TALK_OPENED, 0, NULL, "$greeting.modes_0x3f", "GREETED" },
			{ TALK_SAY, 0, "00000034 70726f62652d757365722d3031 00*67 $token", NULL,
			  "DERIVING +derive" },
			END_ROW,
		};
		const struct talk_row rows[] = {
			{ TALK_KEY, 0, NULL, classes[i].out, classes[i].words }, END_ROW
		};

		talk_init(&t);
		talk_offer(&t, 0x3f);
		run(before);
		t.policy.modes = classes[i].modes;
		t.policy.features = classes[i].features;
		run(rows);
		check_token_is_wiped();
		talk_end(&t);
	}
	talk_init(&t);
}
END_TEST

/* C-042 R-040..R-044: refused at once, without a key being looked for; all of it clear */
START_TEST(mode_refused)
{
	static const struct {
		const char *setup, *out, *words;
	} refusals[] = {
		{ "00000006 00*160", REFUSED("03", "mode-multiple/6") },
		{ "00000010 00*160", REFUSED("03", "mode-multiple/16") },
		{ "00000044 00*160", REFUSED("03", "feature-not-offered/68") },
		{ "00000084 00*160", REFUSED("03", "feature-not-offered/132") },
	};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct talk_row rows[] = {
			{ TALK_OPENED, 0, NULL, "$greeting.modes_0x3f", "GREETED" },
			{ TALK_SAY, 0, refusals[i].setup, refusals[i].out, refusals[i].words },
			END_ROW,
		};

		talk_init(&t);
		talk_offer(&t, 0x3f);
		run(rows);
		talk_end(&t);
	}
	talk_init(&t);
}
END_TEST

/* R-042 R-249: where only ciphered modes are offered nobody gets in without a key */
START_TEST(no_way_around)
{
	static const struct talk_row rows[] = {
		{ TALK_OPENED, 0, NULL, GREETING_KEYED("0000000e"), "GREETED" },
		{ TALK_SAY, 0, "$setup.mode1", REFUSED("03", "mode-not-offered/1") },
		END_ROW,
	};

	talk_offer(&t, MODE_KEYED_MASK);
	run(rows);
}
END_TEST

/* nothing is offered to whom no class matches */
START_TEST(denied)
{
	static const struct talk_row rows[] = { { TALK_OPENED, 0, NULL, "$greeting.modes_0",
						  "CLOSING +close closed=denied" },
						END_ROW };

	t.policy.modes = 0;
	t.policy.features = MODE_PTP;
	run(rows);
	ck_assert_uint_eq(control_want(&t.control), 0);
}
END_TEST

/* a limit is told before a key is looked for */
START_TEST(limit_comes_first)
{
	static const struct talk_row rows[] = {
		{ TALK_OPENED, 0, NULL, "$greeting.modes_0x3f", "GREETED" },
		{ TALK_SAY, 0, "$setup.mode4", REFUSED("04", "max-connections/4") },
		END_ROW,
	};

	talk_offer(&t, 0x3f);
	t.policy.max_connections = 0;
	run(rows);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keyed");
	TCase *tc = tcase_create("keyed");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, start, finish);
	tcase_add_loop_test(tc, known_conversation, 0, KEYED_MODES);
	tcase_add_test(tc, known_individual);
	tcase_add_loop_test(tc, wrong_token, 0, KEYED_MODES);
	tcase_add_test(tc, key_refused);
	tcase_add_test(tc, failure_rate);
	tcase_add_test(tc, class_allows_less);
	tcase_add_test(tc, mode_refused);
	tcase_add_test(tc, no_way_around);
	tcase_add_test(tc, denied);
	tcase_add_test(tc, limit_comes_first);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
