// SPDX-License-Identifier: BSD-2-Clause
/* The addresses of this host, for reflector threads. */
#include "daemon/reflector/ownhost.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct address make(uint32_t n)
{
	struct address a = { .family = n % 2 ? 6 : 4, .port = 7, .scope = n };

	memcpy(a.ip, &n, sizeof(n));
	return a;
}

static void fill(struct ownhost *o, uint32_t from, uint32_t to)
{
	ownhost_begin(o);
	for (uint32_t n = from; n < to; n++) {
		struct address a = make(n);

		ownhost_add(o, &a);
		ownhost_add(o, &a); /* of two devices */
	}
	ownhost_publish(o);
}

static uint32_t known(const struct ownhost *o, uint32_t end)
{
	uint32_t seen = 0;

	for (uint32_t n = 0; n < end; n++) {
		struct address a = make(n);

		seen += ownhost_has(o, &a);
	}
	return seen;
}

/* S-163: what is there, and nothing else; as many as there may be. */
START_TEST(what_is_there)
{
	struct ownhost *o = ownhost_new();

	ck_assert_ptr_nonnull(o);
	ck_assert_uint_eq(known(o, 1000), 0);
	fill(o, 0, 100);
	ck_assert_uint_eq(known(o, 1000), 100);
	fill(o, 50, 60);
	ck_assert_uint_eq(known(o, 1000), 10);
	fill(o, 0, OWNHOST_MAX);
	ck_assert_uint_eq(known(o, 2 * OWNHOST_MAX), OWNHOST_MAX);
	fill(o, 0, 0);
	ck_assert_uint_eq(known(o, 1000), 0);
	ownhost_free(o);
	ownhost_free(NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ownhost");
	TCase *tc = tcase_create("ownhost");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, what_is_there);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
