// SPDX-License-Identifier: BSD-2-Clause
/*
 * What one process leaves to the next (resume.h) must mean the same to each of them, whatever has
 * been added to a table in the meantime.
 */
#include "daemon/control/resume.h"
#include "tests/unit/control/rows.h"
#include "tests/unit/protocol/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OCTETS 4096
#define SAME(name, number) ck_assert_int_eq((int)(name), number)

/* These never change; new ones get new numbers. */
START_TEST(numbers)
{
	SAME(CONTROL_GREETED, 1);
	SAME(CONTROL_DERIVING, 2);
	SAME(CONTROL_READY, 3);
	SAME(CONTROL_OPENING, 4);
	SAME(CONTROL_STARTING, 5);
	SAME(CONTROL_ACTIVE, 6);
	SAME(CONTROL_CLOSING, 7);
	SAME(CONTROL_DEAD, 8);
	SAME(SESSION_ACCEPTED, 1);
	SAME(SESSION_ACTIVE, 2);
	SAME(SESSION_STOPPING, 3);
	SAME(SESSION_ENDED, 4);
	SAME(CRYPT_UNUSABLE, 0);
	SAME(CRYPT_SENDING, 1);
	SAME(CRYPT_RECEIVING, 2);
	SAME(MODE_UNAUTHENTICATED, 1);
	SAME(MODE_AUTHENTICATED, 2);
	SAME(MODE_ENCRYPTED, 4);
	SAME(MODE_MIXED, 8);
	SAME(MODE_INDIVIDUAL_CONTROL, 16);
	SAME(MODE_REFLECT_OCTETS, 32);
	SAME(MODE_SYMMETRICAL_SIZE, 64);
	SAME(MODE_DSCP_ECN, 256);
	SAME(MODE_PTP, 512);
	SAME(MSG_CMD_START_SESSIONS, 2);
	SAME(MSG_CMD_STOP_SESSIONS, 3);
	SAME(MSG_CMD_REQUEST_TW_SESSION, 5);
	SAME(MSG_CMD_START_N_SESSIONS, 7);
	SAME(MSG_CMD_STOP_N_SESSIONS, 9);
}
END_TEST

/* Reasons go by their keys. */
START_TEST(reasons)
{
	for (int i = 0; i < REASON_COUNT; i++) {
		const char *key = reason_info((enum reason)i)->key;
		enum reason r = REASON_COUNT;

		ck_assert_uint_le(strlen(key), REASON_KEY_MAX);
		ck_assert(reason_by_key(key, &r));
		ck_assert_int_eq((int)r, i);
	}
	ck_assert(!reason_by_key("", &(enum reason){ 0 }));
	ck_assert(!reason_by_key("of-the-future", &(enum reason){ 0 }));
}
END_TEST

/* --- a state as it was saved once ------------------------------------------------------ */

static struct talk t;

static size_t save(uint8_t *octets)
{
	struct carry k = { .way = CARRY_SAVE, .at = octets, .left = OCTETS };

	resume_control(&k, &t.control);
	for (struct session *s = t.control.first; s; s = s->next) {
		resume_session(&k, s);
	}
	ck_assert(!k.bad);
	return k.used;
}

/* TWAMPD_TEST_SHOW=1 writes the state, for when the format is another one and has a new VERSION. */
static void compare(const char *name)
{
	struct vectors *v = vectors_load("state.hex");
	const struct vector *once = vectors_get(v, name);
	uint8_t octets[OCTETS];
	size_t n = save(octets);

	if (getenv("TWAMPD_TEST_SHOW")) {
		printf("%s = ", name);
		for (size_t i = 0; i < n; i++) {
			printf("%02x", octets[i]);
		}
		printf("\n");
		vectors_free(v);
		return;
	}
	ck_assert_msg(n == once->n, "%s: %zu octets, once %zu: VERSION has to be another one", name,
		      n, once->n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_msg(octets[i] == once->octets[i],
			      "%s: octet %zu is not what it was: VERSION has to be another one",
			      name, i);
	}
	vectors_free(v);
}

/* A command that is refused when it is complete, on a connection with a session. */
TALK(clear_rows, OPENED, SESSION, { TALK_SAY, 0, "07 00*11 00000001", NULL, "READY" });

START_TEST(in_the_clear)
{
	talk_init(&t);
	snprintf(t.name, sizeof t.name, "in the clear");
	talk_run(&t, clear_rows);
	ck_assert_int_eq(t.control.refused, REASON_UNEXPECTED_COMMAND);
	compare("clear");
	talk_end(&t);
}
END_TEST

TALK(keyed_rows, SESSION, { TALK_SAY, 0, "$start.unauth", NULL, "STARTING +start start#0" },
     { TALK_STARTED, 0, NULL, "$startack.unauth.ok", "ACTIVE started=1" });

START_TEST(keyed)
{
	talk_init(&t);
	snprintf(t.name, sizeof t.name, "keyed");
	talk_establish(&t, MODE_ENCRYPTED);
	for (uint8_t i = 0; i < CRYPT_MARK_LEN; i++) {
		t.control.keyed->mark[i] = i;
	}
	talk_run(&t, keyed_rows);
	compare("encrypted");
	talk_end(&t);
}
END_TEST

/* The reason in it is unknown: of a later version. */
START_TEST(unknown_reason)
{
	static const char key[] = "unexpected-command";
	struct carry k = { .way = CARRY_LOAD };
	struct control c = { 0 };
	uint8_t octets[OCTETS], *at;

	talk_init(&t);
	snprintf(t.name, sizeof t.name, "unknown reason");
	talk_run(&t, clear_rows);
	k.left = save(octets);
	at = memmem(octets, k.left, key, sizeof key);
	ck_assert_ptr_nonnull(at);
	k.at = octets;
	resume_control(&k, &c);
	ck_assert(!k.bad);
	ck_assert_int_eq(c.refused, REASON_UNEXPECTED_COMMAND);
	*at = 'X';
	k = (struct carry){ .way = CARRY_LOAD, .at = octets, .left = OCTETS };
	resume_control(&k, &c);
	ck_assert(k.bad);
	talk_end(&t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resume");
	TCase *tc = tcase_create("resume");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, numbers);
	tcase_add_test(tc, reasons);
	tcase_add_test(tc, in_the_clear);
	tcase_add_test(tc, keyed);
	tcase_add_test(tc, unknown_reason);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
