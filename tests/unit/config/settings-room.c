// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/config/test-settings.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The one leak that daemon/config/source.h owns up to. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

char room[64];
char file[128];

void room_set_up(void)
{
	(void)snprintf(room, sizeof(room), "/tmp/test-settings.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(room));
	ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	(void)snprintf(file, sizeof(file), "%s/twampd.conf", room);
}

static int drop(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void room_tear_down(void)
{
	ck_assert_int_eq(nftw(room, drop, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *write_file(const char *name, const void *data, size_t len)
{
	static char path[256];
	const char *slash = strchr(name, '/');
	char dir[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", room, name);
	if (slash) {
		(void)snprintf(dir, sizeof(dir), "%s/%.*s", room, (int)(slash - name), name);
		(void)mkdir(dir, 0700);
	}
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(data, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
	return path;
}

const char *write_text(const char *name, const char *text)
{
	return write_file(name, text, strlen(text));
}

const char *write_keys(const char *text)
{
	const char *path = write_text("twampd.keys", text);

	ck_assert_int_eq(chmod(path, 0600), 0);
	return path;
}

struct settings *load_good(const char *text)
{
	struct settings_error err = { .text = "" };
	struct settings *s = NULL;
	int r;

	write_text("twampd.conf", text);
	r = settings_load(file, &s, &err);
	ck_assert_msg(r == 0, "%d %s", r, err.text);
	ck_assert_ptr_nonnull(s);
	return s;
}

/* "FILE:2:17: what" as "FILE:2: what": most tests are about the rest. */
static void cut_column(char *text)
{
	char *colon = strchr(text, ':'), *second;

	for (; colon; colon = strchr(colon + 1, ':')) {
		size_t line = strspn(colon + 1, "0123456789");

		second = colon + 1 + line;
		if (line && *second == ':' && second[1] >= '0' && second[1] <= '9') {
			char *rest = second + 1 + strspn(second + 1, "0123456789");

			memmove(second, rest, strlen(rest) + 1);
			return;
		}
	}
}

void load_bad(const char *text, const char *part)
{
	struct settings_error err = { .text = "" };
	struct settings *s = NULL;

	write_text("twampd.conf", text);
	ck_assert_int_eq(settings_load(file, &s, &err), SETTINGS_BAD);
	ck_assert_ptr_null(s);
	ck_assert_msg(!strncmp(err.text, room, strlen(room)), "%s", err.text);
	if (!strstr(err.text, part)) {
		cut_column(err.text);
	}
	ck_assert_msg(strstr(err.text, part) != NULL, "\"%s\" is not in: %s", part, err.text);
}

char *dump(const struct settings *s)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(f);
	settings_dump(s, f);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

void assert_defaults(const struct settings *s)
{
	struct settings *d;
	char *a, *b;

	ck_assert_int_eq(settings_load(NULL, &d, NULL), 0);
	a = dump(s);
	b = dump(d);
	ck_assert_str_eq(a, b);
	ck_assert_mem_eq(&s->policy, &d->policy, sizeof(s->policy));
	free(a);
	free(b);
	settings_unref(d);
}
