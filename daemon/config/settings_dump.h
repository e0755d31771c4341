// SPDX-License-Identifier: BSD-2-Clause
/*
 * Values of settings as they are written in a file, for those who print and compare them.
 */
#pragma once

#include "daemon/config/schema.h"

/** @c: the class where @where is SCHEMA_CLASS; else it does not matter. */
void settings_dump_value(const struct settings *s, const struct settings_class *c,
			 enum schema_scope where, const struct schema_row *row, FILE *to);

/** The class has this itself, not from the server. */
bool settings_dump_is_set(const struct settings_class *c, const struct schema_row *row);
