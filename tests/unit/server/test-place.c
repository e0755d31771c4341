// SPDX-License-Identifier: BSD-2-Clause
/* Where sessions of ours are: one look, however many there are. */
#include "daemon/server/place.h"

#include <check.h>
#include <stdlib.h>

static struct places places;
static const struct address here = { .family = 4, .ip = { 192, 0, 2, 1 } };
static const uint32_t none = 0, red = 5, blue = 6;

static struct place *take(uint16_t port, uint32_t device)
{
	struct place *p = place_new(&places);

	ck_assert_ptr_nonnull(p);
	return place_take(&places, p, &here, port, device);
}

static bool is_taken(uint16_t port, const uint32_t *device)
{
	struct address at = here;

	at.port = port;
	return place_is_taken(&places, &at, device);
}

START_TEST(by_address_port_and_device)
{
	struct address other = { .family = 4, .port = 1000, .ip = { 192, 0, 2, 2 } };
	struct address v6 = { .family = 6, .port = 1000, .ip = { 192, 0, 2, 1 } };
	struct place *a = take(1000, none), *b = take(1000, red);

	ck_assert(is_taken(1000, NULL) && is_taken(1000, &none) && is_taken(1000, &red));
	ck_assert(!is_taken(1000, &blue) && !is_taken(1001, NULL));
	ck_assert(!place_is_taken(&places, &other, NULL));
	ck_assert(!place_is_taken(&places, &v6, NULL));
	place_leave(&places, a);
	ck_assert(is_taken(1000, NULL) && !is_taken(1000, &none));
	place_leave(&places, b);
	ck_assert(!is_taken(1000, NULL));
	place_leave(&places, NULL);
	place_drop(place_new(&places));
	place_drop(NULL);
}
END_TEST

/* On a shared port all have one: it goes with the last. */
START_TEST(together)
{
	struct place *p = take(862, none);

	for (int i = 0; i < 100000; i++) {
		ck_assert_ptr_eq(take(862, none), p);
	}
	ck_assert_uint_eq(places.index.count, 1);
	for (int i = 0; i < 100000; i++) {
		place_leave(&places, p);
	}
	ck_assert(is_taken(862, NULL));
	place_leave(&places, p);
	ck_assert(!is_taken(862, NULL));
	ck_assert_uint_eq(places.index.count, 0);
}
END_TEST

START_TEST(many)
{
	static struct place *all[65535];

	for (uint16_t i = 1; i < 65535; i++) {
		all[i] = take(i, none);
	}
	for (uint16_t i = 1; i < 65535; i++) {
		ck_assert(is_taken(i, &none));
		place_leave(&places, all[i]);
		ck_assert(!is_taken(i, NULL));
	}
}
END_TEST

static void set_up(void)
{
	places_init(&places);
}

static void tear_down(void)
{
	ck_assert_uint_eq(places.index.count, 0);
	places_wipe(&places);
}

int main(void)
{
	Suite *suite = suite_create("place");
	TCase *tc = tcase_create("place");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, by_address_port_and_device);
	tcase_add_test(tc, together);
	tcase_add_test(tc, many);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
