// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/server/verdict.h"

#include "daemon/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "reload"
#define TEXT_LEN 800
#define LOOK_MS 10
#define PATIENCE_NS (30 * INT64_C(1000000000)) /* well below systemd's own */

/* The first one: the unit may name more. */
static const char *find_folder(int *len)
{
	const char *folder = getenv("RUNTIME_DIRECTORY");

	*len = folder ? (int)strcspn(folder, ":") : 0;
	return *len ? folder : NULL;
}

static void write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	bool bad;

	if (fd < 0) {
		return;
	}
	bad = write(fd, text, len) != (ssize_t)len;
	close(fd);
	if (bad) {
		(void)unlink(path);
	}
}

void verdict_tell(struct mono begun, const char *why)
{
	char path[PATH_MAX], next[PATH_MAX], text[TEXT_LEN];
	int len, n;
	const char *folder = find_folder(&len);

	if (!folder) {
		return;
	}
	snprintf(path, sizeof path, "%.*s/" NAME, len, folder);
	snprintf(next, sizeof next, "%.*s/." NAME ".new", len, folder);
	n = snprintf(text, sizeof text, "%" PRId64 " %s\n", begun.ns, why ? why : "ok");
	write_file(next, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
	(void)rename(next, path); /* at once: who reads it finds all of it */
}

/* Of a reload that began at or after @since. */
static bool look(const char *path, struct mono since, char text[static TEXT_LEN])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_LEN - 1);
	char *end;

	if (fd >= 0) {
		close(fd);
	}
	if (n <= 0) {
		return false;
	}
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (strtoll(text, &end, 10) < since.ns || *end != ' ') {
		return false;
	}
	memmove(text, end + 1, strlen(end + 1) + 1);
	return true;
}

static int wait_for(const char *path, struct mono since, pid_t pid)
{
	char text[TEXT_LEN];

	while (clock_mono().ns - since.ns < PATIENCE_NS) {
		bool gone = kill(pid, 0) < 0 && errno == ESRCH;

		if (look(path, since, text)) {
			if (!strcmp(text, "ok")) {
				return EXIT_SUCCESS;
			}
			log_early("%s", text);
			return EXIT_FAILURE;
		}
		if (gone) {
			log_early("process %d ended meanwhile", (int)pid);
			return EXIT_FAILURE;
		}
		(void)poll(NULL, 0, LOOK_MS);
	}
	log_early("process %d says nothing about its reload for %d s; its log may", (int)pid,
		  (int)(PATIENCE_NS / 1000000000));
	return EXIT_FAILURE;
}

int verdict_ask(pid_t pid)
{
	char path[PATH_MAX];
	int len;
	const char *folder = find_folder(&len);
	struct mono since = clock_mono();

	if (!folder) {
		log_early(
			"--reload is for ExecReload= of a unit with RuntimeDirectory=; elsewhere: "
			"kill -HUP %d, and read the log",
			(int)pid);
		return EXIT_FAILURE;
	}
	if (kill(pid, SIGHUP) < 0) {
		log_early("cannot signal process %d: %s", (int)pid, strerror(errno));
		return EXIT_FAILURE;
	}
	snprintf(path, sizeof path, "%.*s/" NAME, len, folder);
	return wait_for(path, since, pid);
}
