// SPDX-License-Identifier: BSD-2-Clause
/* Which modes and features can be selected, and what reflect-octets (RFC 6038) asks for. */
#include "daemon/control/request.h"
#include "tests/unit/control/rows-isc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECURITIES 4
#define FEATURES 32

static struct talk t;

static void start(void)
{
	talk_init(&t);
}

static void finish(void)
{
	talk_end(&t);
}

/* The n-th subset of the features that we know. */
static uint32_t features_of(int n)
{
	static const uint32_t bits[] = { MODE_INDIVIDUAL_CONTROL, MODE_REFLECT_OCTETS,
					 MODE_SYMMETRICAL_SIZE, MODE_DSCP_ECN, MODE_PTP };
	uint32_t features = 0;

	for (int i = 0; i < 5; i++) {
		features |= n >> i & 1 ? bits[i] : 0;
	}
	return features;
}

static void greet(uint32_t offered)
{
	static const struct talk_row opened = { TALK_OPENED, 0, NULL, NULL, NULL };

	talk_init(&t);
	talk_offer(&t, offered);
	t.n_got = 0;
	talk_row(&t, &opened);
	ck_assert_uint_eq(t.n_got, MSG_GREETING_LEN);
	ck_assert_uint_eq(t.got[12], 0);
	ck_assert_uint_eq((uint32_t)(t.got[14] << 8 | t.got[15]), offered);
}

static void select_mode(uint32_t mode)
{
	static const struct talk_row key = { TALK_KEY, 0, NULL, NULL, NULL };
	uint8_t setup[MSG_SETUP_LEN];

	talk_hex("$setup.mode4", setup, sizeof(setup));
	for (int i = 0; i < 4; i++) {
		setup[i] = (uint8_t)(mode >> (24 - 8 * i));
	}
	t.keyed = mode & MODE_KEYED_MASK;
	t.n_got = 0;
	t.words[0] = '\0';
	talk_say(&t, setup, sizeof(setup));
	if (t.control.state == CONTROL_DERIVING) {
		talk_row(&t, &key);
	}
	ck_assert_uint_eq(t.n_got, MSG_SERVER_START_LEN);
}

/* R-041 R-046 R-217: each Mode word of one security bit and any features, when it is offered; and
 * what of it reaches the reflector. Unassigned bits change nothing. */
START_TEST(selected)
{
	static const struct talk_row request = { TALK_SAY, 0, "$req.v4.plain_unauth", NULL, NULL };
	static const struct talk_row ready = { TALK_READY, 0xc350, NULL, NULL, NULL };
	uint32_t mode = UINT32_C(1) << _i / FEATURES | features_of(_i % FEATURES);
	const uint32_t offers[] = { mode, MODE_SECURITY_MASK | MODE_FEATURE_MASK };

	for (int i = 0; i < 4; i++) {
		greet(offers[i / 2]);
		select_mode(i % 2 ? mode | 0xfffffc00 : mode);
		ck_assert_uint_eq(t.got[15], ACCEPT_OK);
		ck_assert_int_eq(t.control.state, CONTROL_READY);
		ck_assert_uint_eq(t.control.modes, mode);
		talk_row(&t, &request);
		ck_assert_int_eq(t.control.state, CONTROL_OPENING);
		ck_assert_uint_eq(control_spec(&t.control)->modes, mode);
		t.n_got = 0;
		talk_row(&t, &ready);
		ck_assert_uint_eq(t.n_got, MSG_ACCEPT_SESSION_LEN);
		ck_assert_uint_eq(t.got[0], ACCEPT_OK);
		talk_end(&t);
	}
	talk_init(&t);
}
END_TEST

/* R-042 R-043: each bit of it missing in the offer: 3 in the clear, whatever else is there */
START_TEST(not_offered)
{
	uint32_t mode = UINT32_C(1) << _i / FEATURES | features_of(_i % FEATURES);

	for (uint32_t bit = 1; bit <= MODE_PTP; bit <<= 1) {
		uint8_t expected[MSG_SERVER_START_LEN] = { [15] = ACCEPT_UNSUPPORTED };
		char reason[64];

		if (!(mode & bit)) {
			continue;
		}
		greet((MODE_SECURITY_MASK | MODE_FEATURE_MASK) & ~bit);
		select_mode(mode);
		ck_assert_mem_eq(t.got, expected, sizeof(expected));
		snprintf(reason, sizeof(reason), "=%s/%u closed=refused",
			 bit & MODE_SECURITY_MASK ? "mode-not-offered" : "feature-not-offered",
			 mode);
		ck_assert_msg(strstr(t.words, reason), "%s", t.words);
		ck_assert_int_eq(t.control.state, CONTROL_CLOSING);
		talk_end(&t);
	}
	talk_init(&t);
}
END_TEST

/* R-040 R-041 R-044: no security bit, or several, or bit 7, with any features: 3 */
START_TEST(no_mode)
{
	uint32_t features = features_of(_i);

	for (uint32_t security = 0; security <= MODE_SECURITY_MASK; security++) {
		bool one = security && !(security & (security - 1));
		uint32_t mode = security | features | (one ? MODE_IKEV2 : 0);

		if (!mode) {
			continue;
		}
		greet(MODE_SECURITY_MASK | MODE_FEATURE_MASK);
		select_mode(mode);
		ck_assert_uint_eq(t.got[15], ACCEPT_UNSUPPORTED);
		ck_assert(strstr(t.words, one ? "feature-not-offered" : "mode-multiple"));
		ck_assert_int_eq(t.control.state, CONTROL_CLOSING);
		talk_end(&t);
	}
	talk_init(&t);
}
END_TEST

/* --- reflect octets: RFC 6038 4.2, 4.3 ------------------------------------------------- */

#define REQUEST_BEEF "$req.reflect_octets.plain_unauth"
/* padding 64 and length 38, which is one more than 64 - 27 */
#define REQUEST_CAFE "0504 00*10 9c40c350 00*48 00000040 00*8 00*8 00*4 cafe 0026 00*4 00*16"
#define REQUEST_BAD(octets) "0504 0100 00*8 9c40c350 00*48 00000040 00*8 00*8 00*4 " octets " 00*22"

/* R-210 C-081 R-212: echoed, in refusals too; Server octets 0 */
START_TEST(echoed)
{
	static const struct talk_row rows[] = {
		{ TALK_SAY, 0, REQUEST_BEEF, NULL, "OPENING +open" },
		{ TALK_READY, 0xc350, NULL, "0000c350 " SID0 " beef 0000 00*24",
		  "READY accepted#0" },
		{ TALK_SAY, 0, REQUEST_BAD("f00d"), "03 00*19 f00d 00*26",
		  "READY refused-request=conf-fields/1" },
		{ TALK_SAY, 0, REQUEST_BEEF, NULL, "OPENING +open" },
		{ TALK_REFUSED, -12, NULL, "05 00*19 beef 00*26",
		  "READY refused-request=memory-low/errno 12" },
		/* a request without any: nothing of those before */
		OPEN1,
		END_ROW,
	};

	talk_establish(&t, UINT32_C(1) << _i | MODE_REFLECT_OCTETS | MODE_SYMMETRICAL_SIZE);
	talk_run(&t, rows);
}
END_TEST

/* without the feature these octets are MBZ, on both sides */
START_TEST(not_echoed)
{
	static const struct talk_row rows[] = {
		{ TALK_SAY, 0, REQUEST_CAFE, NULL, "OPENING +open" },
		{ TALK_READY, 0xc350, NULL, ACCEPT0, "READY accepted#0" },
		{ TALK_SAY, 0, REQUEST_BAD("f00d"), "03 00*47",
		  "READY refused-request=conf-fields/1" },
		END_ROW,
	};

	talk_establish(&t, UINT32_C(1) << _i | MODE_SYMMETRICAL_SIZE);
	talk_run(&t, rows);
}
END_TEST

/* C-080: what is no request is not refused with the octets of the last one */
START_TEST(not_of_this_command)
{
	static const struct talk_row rows[] = {
		{ TALK_SAY, 0, REQUEST_BAD("f00d"), "03 00*19 f00d 00*26",
		  "READY refused-request=conf-fields/1" },
		{ TALK_SAY, 0, "$isc.unauth.start_n", "03 00*47",
		  "READY refused-request=unexpected-command/7" },
		{ TALK_SAY, 0, REQUEST_BAD("f00d"), "03 00*19 f00d 00*26",
		  "READY refused-request=conf-fields/1" },
		{ TALK_SAY, 0, "63 00*15", "03 00*47",
		  "READY refused-request=unexpected-command/99" },
		END_ROW,
	};

	talk_establish(&t, MODE_UNAUTHENTICATED | MODE_REFLECT_OCTETS);
	talk_run(&t, rows);
}
END_TEST

/* 3 on the wire */
START_TEST(too_little_padding)
{
	static const struct talk_row rows[] = {
		{ TALK_SAY, 0, REQUEST_CAFE, "03 00*19 cafe 00*26",
		  "READY refused-request=reflect-padding/38" },
		{ TALK_SAY, 0, REQUEST_BEEF, NULL, "OPENING +open" },
		{ TALK_READY, 0xc350, NULL, "0000c350 " SID0 " beef 0000 00*24",
		  "READY accepted#0" },
		END_ROW,
	};

	talk_establish(&t, (_i ? MODE_MIXED : MODE_UNAUTHENTICATED) | MODE_REFLECT_OCTETS);
	talk_run(&t, rows);
}
END_TEST

/* T-024: what the reflector cuts off, by mode; one octet less is refused */
static const struct {
	uint32_t modes;
	uint32_t cut;
} cuts[] = {
	{ MODE_UNAUTHENTICATED, 27 },
	{ MODE_MIXED, 27 },
	{ MODE_AUTHENTICATED, 64 },
	{ MODE_ENCRYPTED, 64 },
	{ MODE_UNAUTHENTICATED | MODE_DSCP_ECN, 30 },
	{ MODE_MIXED | MODE_DSCP_ECN, 30 },
	{ MODE_AUTHENTICATED | MODE_DSCP_ECN, 64 },
	{ MODE_ENCRYPTED | MODE_DSCP_ECN, 64 },
	{ MODE_UNAUTHENTICATED | MODE_SYMMETRICAL_SIZE, 0 },
	{ MODE_MIXED | MODE_SYMMETRICAL_SIZE, 0 },
	{ MODE_AUTHENTICATED | MODE_SYMMETRICAL_SIZE, 0 },
	{ MODE_ENCRYPTED | MODE_SYMMETRICAL_SIZE, 0 },
	{ MODE_UNAUTHENTICATED | MODE_SYMMETRICAL_SIZE | MODE_DSCP_ECN, 2 },
	{ MODE_MIXED | MODE_SYMMETRICAL_SIZE | MODE_DSCP_ECN, 2 },
	{ MODE_AUTHENTICATED | MODE_SYMMETRICAL_SIZE | MODE_DSCP_ECN, 0 },
	{ MODE_ENCRYPTED | MODE_SYMMETRICAL_SIZE | MODE_DSCP_ECN, 0 },
};

static enum reason check(uint32_t modes, uint16_t length, uint32_t padding, uint64_t *value)
{
	const struct request_context x = { &t.control.local, &t.control.remote, modes };
	struct msg_request m = {
		.ipvn = 4, .sender_port = 1, .padding = padding, .reflect_length = length
	};
	struct session_spec spec;

	return request_check(&x, &t.policy, &m, &spec, value);
}

/* R-096 R-211: T-024 in every combination; PTP and individual control do not matter */
START_TEST(padding)
{
	static const uint16_t lengths[] = { 1, 2, 3, 10, 100, 8000 };
	static const uint32_t others[] = { 0, MODE_PTP, MODE_INDIVIDUAL_CONTROL,
					   MODE_PTP | MODE_INDIVIDUAL_CONTROL };
	uint64_t value;

	for (size_t i = 0; i < 6 * 4; i++) {
		uint32_t modes = cuts[_i].modes | others[i % 4];
		uint16_t length = lengths[i / 4];
		uint32_t least = length + (cuts[_i].cut ? cuts[_i].cut : 1);

		ck_assert_int_eq(check(modes | MODE_REFLECT_OCTETS, length, least, &value),
				 REASON_OK);
		ck_assert_int_eq(check(modes | MODE_REFLECT_OCTETS, length, least - 1, &value),
				 REASON_REFLECT_PADDING);
		ck_assert_uint_eq(value, length);
		ck_assert_int_eq(reason_info(REASON_REFLECT_PADDING)->code, ACCEPT_UNSUPPORTED);
		/* nothing to reflect, and these octets when they are MBZ */
		ck_assert_int_eq(check(modes | MODE_REFLECT_OCTETS, 0, 0, &value), REASON_OK);
		ck_assert_int_eq(check(modes, length, 0, &value), REASON_OK);
	}
	ck_assert_int_eq(check(cuts[_i].modes | MODE_REFLECT_OCTETS, 65535, 9000, &value),
			 REASON_REFLECT_PADDING);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("features");
	TCase *tc = tcase_create("features");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, finish);
	tcase_add_loop_test(tc, selected, 0, SECURITIES * FEATURES);
	tcase_add_loop_test(tc, not_offered, 0, SECURITIES * FEATURES);
	tcase_add_loop_test(tc, no_mode, 0, FEATURES);
	tcase_add_loop_test(tc, echoed, 0, SECURITIES);
	tcase_add_loop_test(tc, not_echoed, 0, SECURITIES);
	tcase_add_test(tc, not_of_this_command);
	tcase_add_loop_test(tc, too_little_padding, 0, 2);
	tcase_add_loop_test(tc, padding, 0, (int)(sizeof(cuts) / sizeof(cuts[0])));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
