// SPDX-License-Identifier: BSD-2-Clause
/*
 * Memory for secrets. munmap is wrapped by the linker, to see what goes back to the system;
 * madvise, to let it fail. R-247
 */
#include "base/vault.h"

#include <check.h>
#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SECRET 700 /* octets */
#define MANY 1000 /* several blocks */

int __real_munmap(void *at, size_t len);
int __wrap_munmap(void *at, size_t len);
int __real_madvise(void *at, size_t len, int advice);
int __wrap_madvise(void *at, size_t len, int advice);

static struct {
	size_t mapped; /* octets that are left out of dumps */
	size_t peak;
	size_t dirty; /* pieces of secrets in what was given back */
	bool refuse;
} seen;

int __wrap_munmap(void *at, size_t len)
{
	uint8_t secret[16];

	memset(secret, 0xa5, sizeof(secret)); /* an octet may be anything's */
	for (size_t i = 0; i < len; i += sizeof(secret)) {
		seen.dirty += !memcmp((uint8_t *)at + i, secret, sizeof(secret));
	}
	seen.mapped -= len;
	return __real_munmap(at, len);
}

int __wrap_madvise(void *at, size_t len, int advice)
{
	seen.mapped += len;
	seen.peak = seen.mapped > seen.peak ? seen.mapped : seen.peak;
	if (seen.refuse) {
		errno = EINVAL;
		return -1;
	}
	return __real_madvise(at, len, advice);
}

static void set_up(void)
{
	memset(&seen, 0, sizeof(seen));
}

static bool is_zero(const uint8_t *at)
{
	for (size_t i = 0; i < SECRET; i++) {
		if (at[i]) {
			return false;
		}
	}
	return true;
}

static uint8_t *take(struct vault *v)
{
	uint8_t *at = vault_take(v);

	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq((uintptr_t)at % alignof(max_align_t), 0);
	ck_assert(is_zero(at));
	memset(at, 0xa5, SECRET);
	return at;
}

/* Whether the kernel leaves this address out of dumps: VmFlags of its mapping. */
static bool is_left_out(const void *at)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long first = 0, end = 0, a = (unsigned long)at;
	bool out = false;
	char line[512];

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			first = from;
			end = to;
		} else if (!strncmp(line, "VmFlags:", 8)) {
			out |= a >= first && a < end && strstr(line, " dd");
		}
	}
	(void)fclose(f);
	return out;
}

START_TEST(left_out_of_dumps)
{
	struct vault v = vault_of(SECRET);
	uint8_t *at = take(&v), *other = malloc(SECRET);

	ck_assert_ptr_nonnull(other);
	ck_assert(is_left_out(at));
	ck_assert(is_left_out(at + SECRET - 1));
	ck_assert(!is_left_out(other));
	vault_give(&v, at);
	free(other);
}
END_TEST

/* What comes back is zero at once, also while others of its block are in use. */
START_TEST(wiped_when_given_back)
{
	struct vault v = vault_of(SECRET);
	uint8_t *one = take(&v), *two = take(&v);

	vault_give(&v, one);
	ck_assert(is_zero(one));
	ck_assert_uint_eq(two[0], 0xa5);
	ck_assert_ptr_eq(take(&v), one);
	vault_give(&v, one);
	vault_give(&v, two);
	ck_assert_uint_eq(seen.dirty, 0);
	ck_assert_uint_eq(seen.mapped, 0);
	vault_give(&v, NULL);
}
END_TEST

static int compare(const void *a, const void *b)
{
	const uint8_t *const *x = a, *const *y = b;

	return (*x > *y) - (*x < *y);
}

/* Secrets do not overlap, places are used again, and all goes back to the system. */
START_TEST(many)
{
	static uint8_t *at[MANY], *sorted[MANY];
	struct vault v = vault_of(SECRET);
	size_t peak;

	for (int i = 0; i < MANY; i++) {
		sorted[i] = at[i] = take(&v);
	}
	qsort(sorted, MANY, sizeof(*sorted), compare);
	for (int i = 1; i < MANY; i++) {
		ck_assert_int_ge(sorted[i] - sorted[i - 1], SECRET);
	}
	peak = seen.peak;
	ck_assert_uint_lt(peak, MANY * SECRET * 5 / 4);
	for (int round = 0; round < 3; round++) {
		for (int i = round; i < MANY; i += 1 + round) {
			vault_give(&v, at[i]);
		}
		for (int i = round; i < MANY; i += 1 + round) {
			at[i] = take(&v);
		}
	}
	ck_assert_uint_eq(seen.peak, peak);
	for (int i = MANY - 1; i >= 0; i -= 2) { /* not in the order of their blocks */
		vault_give(&v, at[i]);
	}
	for (int i = 0; i < MANY; i += 2) {
		vault_give(&v, at[i]);
	}
	ck_assert_uint_eq(seen.mapped, 0);
	ck_assert_uint_eq(seen.dirty, 0);
}
END_TEST

/* None rather than memory that a core would contain. */
START_TEST(refused)
{
	struct vault v = vault_of(SECRET);

	seen.refuse = true;
	ck_assert_ptr_null(vault_take(&v));
	ck_assert_uint_eq(seen.mapped, 0);
	seen.refuse = false;
	vault_give(&v, take(&v));
	ck_assert_uint_eq(seen.mapped, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("vault");
	TCase *tc = tcase_create("vault");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, set_up, NULL);
	tcase_add_test(tc, left_out_of_dumps);
	tcase_add_test(tc, wiped_when_given_back);
	tcase_add_test(tc, many);
	tcase_add_test(tc, refused);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
