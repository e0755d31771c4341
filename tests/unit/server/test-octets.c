// SPDX-License-Identifier: BSD-2-Clause
/* The buffers of a connection: what fits, what waits, what a peer that is gone leaves, and that a
 * restart takes both along. */
#include "daemon/server/stream.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONG 40000

static struct stream s;
static int peer;
static uint8_t octets[4 * LONG];

static void set_up(void)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	stream_init(&s, ends[0]);
	peer = ends[1];
	for (size_t i = 0; i < sizeof(octets); i++) {
		octets[i] = (uint8_t)(i * 7 + i / 251);
	}
}

static void tear_down(void)
{
	stream_close(&s);
	close(peer);
}

/* Read by as much as there is room for, used from the front, in whatever pieces. R-012 */
START_TEST(reading)
{
	size_t used = 0;

	ck_assert_int_eq(send(peer, octets, 3000, 0), 3000);
	while (used < 3000) {
		ck_assert(stream_read(&s));
		ck_assert_uint_le(s.in_len, STREAM_IN_OCTETS);
		ck_assert_mem_eq(s.in, octets + used, s.in_len);
		stream_consume(&s, s.in_len > 100 ? 100 : s.in_len);
		used += used + 100 > 3000 ? 3000 - used : 100;
	}
	ck_assert_uint_eq(s.in_len, 0);
	ck_assert(stream_read(&s)); /* nothing there is no end */
	close(peer);
	ck_assert(!stream_read(&s));
}
END_TEST

/* Room for one long message, which is given back when it is not needed any more. */
START_TEST(fit)
{
	ck_assert_int_eq(send(peer, octets, LONG, 0), LONG);
	ck_assert(stream_read(&s));
	ck_assert_uint_eq(s.in_len, STREAM_IN_OCTETS);
	ck_assert(stream_fit(&s, LONG));
	while (s.in_len < LONG) {
		ck_assert(stream_read(&s));
	}
	ck_assert_mem_eq(s.in, octets, LONG);
	ck_assert(stream_fit(&s, 16)); /* too much is in there */
	ck_assert_ptr_ne(s.in, s.in_small);
	stream_consume(&s, LONG - 5);
	ck_assert(stream_fit(&s, 16));
	ck_assert_ptr_eq(s.in, s.in_small);
	ck_assert_mem_eq(s.in, octets + LONG - 5, 5);
}
END_TEST

/* A peer that does not read finds all of it later, in order. R-080 */
START_TEST(writing)
{
	int little = 1;
	size_t got = 0;
	ssize_t n;

	ck_assert_int_eq(setsockopt(s.fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)), 0);
	for (size_t at = 0; at < sizeof(octets); at += LONG / 8) {
		ck_assert(stream_push(&s, octets + at, LONG / 8));
	}
	ck_assert(!stream_flush(&s));
	while (got < sizeof(octets)) {
		static uint8_t heard[sizeof(octets)];

		n = recv(peer, heard, sizeof(heard), 0);
		ck_assert_int_gt(n, 0);
		ck_assert_mem_eq(heard, octets + got, (size_t)n);
		got += (size_t)n;
		(void)stream_flush(&s);
	}
	ck_assert(stream_flush(&s));
	ck_assert_ptr_eq(s.out, s.out_small);
}
END_TEST

/* What is for a peer that is gone vanishes, and no signal comes. */
START_TEST(gone)
{
	close(peer);
	ck_assert(stream_push(&s, octets, LONG));
	ck_assert(stream_flush(&s));
	ck_assert_uint_eq(s.out_len, 0);
}
END_TEST

/* what was read and not used, and what is still to be sent, also if it is long */
START_TEST(carried)
{
	static const size_t in[] = { 0, 7, STREAM_IN_OCTETS, LONG };
	static const size_t out[] = { LONG, 0, 100, STREAM_OUT_OCTETS };
	static uint8_t file[3 * LONG];
	struct carry save = { .way = CARRY_SAVE, .at = file, .left = sizeof(file) }, load;
	struct stream other;
	size_t size;

	ck_assert_int_eq(send(peer, octets, in[_i], 0), (int)in[_i]);
	ck_assert(stream_fit(&s, in[_i]));
	while (s.in_len < in[_i]) {
		ck_assert(stream_read(&s));
	}
	ck_assert(stream_push(&s, octets + LONG, out[_i]));
	stream_carry(&save, &s);
	ck_assert(!save.bad);
	size = (size_t)(save.at - file);
	for (size_t cut = 0; cut <= 16; cut++) { /* damaged by that much */
		load = (struct carry){ .way = CARRY_LOAD,
				       .at = file,
				       .left = size - (cut < size ? cut : size) };
		stream_init(&other, dup(s.fd));
		stream_carry(&load, &other);
		ck_assert_int_eq(load.bad, cut > 0);
		if (!cut) {
			ck_assert_uint_eq(other.in_len, in[_i]);
			ck_assert_mem_eq(other.in, octets, in[_i]);
			ck_assert_uint_eq(other.out_len, out[_i]);
			ck_assert_mem_eq(other.out, octets + LONG, out[_i]);
		}
		stream_close(&other);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("octets");
	TCase *t = tcase_create("octets");
	SRunner *runner;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, reading);
	tcase_add_test(t, fit);
	tcase_add_test(t, writing);
	tcase_add_test(t, gone);
	tcase_add_loop_test(t, carried, 0, 4);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
