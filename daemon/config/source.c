// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/source.h"

#include "daemon/config/fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- which files --- */

static int want(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".conf");
}

/* Not alphasort: the order must not change with the locale. */
static int compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Takes over the entries that scandir allocated. */
static int append(struct source_list *list, const char *dir, struct dirent **entries, int n)
{
	int r = 0;

	for (int i = 0; i < n; i++) {
		if (!r && asprintf(&list->path[list->n], "%s/%s", dir, entries[i]->d_name) < 0) {
			r = -ENOMEM;
		} else if (!r) {
			list->n++;
		}
		free(entries[i]);
	}
	return r;
}

int source_list(const char *path, struct source_list *list, struct settings_error *err)
{
	const char *slash = strrchr(path, '/');
	struct dirent **entries = NULL;
	char *dir = NULL;
	int n, r = -ENOMEM;

	*list = (struct source_list){ 0 };
	if (asprintf(&dir, "%.*sconf.d", slash ? (int)(slash - path + 1) : 0, path) < 0) {
		return -ENOMEM;
	}
	n = scandir(dir, &entries, want, compare);
	if (n < 0 && errno != ENOENT) {
		r = errno == ENOMEM ? -ENOMEM : fault(err, dir, 0, "cannot be read: %m");
		goto out;
	}
	list->path = calloc((size_t)(n < 0 ? 0 : n) + 1, sizeof(*list->path));
	if (list->path) {
		list->path[0] = strdup(path);
	}
	if (list->path && list->path[0]) {
		list->n = 1;
		r = append(list, dir, entries, n);
	} else {
		for (int i = 0; i < n; i++) {
			free(entries[i]);
		}
	}
out:
	free(entries);
	free(dir);
	return r;
}

void source_list_free(struct source_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->path[i]);
	}
	free(list->path);
	*list = (struct source_list){ 0 };
}

/* --- what is in them --- */

#define SCAN_DEPTH 16 /* ours are three deep */
#define FIRST_OCTETS 16384 /* room at first */

struct scan {
	const char *at, *end;
	char *out;
	unsigned line;
	unsigned settings; /* of the file */
	unsigned group[SCAN_DEPTH]; /* of each open group; what is deeper is one */
	unsigned depth;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Octets that go on a libconfig name. */
static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '-' || c == '*';
}

static char peek(const struct scan *s, size_t ahead)
{
	return ahead < (size_t)(s->end - s->at) ? s->at[ahead] : '\0';
}

static void copy(struct scan *s)
{
	if (*s->at == '\n') {
		s->line++;
	}
	*s->out++ = *s->at++;
}

static const char *take_string(struct scan *s)
{
	unsigned line = s->line;

	copy(s);
	while (s->at < s->end && *s->at != '"') {
		if (*s->at == '\\' && s->end - s->at > 1) {
			copy(s);
		}
		copy(s);
	}
	if (s->at == s->end) {
		s->line = line;
		return "this string has no closing quote";
	}
	copy(s);
	return NULL;
}

static const char *take_comment(struct scan *s)
{
	unsigned line = s->line;

	copy(s);
	copy(s);
	while (s->at < s->end && !(*s->at == '*' && peek(s, 1) == '/')) {
		copy(s);
	}
	if (s->at == s->end) {
		s->line = line;
		return "this comment has no closing */";
	}
	copy(s);
	copy(s);
	return NULL;
}

static void take_line(struct scan *s)
{
	while (s->at < s->end && *s->at != '\n') {
		copy(s);
	}
}

/*
 * Digits, with an L put behind them where libconfig would cut them down to 32 bits. What 64
 * bits cannot hold becomes the largest number that they can.
 */
static void take_number(struct scan *s)
{
	bool hex = *s->at == '0' && (peek(s, 1) == 'x' || peek(s, 1) == 'X') && is_hex(peek(s, 2));
	const char *start = s->at;
	unsigned long long value;

	errno = 0;
	value = strtoull(start, NULL, hex ? 16 : 10);
	s->at += hex ? 2 : 0;
	while (s->at < s->end && (hex ? is_hex(*s->at) : is_digit(*s->at))) {
		s->at++;
	}
	if (value <= INT_MAX || (!hex && peek(s, 0) == '.')) {
		memcpy(s->out, start, (size_t)(s->at - start));
		s->out += s->at - start;
		return;
	}
	for (int i = 0; i < 2 && peek(s, 0) == 'L'; i++) {
		s->at++;
	}
	if (errno == ERANGE || value > LLONG_MAX) {
		value = LLONG_MAX;
	}
	s->out += sprintf(s->out, "%lluL", value);
}

static const char *count_setting(struct scan *s)
{
	unsigned *group = &s->group[s->depth < SCAN_DEPTH ? s->depth : SCAN_DEPTH - 1];

	if (++s->settings > SOURCE_MAX_SETTINGS) {
		return "too many settings, at most 40000 expected in a file";
	}
	if (++*group > SOURCE_MAX_GROUP) {
		return "too many settings, at most 1000 expected in a group";
	}
	copy(s);
	return NULL;
}
_Static_assert(SOURCE_MAX_SETTINGS == 40000 && SOURCE_MAX_GROUP == 1000,
	       "named in the texts above");

static void take_brace(struct scan *s)
{
	if (*s->at == '}') {
		s->depth -= s->depth > 0;
	} else if (++s->depth < SCAN_DEPTH) {
		s->group[s->depth] = 0;
	}
	copy(s);
}

static const char *take(struct scan *s)
{
	char c = *s->at;

	if (c == '"') {
		return take_string(s);
	}
	if (c == '/' && peek(s, 1) == '*') {
		return take_comment(s);
	}
	if (c == '@') {
		return "@include is not supported: put the settings into a file in conf.d";
	}
	if (c == '\0') {
		return "this is not text: there is a NUL octet in it";
	}
	if (c == '=' || c == ':') {
		return count_setting(s);
	}
	if (c == '{' || c == '}') {
		take_brace(s);
	} else if (c == '#' || (c == '/' && peek(s, 1) == '/')) {
		take_line(s);
	} else if (is_digit(c)) {
		take_number(s);
	} else if (c == '.' || (is_word(c) && c != '-')) {
		/* Digits behind a point or in a name are not integers. */
		do {
			copy(s);
		} while (s->at < s->end && (c == '.' ? is_digit(*s->at) : is_word(*s->at)));
	} else {
		copy(s);
	}
	return NULL;
}

/* @raw ends with a NUL that @len does not count. */
static int make_safe(const char *path, const char *raw, size_t len, char **text,
		     struct settings_error *err)
{
	struct scan s = { .at = raw, .end = raw + len, .line = 1 };
	const char *wrong = NULL;

	/* At worst 0xfffffffffffffff becomes 1152921504606846975L. */
	*text = malloc(2 * len + 32);
	if (!*text) {
		return -ENOMEM;
	}
	s.out = *text;
	while (s.at < s.end && !wrong) {
		wrong = take(&s);
	}
	if (wrong) {
		free(*text);
		*text = NULL;
		return fault(err, path, s.line, "%s", wrong);
	}
	/* libconfig does not know a comment that no end of line follows. */
	*s.out++ = '\n';
	*s.out = '\0';
	return 0;
}

/* Not blocking, so that a FIFO cannot hold up a reload. */
static int open_file(const char *path, struct settings_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		fault(err, path, 0,
		      "there is no such file: create it (an empty one means the defaults), or name "
		      "another with --config");
	} else if (fd < 0) {
		fault(err, path, 0, "cannot be opened: %m");
	}
	if (fd < 0) {
		return -1;
	}
	/* Character devices for /dev/null: all defaults. */
	if (!fstat(fd, &st) && (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode))) {
		return fd;
	}
	fault(err, path, 0, "this is not a regular file");
	close(fd);
	return -1;
}

/* To the end, or further than it may be; with a terminator. */
static int read_all(int fd, const char *path, char **raw, size_t *len, struct settings_error *err)
{
	size_t size = 0;
	ssize_t n;

	do {
		if (size - *len < 2) {
			char *more = realloc(*raw, size = size ? 2 * size : FIRST_OCTETS);

			if (!more) {
				return -ENOMEM;
			}
			*raw = more;
		}
		n = read(fd, *raw + *len, size - 1 - *len);
		*len += n > 0 ? (size_t)n : 0;
	} while ((n > 0 && *len <= SOURCE_MAX_OCTETS) || (n < 0 && errno == EINTR));
	(*raw)[*len] = '\0';
	if (n < 0) {
		return fault(err, path, 0, "cannot be read: %m");
	}
	if (*len > SOURCE_MAX_OCTETS) {
		return fault(err, path, 0, "too large, at most %d octets expected",
			     SOURCE_MAX_OCTETS);
	}
	return 0;
}

int source_read(const char *path, char **text, struct settings_error *err)
{
	size_t len = 0;
	char *raw = NULL;
	int r, fd = open_file(path, err);

	*text = NULL;
	if (fd < 0) {
		return SETTINGS_BAD;
	}
	r = read_all(fd, path, &raw, &len, err);
	if (!r) {
		r = make_safe(path, raw, len, text, err);
	}
	free(raw);
	close(fd);
	return r;
}
