// SPDX-License-Identifier: BSD-2-Clause
/* Words for what stands in a file, for the texts about its syntax. */
#pragma once

#include "daemon/config/syntax.h"

#define FOUND_SHOWN 40 /* octets of a word */
#define FOUND_LEN 80

size_t found_least(size_t a, size_t b);

/** The octets of the word that begins with the token at hand. */
size_t found_word(const struct syntax *x);

/** What stands there: "15m", in quotes. Returns @buf or a constant. */
const char *found_text(const struct syntax *x, char buf[static FOUND_LEN]);

/** What the innermost bracket waits for: "}" for the "{" of line 3, column 10. Returns @buf. */
const char *found_open(const struct syntax *x, char buf[static FOUND_LEN]);

/** The name of the setting at hand. Returns @buf or a constant. */
const char *found_name(const struct syntax *x, char buf[static FOUND_LEN]);
