// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/running.h"

#include "daemon/config/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "settings"
#define EVERYWHERE "/run/twampd*/" NAME
#define OCTETS_MAX (16 * 1024 * 1024)

/* In the first of the unit's directories. Return false if there is none. */
static bool place(const char *name, char path[static PATH_MAX])
{
	const char *folder = getenv("RUNTIME_DIRECTORY");
	int len = folder ? (int)strcspn(folder, ":") : 0;

	return len && snprintf(path, PATH_MAX, "%.*s/%s", len, folder, name) < PATH_MAX;
}

static void print(const struct settings *s, const char *config, bool control_passed,
		  bool light_passed, FILE *to)
{
	fprintf(to, "pid = %ld\nconfig = %s\nkeys = %zu\n", (long)getpid(), config,
		keys_count(s->keys));
	fprintf(to, "passed =%s%s\n\n", control_passed ? " control" : "",
		light_passed ? " light" : "");
}

/* At once: who reads it finds all of it. */
void running_tell(const struct settings *s, const struct settings *since_start, const char *config,
		  bool control_passed, bool light_passed)
{
	char path[PATH_MAX], next[PATH_MAX];
	FILE *f;
	int fd, r;

	if (!config || !place(NAME, path) || !place("." NAME ".new", next)) {
		return;
	}
	fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		if (fd >= 0) {
			close(fd);
		}
		return;
	}
	print(s, config, control_passed, light_passed, f);
	r = settings_flat(s, since_start, f);
	if (fclose(f) || r || rename(next, path)) {
		(void)unlink(next);
		(void)unlink(path); /* better none than an old one */
	}
}

void running_forget(void)
{
	char path[PATH_MAX];

	if (place(NAME, path)) {
		(void)unlink(path);
	}
}

static char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t size = 0, len = 0;
	char *text = NULL, *more;
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && len < OCTETS_MAX) {
		if (size - len < 2) {
			size = size ? 2 * size : 16384;
			more = realloc(text, size);
			if (!more) {
				n = -1;
				break;
			}
			text = more;
		}
		n = read(fd, text + len, size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0) {
		close(fd);
	}
	if (n) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

/* The rest of the line that begins with @key. */
static const char *value(const char *text, const char *key, size_t *len)
{
	const char *at = strstr(text, key);

	if (!at || (at > text && at[-1] != '\n')) {
		*len = 0;
		return "";
	}
	at += strlen(key);
	*len = strcspn(at, "\n");
	return at;
}

static bool read_file(const char *path, const char *config, struct running *r)
{
	char *text = slurp(path), *end;
	const char *at;
	size_t len;

	*r = (struct running){ 0 };
	end = text ? strstr(text, "\n\n") : NULL;
	if (!end) {
		free(text);
		return false;
	}
	end[1] = '\0'; /* what is before it is about who runs */
	r->text = text;
	r->flat = end + 2;
	at = value(text, "config = ", &len);
	r->pid = (pid_t)strtol(value(text, "pid = ", &(size_t){ 0 }), NULL, 10);
	if (len != strlen(config) || memcmp(at, config, len) != 0 || r->pid <= 0 ||
	    (kill(r->pid, 0) && errno == ESRCH)) {
		running_wipe(r);
		return false;
	}
	r->n_keys = (unsigned)strtoul(value(text, "keys = ", &len), NULL, 10);
	at = value(text, "passed =", &len);
	r->control_passed = memmem(at, len, "control", 7) != NULL;
	r->light_passed = memmem(at, len, "light", 5) != NULL;
	return true;
}

bool running_find(const char *config, struct running *r)
{
	char path[PATH_MAX];
	bool found = false;
	glob_t all;

	*r = (struct running){ 0 };
	if (place(NAME, path) && read_file(path, config, r)) {
		return true;
	}
	if (glob(EVERYWHERE, 0, NULL, &all)) {
		return false;
	}
	for (size_t i = 0; !found && i < all.gl_pathc; i++) {
		found = read_file(all.gl_pathv[i], config, r);
	}
	globfree(&all);
	return found;
}

void running_wipe(struct running *r)
{
	free(r->text);
	*r = (struct running){ 0 };
}
