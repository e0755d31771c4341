// SPDX-License-Identifier: BSD-2-Clause
#include "client/control/secret.h"

#include "protocol/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_OCTETS (1024 * 1024)
#define LINE_OCTETS 2048

/* While a file is read: where it is, and what was found. */
struct search {
	const char *file;
	const char *key_id; /* NULL = the only one */
	struct secret *secret;
	unsigned line, entries, found;
	struct outcome *out;
};

/* White space, control characters, and what turns the direction of text or has no width. */
static bool is_invisible(uint32_t c)
{
	return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
	       (c >= 0x205f && c <= 0x206f) || c == 0x3000 || c == 0xfeff;
}

/* The next character of UTF-8 that was checked before. */
static uint32_t take_character(const uint8_t **at)
{
	uint32_t c = *(*at)++;
	unsigned more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	c &= more ? 0x3fu >> more : 0x7fu;
	while (more-- > 0) {
		c = c << 6 | (*(*at)++ & 0x3fu);
	}
	return c;
}

const char *secret_id_fault(const char *id, size_t len)
{
	uint8_t field[CRYPT_KEY_ID_LEN] = { 0 };
	const uint8_t *at = field;
	size_t used;

	if (len == 0) {
		return "is empty";
	}
	if (len > SECRET_ID_LEN) {
		return "is longer than 80 octets";
	}
	memcpy(field, id, len);
	if (crypt_key_id_len(field, &used) != 0 || used != len) {
		return "is not UTF-8";
	}
	if (field[0] == '#') {
		return "begins with #, as comments do";
	}
	while (at < field + len) {
		if (is_invisible(take_character(&at))) {
			return "has white space, a control character or an invisible one in it";
		}
	}
	return NULL;
}
_Static_assert(SECRET_ID_LEN == 80 && SECRET_ID_LEN == CRYPT_KEY_ID_LEN, "named in the text above");

static int complain(const struct search *s, const char *what)
{
	return outcome_set(s->out, OUTCOME_LOCAL, 0, "%s line %u: %s", s->file, s->line, what);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *passphrase_fault(const char *text, size_t len)
{
	if (len == 0) {
		return "there is no passphrase behind the KeyID";
	}
	if (len > SECRET_PASSPHRASE_LEN) {
		return "the passphrase is longer than 1024 octets";
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
			return "there is a control character in the passphrase";
		}
	}
	return NULL;
}
_Static_assert(SECRET_PASSPHRASE_LEN == 1024, "named in the text above");

static void keep(struct search *s, const char *id, size_t id_len, const char *passphrase,
		 size_t len)
{
	s->found++;
	memcpy(s->secret->key_id, id, id_len);
	s->secret->key_id[id_len] = '\0';
	memcpy(s->secret->passphrase, passphrase, len);
	s->secret->passphrase_len = len;
}

/* One line without its end. No text quotes it: who forgot the KeyID has a passphrase there. */
static int take_line(struct search *s, const char *line, size_t len)
{
	size_t blanks = 0, id_len = 0, at;
	const char *fault;

	s->line++;
	while (blanks < len && is_blank(line[blanks])) {
		blanks++;
	}
	if (blanks == len || line[blanks] == '#') {
		return OUTCOME_OK;
	}
	if (blanks > 0 || len > LINE_OCTETS) {
		return complain(s, blanks ? "white space before the KeyID" : "too long");
	}
	while (id_len < len && !is_blank(line[id_len])) {
		id_len++;
	}
	if (secret_id_fault(line, id_len)) {
		return complain(s, "no KeyID at its start (KeyID, white space, passphrase)");
	}
	for (at = id_len; at < len && is_blank(line[at]); at++) {
	}
	fault = passphrase_fault(line + at, len - at);
	if (fault) {
		return complain(s, fault);
	}
	s->entries++;
	if (!s->key_id || (strlen(s->key_id) == id_len && !memcmp(s->key_id, line, id_len))) {
		keep(s, line, id_len, line + at, len - at);
	}
	return OUTCOME_OK;
}

static int take_lines(struct search *s, const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf"; /* U+FEFF, as some editors put it there */
	const char *end = text + len;

	if (len >= strlen(mark) && !memcmp(text, mark, strlen(mark))) {
		text += strlen(mark);
	}
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		int r;

		stop = stop ? stop : end;
		r = take_line(s, text, (size_t)(stop - text));
		if (r != OUTCOME_OK) {
			return r;
		}
		text = stop + 1;
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
