// SPDX-License-Identifier: BSD-2-Clause
/* TCP is a stream: however a conversation is cut, the same octets come back. */
#include "tests/flow/test-stream.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t modes[] = { MODE_UNAUTHENTICATED, MODE_ENCRYPTED,
				  MODE_UNAUTHENTICATED | MODE_INDIVIDUAL_CONTROL,
				  MODE_MIXED | MODE_INDIVIDUAL_CONTROL };

static struct seed seed;
static struct said said;
static uint8_t whole[2048], parts[2048];
static size_t n_whole;

static void play_whole(uint32_t mode)
{
	static struct stream s;

	compose(&said, mode);
	begin(&s, whole, sizeof(whole));
	receive(&s, said.octets, said.n);
	MUST(s.closed);
	end(&s);
	n_whole = s.n_got;
	/* Greeting, Server-Start; Start-Ack 1, and per round 6 of 48 and 2 of 32. Or an
	 * acknowledgement of one SID, and per round 5 of 48; 0 and 1 for two SIDs; 0, 1 and 3 for
	 * three; 0 for one; 0, 1 (two of them) and 3 for four. */
	ck_assert_uint_eq(n_whole,
			  mode & MODE_INDIVIDUAL_CONTROL
				  ? 64 + 48 + 48 + 2 * (5 * 48) + 2 * (2 + 3 + 1 + 3) * 48 + 2 * 16
				  : 64 + 48 + 32 + 2 * (6 * 48 + 2 * 32));
}

/* R-012 R-077 C-005: each place where it can be cut in two */
START_TEST(cut_in_two)
{
	static struct stream s;

	play_whole(modes[_i]);
	for (size_t at = 0; at <= said.n; at++) {
		begin(&s, parts, sizeof(parts));
		receive(&s, said.octets, at);
		MUST(s.control.message.ns == CONTROL_OFF || s.deadline_ns <= s.now.ns + 60 * S);
		receive(&s, said.octets + at, said.n - at);
		end(&s);
		MUST(s.n_got == n_whole && !memcmp(parts, whole, n_whole));
	}
}
END_TEST

/* R-012 C-005: octet by octet, and at random */
START_TEST(cut_in_many)
{
	static struct stream s;

	play_whole(modes[_i]);
	for (int i = 0; i < 500; i++) {
		begin(&s, parts, sizeof(parts));
		for (size_t at = 0, n; at < said.n; at += n) {
			n = i ? 1 + seed_next(&seed) % 200 : 1;
			if (n > said.n - at) {
				n = said.n - at;
			}
			receive(&s, said.octets + at, n);
		}
		end(&s);
		MUST(s.n_got == n_whole && !memcmp(parts, whole, n_whole));
	}
}
END_TEST

/* R-074 R-190: it may break off at every octet, and nothing is left */
START_TEST(broken_off)
{
	static struct stream s;

	compose(&said, modes[_i]);
	for (size_t at = 0; at <= said.n; at++) {
		begin(&s, parts, sizeof(parts));
		receive(&s, said.octets, at);
		end(&s);
		MUST(s.control.state == CONTROL_CLOSING);
	}
}
END_TEST

static bool closes_at(struct stream *s, int64_t ns)
{
	s->now.ns = ns;
	if (ns < s->deadline_ns) {
		return false;
	}
	feed_kind(s, CONTROL_DEADLINE);
	return s->closed;
}

/* R-168 R-169: a slow client is never quiet, but each message has 60 s */
START_TEST(slow_octets)
{
	static struct stream s;
	size_t at;

	play_whole(modes[_i]);
	begin(&s, parts, sizeof(parts));
	for (at = 0; at < said.n; at++) {
		MUST(!closes_at(&s, s.now.ns + S / 6)); /* 164 octets in less than 30 s */
		receive(&s, said.octets + at, 1);
	}
	end(&s);
	ck_assert(s.n_got == n_whole && !memcmp(parts, whole, n_whole));
	/* a little slower, and the Request takes 60 s and more */
	begin(&s, parts, sizeof(parts));
	receive(&s, said.octets, MSG_SETUP_LEN + MSG_START_LEN);
	for (at = MSG_SETUP_LEN + MSG_START_LEN; at < said.n && !s.closed; at++) {
		receive(&s, said.octets + at, 1);
		if (closes_at(&s, s.now.ns + 60 * S / 111 + 1)) {
			break;
		}
	}
	ck_assert(s.closed);
	ck_assert_uint_eq(at, MSG_SETUP_LEN + MSG_START_LEN + MSG_REQUEST_LEN - 2);
	end(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("stream");
	TCase *tc = tcase_create("stream");
	SRunner *runner;
	int failed;

	seed = seed_start();
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, cut_in_two, 0, 4);
	tcase_add_loop_test(tc, cut_in_many, 0, 4);
	tcase_add_loop_test(tc, broken_off, 0, 4);
	tcase_add_test(tc, slow_octets);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
