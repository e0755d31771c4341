// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/source.h"

#include "daemon/config/conf_error.h"
#include "daemon/config/lex.h"

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

/* A file of @dir that is perhaps not there yet, where its name belongs. */
static int insert(struct source_list *list, const char *dir, const char *as)
{
	size_t len = strlen(dir), at = 1;
	char *copy;

	if (strncmp(as, dir, len) != 0 || as[len] != '/' || strchr(as + len + 1, '/')) {
		return 0;
	}
	while (at < list->n && strcmp(list->path[at], as) < 0) {
		at++;
	}
	if (at < list->n && !strcmp(list->path[at], as)) {
		return 0;
	}
	copy = strdup(as);
	if (!copy) {
		return -ENOMEM;
	}
	memmove(&list->path[at + 1], &list->path[at], (list->n - at) * sizeof(*list->path));
	list->path[at] = copy;
	list->n++;
	return 0;
}

/* Each instance has one of its own, so that nothing of another gets into it. */
static int name_folder(const char *path, char **dir)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return strcmp(name, SOURCE_MAIN) != 0
		       ? asprintf(dir, "%s.d", path)
		       : asprintf(dir, "%.*sconf.d", (int)(name - path), path);
}

int source_list(const char *path, const char *as, struct source_list *list,
		struct settings_error *err)
{
	struct dirent **entries = NULL;
	char *dir = NULL;
	int n, r = -ENOMEM;

	*list = (struct source_list){ 0 };
	if (name_folder(path, &dir) < 0) {
		return -ENOMEM;
	}
	n = scandir(dir, &entries, want, compare);
	if (n < 0 && errno != ENOENT && errno != ENAMETOOLONG) {
		r = errno == ENOMEM ? -ENOMEM : conf_error(err, dir, 0, "cannot be read: %m");
		goto out;
	}
	list->path = calloc((size_t)(n < 0 ? 0 : n) + 2, sizeof(*list->path));
	if (list->path) {
		list->path[0] = strdup(path);
	}
	if (list->path && list->path[0]) {
		list->n = 1;
		r = append(list, dir, entries, n);
		r = r || !as ? r : insert(list, dir, as);
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
	char *out;
	unsigned settings; /* of the file */
	unsigned group[SCAN_DEPTH]; /* of each open group; what is deeper is one */
	unsigned depth;
	const struct lex_token *before; /* the one that is looked at follows it */
};

static void copy(struct scan *s, const char *at, size_t len)
{
	s->out = mempcpy(s->out, at, len);
}

/*
 * Digits, with an L put behind them where libconfig would cut them down to 32 bits. What 64
 * bits cannot hold becomes the largest number that they can. Zeros in front go: with them a
 * number is octal for libconfig 1.7, and decimal for 1.5.
 */
static void take_number(struct scan *s, const struct lex_token *t)
{
	size_t sign = *t->at == '-' || *t->at == '+';
	const char *start = t->at + sign;
	bool hex = t->len > 1 && (t->at[1] | 0x20) == 'x';
	unsigned long long value;

	errno = 0;
	value = strtoull(start, NULL, hex ? 16 : 10);
	if (value <= INT_MAX && (hex || *start != '0')) {
		copy(s, t->at, t->len);
		return;
	}
	copy(s, t->at, sign);
	if (errno == ERANGE || value > LLONG_MAX) {
		value = LLONG_MAX;
	}
	s->out += sprintf(s->out, "%llu%s", value, value <= INT_MAX ? "" : "L");
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
	return NULL;
}
_Static_assert(SOURCE_MAX_SETTINGS == 40000 && SOURCE_MAX_GROUP == 1000,
	       "named in the texts above");

static void take_brace(struct scan *s, char brace)
{
	if (brace == '}') {
		s->depth -= s->depth > 0;
	} else if (++s->depth < SCAN_DEPTH) {
		s->group[s->depth] = 0;
	}
}

/*
 * libconfig 1.7 takes [ 1, ] and [ 1,,2 ], and 1.5 does not: a file means the same with either,
 * and whoever has left something out is told.
 */
static const char *refuse_commas(const struct lex_token *before, const struct lex_token *t)
{
	if (before->kind != LEX_COMMA) {
		return NULL;
	}
	if (t->kind == LEX_COMMA) {
		return "two commas without a value between them";
	}
	return t->kind == LEX_CLOSE && *t->at != '}' ? "no comma expected behind the last entry"
						     : NULL;
}

/* Return what is wrong, or NULL. */
static const char *take(struct scan *s, const struct lex_token *t)
{
	const char *wrong = refuse_commas(s->before, t);

	if (wrong) {
		return wrong;
	}
	if (t->kind == LEX_OPEN_STRING) {
		return "this string has no closing quote";
	}
	if (t->kind == LEX_OPEN_COMMENT) {
		return "this comment has no closing */";
	}
	if (t->kind == LEX_OTHER && *t->at == '@') {
		return "@include is not supported: put the settings into a file in conf.d";
	}
	if (t->kind == LEX_INTEGER) {
		take_number(s, t);
		return NULL;
	}
	if (t->kind == LEX_EQUALS) {
		wrong = count_setting(s);
	} else if (t->len == 1 && (*t->at == '{' || *t->at == '}')) {
		take_brace(s, *t->at);
	}
	copy(s, t->at, t->len);
	return wrong;
}

static unsigned line_of(const char *raw, const char *at)
{
	unsigned line = 1;

	for (; raw < at; raw++) {
		line += *raw == '\n';
	}
	return line;
}

int source_make_safe(const char *path, const char *raw, size_t len, char **text,
		     struct settings_error *err)
{
	const char *nul = memchr(raw, '\0', len), *from, *wrong = NULL;
	struct lex_token t = { 0 }, before;
	struct scan s = { .before = &before };
	struct lex lex;

	*text = NULL;
	if (nul) {
		return conf_error(err, path, line_of(raw, nul),
				  "this is not text: there is a NUL octet in it");
	}
	/* At worst 0xfffffffffffffff becomes 1152921504606846975L. */
	*text = malloc(2 * len + 32);
	if (!*text) {
		return -ENOMEM;
	}
	s.out = *text;
	lex_init(&lex, raw, len);
	from = lex.at; /* behind a byte order mark */
	do {
		before = t;
		t = lex_next(&lex);
		copy(&s, from, (size_t)(t.at - from));
		from = t.at + t.len;
		wrong = take(&s, &t);
	} while (t.kind != LEX_END && !wrong);
	if (wrong) {
		free(*text);
		*text = NULL;
		return conf_error(err, path, t.line, "%s", wrong);
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
		conf_error(
			err, path, 0,
			"there is no such file: create it (an empty one means the defaults), or name "
			"another with --config");
	} else if (fd < 0) {
		conf_error(err, path, 0, "cannot be opened: %m");
	}
	if (fd < 0) {
		return -1;
	}
	/* Character devices for /dev/null: all defaults. */
	if (!fstat(fd, &st) && (S_ISREG(st.st_mode) || S_ISCHR(st.st_mode))) {
		return fd;
	}
	conf_error(err, path, 0, "this is not a regular file");
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
		return conf_error(err, path, 0, "cannot be read: %m");
	}
	if (*len > SOURCE_MAX_OCTETS) {
		return conf_error(err, path, 0, "too large, at most %d octets expected",
				  SOURCE_MAX_OCTETS);
	}
	return 0;
}

int source_read(const char *path, char **raw, size_t *len, struct settings_error *err)
{
	int r, fd = open_file(path, err);

	*raw = NULL;
	*len = 0;
	if (fd < 0) {
		return SETTINGS_BAD;
	}
	r = read_all(fd, path, raw, len, err);
	close(fd);
	return r;
}
