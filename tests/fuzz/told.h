// SPDX-License-Identifier: BSD-2-Clause
/* What is told about a fault of a file can be shown on a terminal. */
#pragma once

#include "daemon/config/settings.h"
#include "protocol/quote.h"
#include "tests/fuzz/fuzz.h"

static inline void check_told(const struct settings_error *err)
{
	char clean[sizeof(err->text) * 2];
	size_t n = strnlen(err->text, sizeof(err->text));

	MUST(n && n < sizeof(err->text));
	(void)quote_clean(clean, sizeof(clean), err->text);
	MUST(!strcmp(clean, err->text));
}
