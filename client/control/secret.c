// SPDX-License-Identifier: BSD-2-Clause
#include "client/control/secret.h"

#include "protocol/keyline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_OCTETS (1024 * 1024)

/* While a file is read: where it is, and what was found. */
struct search {
	const char *file;
	const char *key_id; /* NULL = the only one */
	struct secret *secret;
	unsigned entries, found;
	struct outcome *out;
};

static void keep(struct search *s, const struct key *key)
{
	s->found++;
	memcpy(s->secret->key_id, key->key_id, key->key_id_len);
	s->secret->key_id[key->key_id_len] = '\0';
	memcpy(s->secret->passphrase, key->passphrase, key->passphrase_len);
	s->secret->passphrase_len = key->passphrase_len;
}

static int take_lines(struct search *s, const char *octets, size_t len)
{
	struct keyline_text text = keyline_begin(octets, len);
	char fault[KEYLINE_FAULT_LEN];
	enum keyline_result result;
	struct key key;

	while ((result = keyline_next(&text, &key, fault)) != KEYLINE_END) {
		if (result == KEYLINE_FAULT) {
			return outcome_set(s->out, OUTCOME_LOCAL, 0, "%s line %u: %s", s->file,
					   key.line, fault);
		}
		s->entries++;
		if (!s->key_id || (strlen(s->key_id) == key.key_id_len &&
				   !memcmp(s->key_id, key.key_id, key.key_id_len))) {
			keep(s, &key);
		}
	}
	if (s->found == 1) {
		return OUTCOME_OK;
	}
	if (s->found == 0) {
		outcome_set(s->out, OUTCOME_LOCAL, 0, "%s has no key%s%s", s->file,
			    s->key_id ? " with the KeyID " : "", s->key_id ? s->key_id : "");
		outcome_hint(s->out, "twamp keygen makes an entry; the server needs the same one");
	} else if (s->key_id) {
		outcome_set(s->out, OUTCOME_LOCAL, 0, "%s has the KeyID %s more than once", s->file,
			    s->key_id);
	} else {
		outcome_set(s->out, OUTCOME_LOCAL, 0, "%s has %u keys", s->file, s->entries);
		outcome_hint(s->out, "say with --key-id which one to use");
	}
	return OUTCOME_LOCAL;
}

/* A descriptor of a file that only its owner and group can read, or -1. */
static int open_file(const char *file, struct outcome *out)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0) {
		outcome_set(out, OUTCOME_LOCAL, 0, "%s: %s", file, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		outcome_set(out, OUTCOME_LOCAL, 0, "%s is not a regular file", file);
	} else if (st.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) {
		outcome_set(out, OUTCOME_LOCAL, 0, "%s has mode %04o, but it holds secrets", file,
			    (unsigned)st.st_mode & 07777);
		outcome_hint(out, "make it 0640 or tighter: chmod 0640 %s", file);
	} else if (st.st_size > FILE_OCTETS) {
		outcome_set(out, OUTCOME_LOCAL, 0, "%s is larger than %d octets", file,
			    FILE_OCTETS);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

static int search(struct search *s, int fd)
{
	char *text = malloc(FILE_OCTETS);
	size_t len = 0;
	ssize_t n = -1;
	int r;

	if (!text) {
		return outcome_set(s->out, OUTCOME_LOCAL, 0, "%s", strerror(ENOMEM));
	}
	do {
		n = read(fd, text + len, FILE_OCTETS - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	r = n < 0 ? outcome_set(s->out, OUTCOME_LOCAL, 0, "%s: %s", s->file, strerror(errno))
		  : take_lines(s, text, len);
	explicit_bzero(text, len);
	free(text);
	return r;
}

int secret_load(struct secret *secret, const char *file, const char *key_id, struct outcome *out)
{
	struct search s = { .file = file, .key_id = key_id, .secret = secret, .out = out };
	int fd = open_file(file, out), r;

	*secret = (struct secret){ 0 };
	if (fd < 0) {
		return OUTCOME_LOCAL;
	}
	(void)prctl(PR_SET_DUMPABLE, 0);
	r = search(&s, fd);
	close(fd);
	if (r != OUTCOME_OK) {
		secret_wipe(secret);
	}
	return r;
}

void secret_wipe(struct secret *s)
{
	explicit_bzero(s, sizeof(*s));
}
