// SPDX-License-Identifier: BSD-2-Clause
/*
 * The settings files: an octet of 1 ends the text of twampd.conf, the next one that of a file in
 * conf.d, and what follows is the keys file. What was read is dumped, and the dump is read
 * again: the same must come out.
 */
#include "daemon/config/settings.h"
#include "protocol/mode.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/told.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 3

static char dir[64];
static const char *const names[FILES] = { "twampd.conf", "conf.d/a.conf", "twampd.keys" };
static const char *const more[] = { "dump.conf", "dump.keys", "conf.d" }; /* to be removed as well */

/* libconfig loses a string that a syntax error follows; it says so in source.h. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static const char *in_dir(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void remove_files(void)
{
	for (size_t i = 0; i < FILES; i++) {
		(void)unlink(in_dir(names[i]));
	}
	(void)unlink(in_dir(more[0]));
	(void)unlink(in_dir(more[1]));
	(void)rmdir(in_dir(more[2]));
	(void)rmdir(dir);
}

/* On tmpfs where there is one: each input is three files. */
static void make_dir(void)
{
	const char *base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";

	if (dir[0]) {
		return;
	}
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	(void)snprintf(dir, sizeof(dir), "%s/twampd-fuzz-XXXXXX", base);
	MUST(mkdtemp(dir));
	MUST(!symlink(names[2], in_dir(more[1])));
	MUST(!mkdir(in_dir(more[2]), 0700));
	MUST(!atexit(remove_files));
}

static void write_file(const char *name, const void *data, size_t size)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)close(fd);
}

static void write_files(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;

	for (int i = 0; i < FILES; i++) {
		const uint8_t *stop = i < FILES - 1 && data < end
					      ? memchr(data, 1, (size_t)(end - data))
					      : NULL;

		stop = stop ? stop : end;
		write_file(names[i], data, (size_t)(stop - data));
		data = stop < end ? stop + 1 : end;
	}
}

static void check_policy(const struct policy *p)
{
	MUST(!(p->modes & ~MODE_SECURITY_MASK) && !(p->features & ~MODE_FEATURE_MASK));
	MUST(p->kdf_count >= 1024 && !(p->kdf_count & (p->kdf_count - 1)));
	MUST(p->port_first && p->port_first <= p->port_last);
	MUST(p->handshake_s && p->message_s && p->send_stall_s && p->servwait_s && p->refwait_s);
}

/* Whoever comes, a class or none is the answer. */
static void look_up(const struct settings *s, struct input input)
{
	struct address a = { .family = input_octet(&input) % 2 ? 4 : 6 };
	const struct settings_class *c;

	input_fill(&input, a.ip, a.family == 4 ? 4 : 16);
	c = settings_class_by_address(s, &a);
	MUST(c || s->n_classes);
	if (c) {
		check_policy(&c->policy);
	}
	c = settings_class_by_key(s, input.at, input.left);
	if (c) {
		check_policy(&c->policy);
	}
	MUST(!(settings_keyed_modes(s) & MODE_UNAUTHENTICATED));
}

static char *dump(const struct settings *s)
{
	size_t n = 0;
	char *text = NULL;
	FILE *f = open_memstream(&text, &n);

	MUST(f);
	settings_dump(s, f);
	MUST(!fclose(f) && text);
	return text;
}

static void read_dump(const struct settings *s)
{
	char *first = dump(s), *second, names_of[256];
	struct settings_error err = { .text = "" };
	struct settings *again;

	write_file(names[1], "", 0);
	write_file(more[0], first, strlen(first));
	if (settings_load(in_dir(more[0]), &again, &err)) {
		fprintf(stderr, "%s\n%s", err.text, first);
		abort();
	}
	second = dump(again);
	MUST(!strcmp(first, second));
	MUST(!settings_restart_needed(s, again, names_of, sizeof(names_of)));
	settings_unref(again);
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings_error err = { .text = "" };
	struct settings *s;
	int r;

	make_dir();
	write_files(data, size);
	r = settings_load(in_dir(names[0]), &s, &err);
	if (r) {
		MUST(r == SETTINGS_BAD && !s);
		check_told(&err);
		return 0;
	}
	check_policy(&s->policy);
	look_up(s, (struct input){ data, size });
	read_dump(s);
	settings_unref(s);
	return 0;
}
