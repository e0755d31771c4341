// SPDX-License-Identifier: BSD-2-Clause
#include "client/ctl/ctl_stale.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* "2026-11-28T11:33:25.123Z" in milliseconds since 1970; -1 = it is none. */
static long long parse_time(const char *text)
{
	struct tm utc = { 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;

	return !rest ? -1 : (long long)timegm(&utc) * 1000 + (*rest == '.' ? atoi(rest + 1) : 0);
}

static bool is_newer(const char *path, long long since_ms)
{
	struct stat st;

	return !stat(path, &st) &&
	       (long long)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 > since_ms;
}

static void look(json_t *to, const char *path, long long since_ms)
{
	if (is_newer(path, since_ms)) {
		(void)json_array_append_new(to, json_string(path));
	}
}

/* The folder tells of files that came or went: "conf.d" beside twampd.conf, "NAME.conf.d" beside another. */
static void look_at_folder(json_t *to, const char *file, long long since_ms)
{
	char path[PATH_MAX];
	const char *name = strrchr(file, '/');
	int n;

	name = name ? name + 1 : file;
	n = !strcmp(name, "twampd.conf")
		    ? snprintf(path, sizeof path, "%.*sconf.d", (int)(name - file), file)
		    : snprintf(path, sizeof path, "%s.d", file);
	if (n > 0 && (size_t)n < sizeof path) {
		look(to, path, since_ms);
	}
}

void ctl_stale(json_t *status)
{
	json_t *settings = json_object_get(status, "settings"), *changed = json_array();
	const char *main_file = json_string_value(json_object_get(settings, "file"));
	long long since_ms = parse_time(json_string_value(json_object_get(settings, "since")));
	const json_t *file;
	size_t i;

	if (since_ms >= 0 && main_file) {
		json_array_foreach(json_object_get(settings, "files"), i, file)
		{
			look(changed, json_string_value(file), since_ms);
		}
		look_at_folder(changed, main_file, since_ms);
	}
	(void)json_object_set_new(settings, "changed_files", changed);
}
