// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/config/kept.h"

#include "daemon/config/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define PATH_LEN 40

/* For its owner alone. */
static int open_memory(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) < 0) {
		close(fd);
		return -errno;
	}
	return fd < 0 ? -errno : fd;
}

static int seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, SEALS) < 0 ? -errno : 0;
}

static int write_settings(int fd, const struct settings *s)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *f = copy < 0 ? NULL : fdopen(copy, "w");
	bool bad;

	if (!f) {
		if (copy >= 0) {
			close(copy);
		}
		return -ENOMEM;
	}
	settings_dump(s, f);
	bad = ferror(f);
	return fclose(f) || bad ? -ENOSPC : seal(fd);
}

/* Straight from the mapping: a buffer of stdio would keep what it has seen. */
static int write_keys(int fd, const struct keys *k)
{
	size_t len, done = 0;
	const uint8_t *text = keys_text(k, &len);

	while (done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return seal(fd);
}

int kept_write(const struct settings *s, struct kept *out)
{
	int rc;

	*out = KEPT_NONE;
	out->settings = open_memory("twampd-settings");
	rc = out->settings < 0 ? out->settings : write_settings(out->settings, s);
	if (!rc && s->keys) {
		out->keys = open_memory("twampd-keys");
		rc = out->keys < 0 ? out->keys : write_keys(out->keys, s->keys);
	}
	if (rc) {
		kept_close(out);
	}
	return rc;
}

int kept_load(const struct kept *k, const char *path, struct settings **out,
	      struct settings_error *err)
{
	char settings[PATH_LEN], keys[PATH_LEN];

	(void)snprintf(settings, sizeof(settings), "/proc/self/fd/%d", k->settings);
	(void)snprintf(keys, sizeof(keys), "/proc/self/fd/%d", k->keys);
	return settings_load_kept(path, settings, k->keys < 0 ? NULL : keys, out, err);
}

void kept_close(struct kept *k)
{
	if (k->settings >= 0) {
		close(k->settings);
	}
	if (k->keys >= 0) {
		close(k->keys);
	}
	*k = KEPT_NONE;
}
