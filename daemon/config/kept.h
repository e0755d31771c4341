// SPDX-License-Identifier: BSD-2-Clause
/*
 * Settings that are in force, on their way to the next process: it goes on with them when the
 * files have an error by then. As text, so that another version can read them, in files that are
 * in memory only: passphrases never come to a disk. memfd_create(2).
 */
#pragma once

#include "daemon/config/settings.h"

struct kept {
	int settings, keys; /* descriptors; -1 = none */
};

#define KEPT_NONE ((struct kept){ -1, -1 })

/** Write them. The descriptors are the caller's, kept_close(). Return 0 or negative errno. */
NODISCARD int kept_write(const struct settings *s, struct kept *out);

/**
 * As settings_load(), from what another process wrote.
 * @path  the settings file that they once came from: where the next reload looks
 */
NODISCARD int kept_load(const struct kept *k, const char *path, struct settings **out,
			struct settings_error *err);

void kept_close(struct kept *k);
