// SPDX-License-Identifier: BSD-2-Clause
/*
 * One settings file: read, made safe, and parsed by libconfig. If faults are to be told, each
 * setting gets its place, and what libconfig refuses is explained and as far as possible mended,
 * so that the values in it are checked too.
 */
#pragma once

#include "daemon/config/apply.h"
#include "daemon/config/syntax.h"

struct parse {
	config_t config; /* if @parsed */
	bool parsed;
	struct syntax *syntax;
	char *raw;
};

/** Return 0; -ENOMEM; or SETTINGS_BAD, where @p may be parsed nevertheless. Then parse_free(). */
NODISCARD int parse_file(struct apply *a, const char *path, struct parse *p);
void parse_free(struct parse *p);

/** Where it stands; NULL if that is unknown. It lives as long as the parsed file. */
const struct syntax_place *parse_place(const config_setting_t *s);
