// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/reflector/strangers.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

static struct strangers s;
static struct stranger got[STRANGERS + 1];

static struct address who(unsigned n)
{
	return (struct address){ .family = 4,
				 .ip = { 192, 0, (uint8_t)(n >> 8), (uint8_t)n },
				 .port = (uint16_t)n };
}

static void note(unsigned n, unsigned times)
{
	struct address a = who(n);

	while (times--) {
		strangers_note(&s, &a, 862);
	}
}

/* T-074: by address, whatever the port; a period is read when the next one is over */
START_TEST(counts)
{
	struct address a = who(1);

	ck_assert_uint_eq(strangers_take(&s, got), 0);
	note(1, 3);
	strangers_note(&s, &a, 5000);
	note(2, 1);
	ck_assert_uint_eq(strangers_take(&s, got), 0);
	ck_assert_uint_eq(strangers_take(&s, got), 3);
	ck_assert(address_same_host(&got[0].who, &a));
	ck_assert_uint_eq(got[0].packets, 3);
	ck_assert_uint_eq(got[0].at, 862);
	ck_assert_uint_eq(got[1].at, 5000);
	ck_assert_uint_eq(got[2].packets, 1);
	for (int i = 0; i < 4; i++) { /* and once */
		ck_assert_uint_eq(strangers_take(&s, got), 0);
	}
}
END_TEST

/* Of more than there is room for the busy ones stay, and no packet is lost of the sum. */
START_TEST(many)
{
	uint64_t sum = 0;
	bool busy = false;
	unsigned n;

	for (unsigned i = 0; i < 1000; i++) {
		note(7, 2);
		note(100 + i, 1);
	}
	(void)strangers_take(&s, got); /* its period is over, and the next one begins */
	n = strangers_take(&s, got);
	ck_assert_uint_eq(n, STRANGERS + 1);
	for (unsigned i = 0; i < n; i++) {
		sum += got[i].packets;
		busy |= got[i].packets == 2000 && got[i].who.ip[3] == 7;
	}
	ck_assert_uint_eq(sum, 3000);
	ck_assert(busy);
	ck_assert_uint_eq(got[n - 1].who.family, 0);
}
END_TEST

static void *write_all(void *arg)
{
	for (unsigned i = 0; i < 300000; i++) {
		note(i % 3 ? 7 : i, 1);
	}
	return NULL;
}

/* While it is read: what is told is whole. */
START_TEST(beside_a_reader)
{
	pthread_t thread;
	uint64_t sum = 0;

	ck_assert_int_eq(pthread_create(&thread, NULL, write_all, NULL), 0);
	for (unsigned turn = 0; turn < 2000; turn++) {
		unsigned n = strangers_take(&s, got);

		ck_assert_uint_le(n, STRANGERS + 1);
		for (unsigned i = 0; i < n; i++) {
			ck_assert(got[i].packets && got[i].packets <= 300000);
			ck_assert(!got[i].who.family || got[i].who.ip[0] == 192);
			sum += got[i].packets;
		}
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_le(sum, 300000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("strangers");
	TCase *tcase = tcase_create("strangers");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, counts);
	tcase_add_test(tcase, many);
	tcase_add_test(tcase, beside_a_reader);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
