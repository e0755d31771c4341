// SPDX-License-Identifier: BSD-2-Clause
/*
 * Keyed modes: what is damaged, cut, repeated or made by somebody else never opens, starts or
 * stops anything. RFC 4656 3.4, 6.10
 */
#include "tests/unit/control/rows-isc.h"
#include "tests/unit/protocol/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INDIVIDUAL MODE_INDIVIDUAL_CONTROL

static struct talk t;

static void start(void)
{
	talk_init(&t);
}

static void finish(void)
{
	talk_end(&t);
}

static void flip(uint8_t *octets, size_t bit)
{
	octets[bit / 8] = (uint8_t)(octets[bit / 8] ^ 1u << bit % 8);
}

/* Octets as they come from the network; what is left at the end is followed by a FIN. */
static void receive(const uint8_t *octets, size_t n)
{
	static const struct talk_row part = { TALK_PART, 0, NULL, NULL, NULL };
	static const struct talk_row gone = { TALK_GONE, 0, NULL, NULL, NULL };
	size_t want;

	t.n_got = 0;
	t.words[0] = '\0';
	while ((want = control_want(&t.control)) && want <= n) {
		talk_say(&t, octets, want);
		octets += want;
		n -= want;
	}
	if (t.control.state == CONTROL_CLOSING) {
		return;
	}
	if (n) {
		talk_row(&t, &part);
	}
	talk_row(&t, &gone);
}

/* Nothing but the end came of it. */
static void check_nothing(const char *what, size_t where)
{
	static const char *const never[] = { "+open",	  "+start",   " start#", " stop#",
					     "accepted#", "started=", "stopped=" };

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		if (strstr(t.words, never[i])) {
			ck_abort_msg("%s, %zu: %s", what, where, t.words);
		}
	}
	if (t.control.state != CONTROL_CLOSING || t.control.running || t.control.in_progress) {
		ck_abort_msg("%s, %zu: goes on: %s", what, where, t.words);
	}
}

static void check_silence(const char *what, size_t where)
{
	check_nothing(what, where);
	if (t.n_got) {
		ck_abort_msg("%s, %zu: %zu octets: %s", what, where, t.n_got, t.words);
	}
}

/*
 * A block that is no command of ours, however it came to that: 3 with its HMAC, and the end.
 * Everything else: the end without a word.
 */
static void check_refusal(const char *what, size_t where)
{
	static const uint8_t refused[MSG_ACCEPT_SESSION_LEN] = { ACCEPT_UNSUPPORTED };

	if (!strstr(t.words, "closed=unknown")) {
		check_silence(what, where);
		return;
	}
	check_nothing(what, where);
	if (t.n_got != sizeof(refused) || memcmp(t.got, refused, sizeof(refused)) != 0) {
		ck_abort_msg("%s, %zu: not an Accept-Session with 3: %s", what, where, t.words);
	}
}

/* --- one message of each kind --------------------------------------------------------- */

static const struct talk_row nothing[] = { END_ROW };
static const struct talk_row accepted[] = { SESSION, END_ROW };
static const struct talk_row active[] = { SESSION, STARTED, END_ROW };
static const struct talk_row open_n[] = { OPEN0, END_ROW };
static const struct talk_row active_n[] = { OPEN0, START0, END_ROW };

static const struct {
	const char *name;
	uint32_t mode;
	const struct talk_row *before;
	const char *message;
	const char *words; /* when nothing is wrong with it */
} messages[] = {
	{ "request", MODE_ENCRYPTED, nothing, "$req.v4.plain_unauth", " +open" },
	{ "second request", MODE_AUTHENTICATED, accepted, "$req.v4.plain_unauth", " +open" },
	{ "start", MODE_AUTHENTICATED, accepted, "$start.unauth", " +start start#0" },
	{ "stop", MODE_MIXED, active, "$stop.unauth.n1", " stop#0 stopped=1/0" },
	{ "start n", MODE_ENCRYPTED | INDIVIDUAL, open_n, LIST("07", "00", ONE, SID0),
	  " +start start#0" },
	{ "stop n", MODE_MIXED | INDIVIDUAL, active_n, LIST("09", "00", ONE, SID0),
	  " stop#0 stopped=1/0" },
};

#define MESSAGES ((int)(sizeof(messages) / sizeof(messages[0])))

/* Up to the message, which is sealed and not yet sent. */
static size_t prepare(int i, uint8_t octets[static MSG_REQUEST_LEN])
{
	size_t n;

	talk_init(&t);
	snprintf(t.name, sizeof(t.name), "%s", messages[i].name);
	talk_establish(&t, messages[i].mode);
	talk_run(&t, messages[i].before);
	n = talk_hex(messages[i].message, octets, MSG_REQUEST_LEN);
	crypt_seal(&t.seal, octets, n);
	return n;
}

/* The message does something when it is whole: else these tests would show nothing. */
START_TEST(whole)
{
	static const struct talk_row started = { TALK_STARTED, 0, NULL, NULL, NULL };
	uint8_t octets[MSG_REQUEST_LEN];
	size_t n = prepare(_i, octets);

	t.words[0] = '\0';
	talk_say(&t, octets, MSG_BLOCK);
	talk_say(&t, octets + MSG_BLOCK, n - MSG_BLOCK);
	ck_assert_str_eq(t.words, messages[_i].words);
	talk_row(&t, &started); /* if it was one */
}
END_TEST

/*
 * R-070: every bit: the end, without a word. In the head a flip may make a command of unknown
 * length of it; where its HMAC would be is unknown, so it is answered as such (R-073).
 */
START_TEST(flipped_bits)
{
	uint8_t octets[MSG_REQUEST_LEN];
	size_t n = prepare(_i, octets);

	for (size_t bit = 0; bit < 8 * n; bit++) {
		prepare(_i, octets);
		flip(octets, bit);
		receive(octets, n);
		check_refusal(messages[_i].name, bit);
		talk_end(&t);
	}
	talk_init(&t);
}
END_TEST

/* R-074 C-004: cut at every octet */
START_TEST(cut)
{
	uint8_t octets[MSG_REQUEST_LEN];
	size_t n = prepare(_i, octets);

	for (size_t at = 0; at < n; at++) {
		prepare(_i, octets);
		receive(octets, at);
		check_silence(messages[_i].name, at);
		ck_assert(strstr(t.words, "closed=peer"));
		talk_end(&t);
	}
	talk_init(&t);
}
END_TEST

/* An octet that is lost or too many: all behind it is somebody else's. R-070, C-068 */
START_TEST(shifted)
{
	uint8_t octets[2 * MSG_REQUEST_LEN + 1] = { 0 };
	size_t n;

	for (int extra = 0; extra < 2; extra++) {
		n = prepare(_i, octets + extra);
		if (extra) {
			octets[0] = 0x05;
		} else {
			memmove(octets, octets + 1, --n);
		}
		receive(octets, n + (size_t)extra);
		check_nothing(messages[_i].name, (size_t)extra);
		talk_end(&t);
	}
	talk_init(&t);
}
END_TEST

/* R-070: the same again, as it was */
START_TEST(replayed)
{
	static const struct talk_row ready = { TALK_READY, 0xc350, NULL, NULL, NULL };
	static const struct talk_row started = { TALK_STARTED, 0, NULL, NULL, NULL };
	uint8_t octets[MSG_REQUEST_LEN];
	size_t n = prepare(_i, octets);

	talk_say(&t, octets, MSG_BLOCK);
	talk_say(&t, octets + MSG_BLOCK, n - MSG_BLOCK);
	if (t.control.state == CONTROL_OPENING) {
		talk_row(&t, &ready);
	}
	if (t.control.state == CONTROL_STARTING) {
		talk_row(&t, &started);
	}
	receive(octets, n);
	check_nothing(messages[_i].name, 0);
}
END_TEST

/* R-070: somebody without the key: in the clear, with other keys, or our own words back */
START_TEST(forged)
{
	uint8_t octets[MSG_REQUEST_LEN];
	struct crypt_keys keys;
	struct crypt_stream other;
	size_t n = prepare(_i, octets);

	n = talk_hex(messages[_i].message, octets, sizeof(octets));
	receive(octets, n);
	check_nothing("clear", 0);
	talk_end(&t);
	for (size_t bit = 0; bit < 8 * sizeof(keys); bit += 5) {
		prepare(_i, octets);
		keys = t.keys;
		flip((uint8_t *)&keys, bit);
		crypt_stream_init_send(&other, &keys, t.seal.iv);
		memcpy(other.iv, t.secrets.from_client.iv, sizeof(other.iv));
		talk_hex(messages[_i].message, octets, sizeof(octets));
		crypt_seal(&other, octets, n);
		receive(octets, n);
		check_nothing("other key", bit);
		if (bit >= 8 * sizeof(keys.aes)) { /* it can be read, but it is not the client's */
			check_silence("other HMAC key", bit);
		}
		talk_end(&t);
	}
	talk_init(&t);
}
END_TEST

/* --- Token and Client-IV -------------------------------------------------------------- */

/* R-016: each bit of what no HMAC covers; R-017: a Token for another Challenge */
START_TEST(flipped_token)
{
	struct vectors *cipher = vectors_load("cipher.hex"), *in = vectors_load("inputs.hex");
	const uint8_t *dk = vectors_octets(cipher, "kdf.count2048", 16);
	static const struct talk_row opened = { TALK_OPENED, 0, NULL, NULL, NULL };
	static const struct talk_row key = { TALK_KEY, 0, NULL, NULL, NULL };
	uint8_t setup[MSG_SETUP_LEN], request[MSG_REQUEST_LEN];
	unsigned denied = 0;

	for (size_t bit = 8 * 84; bit < 8 * MSG_SETUP_LEN; bit++) {
		talk_init(&t);
		talk_offer(&t, MODE_ENCRYPTED);
		talk_row(&t, &opened);
		talk_hex("$setup.mode4", setup, sizeof(setup));
		flip(setup, bit);
		talk_say(&t, setup, sizeof(setup));
		t.keyed = false;
		talk_hex("$req.v4.plain_unauth", request, sizeof(request));
		crypt_seal(&t.seal, request, sizeof(request));
		if (crypt_token_open(t.control.setup.token, dk, t.control.challenge, &t.keys)) {
			denied++;
			ck_assert_uint_lt(bit, 8 * (84 + 16));
		} else {
			ck_assert_uint_ge(bit, 8 * (84 + 16));
			talk_row(&t, &key);
			receive(request, sizeof(request));
			check_nothing("token", bit);
		}
		talk_end(&t);
	}
	ck_assert_uint_eq(denied, 128);
	/* replayed: another connection has another Challenge */
	talk_hex("$setup.mode4", setup, sizeof(setup));
	ck_assert_int_eq(
		crypt_token_open(setup + 84, dk, vectors_octets(in, "in.salt", 16), &t.keys),
		CRYPT_DENIED);
	vectors_free(cipher);
	vectors_free(in);
	talk_init(&t);
}
END_TEST

/* --- commands that are none ----------------------------------------------------------- */

/* R-073 R-070: of unknown length: refused at once, and then the end, since nothing can be verified */
START_TEST(unknown_command)
{
	static const uint32_t modes[] = { MODE_AUTHENTICATED, MODE_ENCRYPTED, MODE_MIXED,
					  MODE_ENCRYPTED | INDIVIDUAL };
	char in[40];
	char words[100];
	const struct talk_row rows[] = { SESSION, { TALK_SAY, 0, in, "03 00*47", words }, END_ROW };

	for (int number = 0; number < 256; number++) {
		if (number == 2 || number == 3 || number == 5 || number == 7 || number == 9) {
			continue;
		}
		snprintf(in, sizeof(in), "%02x ff*15", number);
		snprintf(words, sizeof(words),
			 "CLOSING +close end#0 refused-request=unexpected-command/%d closed=unknown",
			 number);
		talk_init(&t);
		talk_establish(&t, modes[_i]);
		talk_run(&t, rows);
		talk_end(&t);
	}
	talk_init(&t);
}
END_TEST

/* R-073: of known length: verified, refused, and the chain goes on */
START_TEST(unexpected_command)
{
	static const struct talk_row rows[] = {
		{ TALK_SAY, 0, "$isc.unauth.start_n", "03 00*47",
		  "READY refused-request=unexpected-command/7" },
		SESSION,
		STARTED,
		{ TALK_SAY, 0, LIST("09", "00", ONE, SID0), "03 00*47",
		  "ACTIVE refused-request=unexpected-command/9" },
		STOPPED,
		{ TALK_SAY, 0, "07 00*11 00000400 ff*16384 00*16", "03 00*47",
		  "READY refused-request=unexpected-command/7" },
		OPEN1,
		{ TALK_SAY, 0, "07 00*11 00000401", "03 00*47",
		  "CLOSING +close end#1 refused-request=unexpected-command/7 closed=unknown" },
		END_ROW,
	};

	talk_establish(&t, _i ? MODE_MIXED : MODE_AUTHENTICATED);
	talk_run(&t, rows);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("forged");
	TCase *tc = tcase_create("forged");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_checked_fixture(tc, start, finish);
	tcase_add_loop_test(tc, whole, 0, MESSAGES);
	tcase_add_loop_test(tc, flipped_bits, 0, MESSAGES);
	tcase_add_loop_test(tc, cut, 0, MESSAGES);
	tcase_add_loop_test(tc, shifted, 0, MESSAGES);
	tcase_add_loop_test(tc, replayed, 0, MESSAGES);
	tcase_add_loop_test(tc, forged, 0, MESSAGES);
	tcase_add_test(tc, flipped_token);
	tcase_add_loop_test(tc, unknown_command, 0, 4);
	tcase_add_loop_test(tc, unexpected_command, 0, 2);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
