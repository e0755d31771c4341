// SPDX-License-Identifier: BSD-2-Clause
/* The keys file, of any octets. RFC 4656 3.1 */
#include "daemon/config/keys.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/told.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int file = -1;
static char path[64];

static void write_file(const uint8_t *data, size_t size)
{
	if (file < 0) {
		file = memfd_create("keys", MFD_CLOEXEC);
		MUST(file >= 0 && !fchmod(file, 0600));
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	MUST(!ftruncate(file, 0));
	MUST(pwrite(file, data, size, 0) == (ssize_t)size);
}

/* Each line that is not blank and no comment is a key, found by what it begins with. */
static void check_keys(const struct keys *k, const uint8_t *at, const uint8_t *end)
{
	size_t n = 0;

	for (const uint8_t *stop; at < end; at = stop + 1) {
		const uint8_t *blank = at;
		const struct key *key;

		stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		while (blank < stop && *blank != ' ' && *blank != '\t') {
			blank++;
		}
		if (blank == at || *at == '#') {
			continue;
		}
		key = keys_find(k, at, (size_t)(blank - at));
		MUST(key && key->key_id_len == (size_t)(blank - at));
		MUST(!memcmp(key->key_id, at, key->key_id_len));
		MUST(key->passphrase_len && key->passphrase_len <= KEYLINE_PASSPHRASE_MAX);
		MUST(!memcmp(key->passphrase, stop - key->passphrase_len, key->passphrase_len));
		MUST(!keyline_id_fault(key->key_id, key->key_id_len));
		n++;
	}
	MUST(keys_count(k) == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings_error err = { .text = "" };
	struct keys *k;

	write_file(data, size);
	if (keys_load(path, true, &k, &err)) {
		MUST(!k);
		check_told(&err);
		return 0;
	}
	check_keys(k, data, data + size);
	(void)keys_find(k, data, size);
	keys_free(k);
	return 0;
}
