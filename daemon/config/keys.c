// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/keys.h"

#include "daemon/config/conf_error.h"

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
	size_t n;
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

/* Room for as many entries as there are lines. */
static int make_room(struct keys *k)
{
	size_t room = 1;

	for (size_t i = 0; i < k->len; i++) {
		room += k->text[i] == '\n';
	}
	k->key = calloc(room < KEYS_MAX ? room : KEYS_MAX, sizeof(*k->key));
	return k->key ? 0 : -ENOMEM;
}

static int take_lines(struct keys *k, const char *path, struct settings_error *err)
{
	struct keyline_text text = keyline_begin(k->text, k->len);
	char fault[KEYLINE_FAULT_LEN];
	enum keyline_result result;
	struct key key;
	int r = 0;

	if (make_room(k)) {
		return -ENOMEM;
	}
	while ((result = keyline_next(&text, &key, fault)) != KEYLINE_END) {
		if (result == KEYLINE_FAULT) {
			r = conf_error(err, path, key.line, "%s", fault);
		} else if (k->n == KEYS_MAX) {
			r = conf_error(err, path, key.line, "too many keys, at most %d expected",
				       KEYS_MAX);
		} else {
			k->key[k->n++] = key;
		}
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
