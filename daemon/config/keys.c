// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/keys.h"

#include "daemon/config/conf_error.h"
#include "protocol/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct keys {
	uint8_t *text; /* the file */
	size_t size; /* of the mapping */
	size_t len;
	struct key *key; /* sorted by KeyID */
	size_t n, room;
};

/* --- which file --- */

/* Without the ".conf" at its end. */
static int stem_len(const char *config)
{
	size_t len = strlen(config);

	return (int)(len > 5 && !strcmp(config + len - 5, ".conf") ? len - 5 : len);
}

int keys_place(const char *config, const char *named, char **path, bool *explicit)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	const char *slash = strrchr(config, '/');

	*explicit = true;
	if (credentials && *credentials) {
		if (asprintf(path, "%s/" KEYS_NAME, credentials) < 0) {
			return -ENOMEM;
		}
		/* Any other trouble with it is told when it is opened. */
		if (!access(*path, F_OK) || errno != ENOENT) {
			return 0;
		}
		free(*path);
	}
	*explicit = *named != '\0';
	if (!*named) {
		return asprintf(path, "%.*s.keys", stem_len(config), config) < 0 ? -ENOMEM : 0;
	}
	if (*named != '/') {
		int dir_len = slash ? (int)(slash - config + 1) : 0;

		return asprintf(path, "%.*s%s", dir_len, config, named) < 0 ? -ENOMEM : 0;
	}
	*path = strdup(named);
	return *path ? 0 : -ENOMEM;
}

/* --- memory for secrets --- */

static int map(struct keys *k, const char *path, struct settings_error *err)
{
	void *at = mmap(NULL, k->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		return -ENOMEM;
	}
	k->text = at;
	if (madvise(at, k->size, MADV_DONTDUMP)) {
		return conf_error(err, path, 0, "cannot be kept out of core dumps: %m");
	}
	/* Swap is not a core dump: without the right to lock it goes on. */
	(void)mlock(at, k->size);
	return 0;
}

void keys_free(struct keys *k)
{
	if (!k) {
		return;
	}
	if (k->text) {
		explicit_bzero(k->text, k->size);
		(void)munmap(k->text, k->size);
	}
	free(k->key);
	free(k);
}

/* --- the file --- */

/* Not blocking, so that a FIFO cannot hold up a reload. */
static int open_file(const char *path, struct stat *st, struct settings_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ENOENT) {
		conf_error(
			err, path, 0,
			"there is no such file: create it, see twampd.keys(5), or take keys_file "
			"out of the settings");
	} else if (fd < 0) {
		conf_error(err, path, 0, "cannot be opened: %m");
	}
	if (fd < 0) {
		return -1;
	}
	if (fstat(fd, st) || !S_ISREG(st->st_mode)) {
		conf_error(err, path, 0, "this is not a regular file");
	} else if (st->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) {
		conf_error(
			err, path, 0,
			"has mode %04o, expected: 0640 or tighter, for it holds secrets: chmod 0640 "
			"%.120s",
			(unsigned)st->st_mode & 07777, path);
	} else if (st->st_size > KEYS_MAX_OCTETS) {
		conf_error(err, path, 0, "too large, at most %d octets expected", KEYS_MAX_OCTETS);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

/* Straight into the mapping: a buffer of stdio would keep what it has seen. */
static int read_all(struct keys *k, int fd, const char *path, struct settings_error *err)
{
	ssize_t n;

	do {
		n = read(fd, k->text + k->len, k->size - k->len);
		k->len += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && k->len < k->size) || (n < 0 && errno == EINTR));
	if (n < 0) {
		return conf_error(err, path, 0, "cannot be read: %m");
	}
	if (k->len == k->size) {
		return conf_error(err, path, 0, "grew while it was read: try again");
	}
	return 0;
}

/* --- what is in it --- */

/* White space, control characters, and what turns the direction of text or has no width. */
static bool is_invisible(uint32_t c)
{
	return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
	       (c >= 0x205f && c <= 0x206f) || c == 0x3000 || c == 0xfeff;
}

const char *keys_id_fault(const uint8_t *key_id, size_t len)
{
	uint32_t c;
	size_t n;

	if (!len) {
		return "is empty";
	}
	if (len > KEYS_ID_MAX) {
		return "is longer than 80 octets";
	}
	for (size_t i = 0; i < len; i += n) {
		n = utf8_decode(key_id + i, len - i, &c);
		if (!n) {
			return "is not UTF-8";
		}
		if (is_invisible(c)) {
			return "has white space, a control character or an invisible one in it";
		}
	}
	return NULL;
}
_Static_assert(KEYS_ID_MAX == 80, "named in the text above");

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* C-051: what a terminal cannot enter. Return what is wrong, or NULL. */
static const char *passphrase_fault(const uint8_t *s, size_t len)
{
	if (!len) {
		return "there is no passphrase behind the KeyID";
	}
	if (s[len - 1] == '\r') {
		return "this line ends with a carriage return, expected: a line feed alone";
	}
	if (len > KEYS_PASSPHRASE_MAX) {
		return "the passphrase is longer than 1024 octets";
	}
	for (size_t i = 0; i < len; i++) {
		if (s[i] < 0x20 || s[i] == 0x7f) {
			return "there is a control character in the passphrase";
		}
	}
	return NULL;
}
_Static_assert(KEYS_PASSPHRASE_MAX == 1024, "named in the text above");

/*
 * One line without its end. No text quotes from it: who forgot the KeyID has a passphrase in
 * its place.
 */
static int take_line(struct keys *k, const uint8_t *s, size_t len, unsigned line, const char *path,
		     struct settings_error *err)
{
	struct key key = { .key_id = s, .line = line };
	const char *wrong;
	size_t blanks = 0, at;

	if (len > KEYS_MAX_LINE) {
		return conf_error(err, path, line, "too long, at most %d octets expected",
				  KEYS_MAX_LINE);
	}
	while (blanks < len && is_blank(s[blanks])) {
		blanks++;
	}
	if (blanks == len || s[blanks] == '#') {
		return 0;
	}
	if (blanks) {
		return conf_error(err, path, line, "white space before the KeyID, expected: none");
	}
	for (at = 0; at < len && !is_blank(s[at]); at++) {
		;
	}
	key.key_id_len = at;
	while (at < len && is_blank(s[at])) {
		at++;
	}
	key.passphrase = s + at;
	key.passphrase_len = len - at;
	wrong = keys_id_fault(key.key_id, key.key_id_len);
	if (wrong) {
		return conf_error(err, path, line,
				  "the KeyID %s, expected: KeyID, white space, passphrase", wrong);
	}
	wrong = passphrase_fault(key.passphrase, key.passphrase_len);
	if (wrong) {
		return conf_error(err, path, line, "%s", wrong);
	}
	if (k->n == KEYS_MAX) {
		return conf_error(err, path, line, "too many keys, at most %d expected", KEYS_MAX);
	}
	k->key[k->n++] = key;
	return 0;
}

int keys_compare_ids(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int compare(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = keys_compare_ids(x->key_id, x->key_id_len, y->key_id, y->key_id_len);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static int sort(struct keys *k, const char *path, struct settings_error *err)
{
	int r = 0;

	qsort(k->key, k->n, sizeof(*k->key), compare);
	for (size_t i = 1; i < k->n; i++) {
		const struct key *a = &k->key[i - 1], *b = &k->key[i];

		if (keys_compare_ids(a->key_id, a->key_id_len, b->key_id, b->key_id_len) == 0) {
			r = conf_error(
				err, path, b->line,
				"the KeyID \"%.*s\" is there already, in line %u, expected: once",
				(int)b->key_id_len, (const char *)b->key_id, a->line);
		}
	}
	return r;
}

static int take_lines(struct keys *k, const char *path, struct settings_error *err)
{
	static const char mark[] = "\xef\xbb\xbf"; /* U+FEFF, as some editors put it there */
	const uint8_t *at = k->text, *end = k->text + k->len;
	unsigned line = 0;
	int r = 0;

	if (k->len >= strlen(mark) && !memcmp(at, mark, strlen(mark))) {
		at += strlen(mark);
	}
	for (const uint8_t *c = at; c < end; c++) {
		k->room += *c == '\n';
	}
	k->room = k->room < KEYS_MAX ? k->room + 1 : KEYS_MAX;
	k->key = calloc(k->room, sizeof(*k->key));
	if (!k->key) {
		return -ENOMEM;
	}
	while (at < end) {
		const uint8_t *stop = memchr(at, '\n', (size_t)(end - at));

		stop = stop ? stop : end;
		if (take_line(k, at, (size_t)(stop - at), ++line, path, err)) {
			r = SETTINGS_BAD;
		}
		at = stop + 1;
	}
	return sort(k, path, err) ? SETTINGS_BAD : r;
}

int keys_load(const char *path, bool explicit, struct keys **out, struct settings_error *err)
{
	struct keys *k = NULL;
	struct stat st;
	int r = SETTINGS_BAD, fd;

	*out = NULL;
	if (!explicit && access(path, F_OK) && errno == ENOENT) {
		return 0;
	}
	fd = open_file(path, &st, err);
	if (fd < 0) {
		goto out;
	}
	r = -ENOMEM;
	k = calloc(1, sizeof(*k));
	if (!k) {
		goto out;
	}
	k->size = (size_t)st.st_size + 1; /* to see the end */
	r = map(k, path, err);
	r = r ? r : read_all(k, fd, path, err);
	r = r ? r : take_lines(k, path, err);
	if (!r) {
		*out = k;
		k = NULL;
	}
out:
	keys_free(k);
	if (fd >= 0) {
		close(fd);
	}
	return r;
}

const uint8_t *keys_text(const struct keys *k, size_t *len)
{
	*len = k->len;
	return k->text;
}

size_t keys_count(const struct keys *k)
{
	return k ? k->n : 0;
}

const struct key *keys_at(const struct keys *k, size_t i)
{
	return i < keys_count(k) ? &k->key[i] : NULL;
}

const struct key *keys_find(const struct keys *k, const uint8_t *key_id, size_t len)
{
	size_t low = 0, high = keys_count(k);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct key *key = &k->key[middle];
		int order = keys_compare_ids(key_id, len, key->key_id, key->key_id_len);

		if (!order) {
			return key;
		}
		if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return NULL;
}
