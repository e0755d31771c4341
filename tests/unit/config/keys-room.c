// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/config/test-keys.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char room[64];
char path[96];

void set_up(void)
{
	(void)snprintf(room, sizeof(room), "/tmp/test-keys.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(room));
	(void)snprintf(path, sizeof(path), "%s/twampd.keys", room);
	ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static int drop(const char *name, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(name);
}

void tear_down(void)
{
	ck_assert_int_eq(nftw(room, drop, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void write_file(const char *name, const void *data, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	ck_assert_int_eq(close(fd), 0);
}

void write_in_room(const char *name, const char *text)
{
	char full[160];

	(void)snprintf(full, sizeof(full), "%s/%s", room, name);
	write_file(full, text, strlen(text));
}

struct keys *load_octets(const void *data, size_t len)
{
	struct settings_error err = { .text = "" };
	struct keys *k = NULL;
	int r;

	write_file(path, data, len);
	r = keys_load(path, true, &k, &err);
	ck_assert_msg(r == 0, "%d %s", r, err.text);
	ck_assert_ptr_nonnull(k);
	return k;
}

struct keys *load(const char *text)
{
	return load_octets(text, strlen(text));
}

void refuse_octets(const void *data, size_t len, const char *part)
{
	struct settings_error err = { .text = "" };
	struct keys *k = NULL;

	write_file(path, data, len);
	ck_assert_int_eq(keys_load(path, true, &k, &err), SETTINGS_BAD);
	ck_assert_ptr_null(k);
	ck_assert_msg(strstr(err.text, part) != NULL, "\"%s\" is not in: %s", part, err.text);
	ck_assert_msg(!strncmp(err.text, path, strlen(path)), "%s", err.text);
	/* All passphrases of these tests have it in them. */
	ck_assert_msg(!strstr(err.text, "hush"), "%s", err.text);
	for (const char *c = err.text; *c; c++) {
		ck_assert((uint8_t)*c >= 0x20 && *c != 0x7f);
	}
}

void expect(const struct keys *k, const char *key_id, const char *passphrase)
{
	const struct key *key = keys_find(k, (const uint8_t *)key_id, strlen(key_id));

	ck_assert_msg((key != NULL) == (passphrase != NULL), "%s", key_id);
	if (!key) {
		return;
	}
	ck_assert_uint_eq(key->key_id_len, strlen(key_id));
	ck_assert_mem_eq(key->key_id, key_id, key->key_id_len);
	ck_assert_uint_eq(key->passphrase_len, strlen(passphrase));
	ck_assert_mem_eq(key->passphrase, passphrase, key->passphrase_len);
}
