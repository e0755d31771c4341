// SPDX-License-Identifier: BSD-2-Clause
/*
 * Secrets in memory. munmap is wrapped by the linker, to see what is in memory that is given back;
 * madvise, to let it fail.
 */
#include "tests/unit/config/test-keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int __real_munmap(void *at, size_t len);
int __wrap_munmap(void *at, size_t len);
int __real_madvise(void *at, size_t len, int advice);
int __wrap_madvise(void *at, size_t len, int advice);

static struct {
	const uint8_t *at; /* mapping to look at */
	size_t unmapped; /* its octets that were given back */
	size_t dirty; /* of these, not zero */
} watch;

int __wrap_munmap(void *at, size_t len)
{
	if (watch.at >= (uint8_t *)at && watch.at < (uint8_t *)at + len) {
		watch.unmapped = len;
		for (size_t i = 0; i < len; i++) {
			watch.dirty += ((uint8_t *)at)[i] != 0;
		}
	}
	return __real_munmap(at, len);
}

static bool refuse_dontdump;

int __wrap_madvise(void *at, size_t len, int advice)
{
	if (advice == MADV_DONTDUMP && refuse_dontdump) {
		errno = EINVAL;
		return -1;
	}
	return __real_madvise(at, len, advice);
}

#define SECRET_LEN 40

/* Never whole in the memory of the test itself but here, and there not for long. */
static void write_secret(void)
{
	char text[SECRET_LEN + 3] = "a ";

	for (int i = 0; i < SECRET_LEN; i++) {
		text[2 + i] = (char)('A' + (i * 7 + 3) % 26);
	}
	text[SECRET_LEN + 2] = '\n';
	write_file(path, text, sizeof(text));
	explicit_bzero(text, sizeof(text));
}

static bool is_secret(const char *s)
{
	for (int i = 0; i < SECRET_LEN; i++) {
		if (s[i] != (char)('A' + (i * 7 + 3) % 26)) {
			return false;
		}
	}
	return true;
}

/* A piece of memory as such: where nothing can be read, nothing is. */
static unsigned scan(int mem, unsigned long from, unsigned long to)
{
	enum { STEP = 1 << 16 };
	static char piece[STEP + SECRET_LEN];
	unsigned n = 0;

	/* Pieces overlap; the array they are read into is not looked at. */
	for (unsigned long at = from; at < to; at += STEP) {
		size_t want = to - at < sizeof(piece) ? to - at : sizeof(piece);
		ssize_t got = pread(mem, piece, want, (off_t)at);

		for (ssize_t i = 0; i + SECRET_LEN <= got && i < STEP; i++) {
			const char *real = (const char *)at + i;

			if (piece[i] == 'D' && is_secret(piece + i) &&
			    (real < piece || real >= piece + sizeof(piece))) {
				n++;
			}
		}
		explicit_bzero(piece, sizeof(piece));
	}
	return n;
}

/* How often the secret is in the writable memory of this process. */
static unsigned occurrences(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	unsigned long from, to;
	char line[512], access[8];
	unsigned n = 0;

	ck_assert(maps && mem >= 0);
	while (fgets(line, sizeof(line), maps)) {
		/* What sanitizers map is huge, and has copies of nothing. */
		if (sscanf(line, "%lx-%lx %7s", &from, &to, access) == 3 && access[1] == 'w' &&
		    to - from < 256ul << 20) {
			n += scan(mem, from, to);
		}
	}
	ck_assert_int_eq(fclose(maps), 0);
	ck_assert_int_eq(close(mem), 0);
	return n;
}

/* While they are loaded, the secrets are in one place; then nowhere. */
START_TEST(nothing_is_left)
{
	struct settings_error err = { .text = "" };
	struct settings *s;

	write_secret();
	write_in_room("twampd.conf", "");
	ck_assert_uint_eq(occurrences(), 0);
	s = load_settings(&err);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(occurrences(), 1);
	settings_unref(s);
	ck_assert_uint_eq(occurrences(), 0);
}
END_TEST

START_TEST(wiped_before_unmapped)
{
	struct keys *k = load("a hush\nb hush\n");

	watch.at = keys_find(k, (const uint8_t *)"a", 1)->passphrase;
	watch.unmapped = watch.dirty = 0;
	keys_free(k);
	ck_assert_uint_ge(watch.unmapped, 14);
	ck_assert_uint_eq(watch.dirty, 0);
	watch.at = NULL;
}
END_TEST

/* Also of a file that is refused. */
START_TEST(wiped_on_failure)
{
	struct settings_error err = { .text = "" };

	write_secret();
	write_in_room("twampd.conf", "modes = [ ];");
	ck_assert_ptr_null(load_settings(&err));
	write_in_room("twampd.conf", "clients = ( { name = \"x\"; key_ids = [ \"other\" ]; } );");
	ck_assert_ptr_null(load_settings(&err));
	ck_assert_ptr_nonnull(strstr(err.text, "\"other\" is not in the keys file"));
	ck_assert_uint_eq(occurrences(), 0);
}
END_TEST

/* "dd" among the flags of a mapping: left out of core dumps. */
static bool has_flag(const void *where)
{
	unsigned long at = (unsigned long)where, from = 0, to = 0;
	FILE *smaps = fopen("/proc/self/smaps", "re");
	bool found = false;
	char line[512];

	ck_assert_ptr_nonnull(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		unsigned long first, behind;

		if (sscanf(line, "%lx-%lx ", &first, &behind) == 2) {
			from = first;
			to = behind;
		}
		if (from <= at && at < to && !strncmp(line, "VmFlags:", 8)) {
			found = strstr(line, " dd") != NULL;
		}
	}
	ck_assert_int_eq(fclose(smaps), 0);
	return found;
}

START_TEST(not_dumped)
{
	struct keys *k = load("a hush\n");
	const uint8_t *secret = keys_find(k, (const uint8_t *)"a", 1)->passphrase;

	ck_assert(has_flag(secret));
	ck_assert(!has_flag(room)); /* of the test: it does not say so of everything */
	keys_free(k);
}
END_TEST

START_TEST(no_secrets_in_dumps_or_no_secrets)
{
	refuse_dontdump = true;
	refuse_octets("a hush\n", 7, "cannot be kept out of core dumps: Invalid argument");
	refuse_dontdump = false;
}
END_TEST

void add_memory(TCase *memory)
{
	tcase_add_test(memory, nothing_is_left);
	tcase_add_test(memory, wiped_before_unmapped);
	tcase_add_test(memory, wiped_on_failure);
	tcase_add_test(memory, not_dumped);
	tcase_add_test(memory, no_secrets_in_dumps_or_no_secrets);
}
