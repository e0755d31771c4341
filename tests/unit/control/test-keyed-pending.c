// SPDX-License-Identifier: BSD-2-Clause
/* The keyed modes while the key is derived: what comes meanwhile, and who goes. */
#include "tests/unit/control/rows-isc.h"
#include "tests/unit/protocol/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYED_MODES 3

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

/* Nothing is read meanwhile: what follows is taken when it is over. R-012 R-077 */
START_TEST(pipelined)
{
	static const struct talk_row part[] = { { TALK_PART, 0, NULL, NULL, "DERIVING" }, END_ROW };
	static const struct talk_row after[] = {
		{ TALK_KEY, 0, NULL, "$serverstart.enc.plain", "READY established=4" },
		SESSION,
		STARTED,
		STOPPED,
		{ TALK_WAIT, 899 * S, NULL, NULL, "READY" },
		END_ROW,
	};

	derive(1);
	ck_assert_uint_eq(control_want(&t.control), 0);
	run(part);
	ck_assert_uint_eq(control_want(&t.control), 0);
	run(after);
}
END_TEST

#define KEY_COMES_LATE \
	{ TALK_KEY, 0, NULL, NULL, "CLOSING" }, \
	{ \
		TALK_KEY_REFUSED, REASON_KDF_QUEUE, NULL, NULL, "CLOSING" \
	}

/* R-011 R-074: whatever ends the connection meanwhile, the key that comes is not wanted */
START_TEST(ends_meanwhile)
{
	static const struct talk_row ends[][5] = {
		{ { TALK_GONE, 0, NULL, NULL, "CLOSING +close closed=peer" },
		  KEY_COMES_LATE,
		  END_ROW },
		{ { TALK_SHUTDOWN, 0, NULL, NULL, "CLOSING +close closed=shutdown" },
		  KEY_COMES_LATE,
		  END_ROW },
		{ { TALK_WAIT, 30 * S - 1, NULL, NULL, "DERIVING" },
		  { TALK_WAIT, 1, NULL, NULL, "CLOSING +close closed=handshake" },
		  KEY_COMES_LATE,
		  END_ROW },
	};

	derive(1);
	run(ends[_i]);
	ck_assert_uint_eq(t.total.connections, 0);
	ck_assert_uint_eq(control_want(&t.control), 0);
}
END_TEST

START_TEST(stalled_meanwhile)
{
	static const struct talk_row rows[] = {
		{ TALK_BLOCKED, 0, NULL, NULL, "DERIVING" },
		{ TALK_WAIT, 20 * S, NULL, NULL, "DERIVING" },
		{ TALK_FLUSHED, 0, NULL, NULL, "DERIVING" },
		{ TALK_BLOCKED, 0, NULL, NULL, "DERIVING" },
		{ TALK_WAIT, 30 * S - 1, NULL, NULL, "DERIVING" },
		{ TALK_WAIT, 1, NULL, NULL, "DEAD +close +abort closed=stall" },
		{ TALK_KEY, 0, NULL, NULL, "DEAD" },
		END_ROW,
	};

	t.policy.handshake_s = 100;
	derive(1);
	run(rows);
}
END_TEST

/* A wrong Token counts, also if the client did not wait for the answer. R-243 */
START_TEST(failure_counts_when_gone)
{
	static const struct talk_row rows[] = {
		{ TALK_GONE, 0, NULL, NULL, "CLOSING +close closed=peer" },
		{ TALK_KEY_REFUSED, REASON_AUTH_FAILED, NULL, NULL, "CLOSING" },
		END_ROW,
	};

	t.policy.failure_rate = 1;
	derive(1);
	run(rows);
	ck_assert_int_eq(admit_authentication(&t.client, &t.policy, t.control.setup.key_id, t.now),
			 REASON_AUTH_RATE);
}
END_TEST

/* Who leaves before its key is derived did not fail, whatever its key; it has a limit of its own,
 * which it fills up with any KeyID. R-022 */
START_TEST(abandoned)
{
	static const struct talk_row rows[] = {
		{ TALK_GONE, 0, NULL, NULL, "CLOSING +close closed=peer" },
		END_ROW,
	};
	static const uint8_t other[MSG_KEY_ID_LEN] = "other";
	enum reason expected[] = { REASON_OK, REASON_OK, REASON_ABANDON_RATE };

	t.policy.failure_rate = 1;
	t.policy.abandon_rate = 3;
	for (int i = 0; i < 3; i++) {
		derive(1);
		run(rows);
		ck_assert_int_eq(
			admit_authentication(&t.client, &t.policy, t.control.setup.key_id, t.now),
			expected[i]);
		ck_assert_int_eq(admit_authentication(&t.client, &t.policy, other, t.now),
				 expected[i]);
		next_connection();
	}
	t.policy.abandon_rate = 3;
	t.now.ns += 20 * S;
	ck_assert_int_eq(admit_authentication(&t.client, &t.policy, other, t.now), REASON_OK);
	t.policy.abandon_rate = 0;
	ck_assert_int_eq(admit_authentication(&t.client, &t.policy, other, t.now), REASON_OK);
}
END_TEST

/* A key that nobody asked for changes nothing. */
START_TEST(key_unasked)
{
	static const struct talk_row rows[] = {
		{ TALK_KEY, 0, NULL, NULL, "READY" },
		{ TALK_KEY_REFUSED, REASON_AUTH_FAILED, NULL, NULL, "READY" },
		SESSION,
		END_ROW,
	};

	talk_establish(&t, MODE_ENCRYPTED);
	run(rows);
}
END_TEST

/* What a wipe leaves: no key, and no stream that opens anything. R-247 */
START_TEST(wiped)
{
	static const struct crypt_keys none;

	talk_establish(&t, MODE_ENCRYPTED);
	ck_assert_mem_eq(&t.secrets.keys, &t.keys, sizeof(none));
	control_wipe(&t.control);
	ck_assert_mem_eq(&t.secrets.keys, &none, sizeof(none));
	ck_assert_int_eq(t.secrets.from_client.state, CRYPT_UNUSABLE);
	ck_assert_int_eq(t.secrets.to_client.state, CRYPT_UNUSABLE);
	control_wipe(&t.control);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("keyed-pending");
	TCase *tc = tcase_create("keyed-pending");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, start, finish);
	tcase_add_test(tc, pipelined);
	tcase_add_loop_test(tc, ends_meanwhile, 0, 3);
	tcase_add_test(tc, stalled_meanwhile);
	tcase_add_test(tc, failure_counts_when_gone);
	tcase_add_test(tc, abandoned);
	tcase_add_test(tc, key_unasked);
	tcase_add_test(tc, wiped);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
